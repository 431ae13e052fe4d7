#include "harness/session/plot_program.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"
#include "harness/base/program.hpp"

namespace tally {

plot_program find_plot_program() {
  if (const std::string why = bundled_missing(bundled::plots); !why.empty()) throw results_error("plot: " + why);
  const char* chosen = std::getenv("TALLY_PYTHON");
  return {chosen != nullptr && *chosen != '\0' ? chosen : "python3", *bundled_folder(bundled::plots) / "plot.py"};
}

std::string missing_for_plots() {
  plot_program program;
  try {
    program = find_plot_program();
  } catch (const results_error& e) {
    return e.what();
  }
  const std::string asked = fmt::format("{} {} --list 2>&1", shell_word(program.python), shell_word(program.script.native()));
  std::FILE* said = ::popen(asked.c_str(), "r");
  if (said == nullptr) return "no shell could be started";
  std::string text;
  std::array<char, 4096> part{};
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), said)) text.append(part.data(), n);
  if (::pclose(said) == 0) return "";
  text.erase(text.find_last_not_of('\n') + 1);
  const auto last = text.find_last_of('\n');
  return last == std::string::npos ? text : text.substr(last + 1);
}

}  // namespace tally
