#include "harness/session/python_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"
#include "harness/base/program.hpp"

namespace tally {

python_program find_python_program(std::string_view subcommand, std::string_view script) {
  if (const std::string why = bundled_missing(bundled::plots); !why.empty()) {
    throw results_error(fmt::format("{}: {}", subcommand, why));
  }
  const char* chosen = std::getenv("TALLY_PYTHON");
  return {chosen != nullptr && *chosen != '\0' ? chosen : "python3", *bundled_folder(bundled::plots) / script};
}

void become_python(std::string_view subcommand, std::string_view script, std::vector<std::string> arguments) {
  const python_program found = find_python_program(subcommand, script);
  std::string python = found.python, file = found.script.string();
  std::vector<char*> argv{python.data(), file.data()};
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execvp(python.c_str(), argv.data());
  throw results_error(fmt::format("{}: {}: {}", subcommand, python, std::strerror(errno)));
}

std::string missing_for_plots() {
  python_program program;
  try {
    program = find_python_program("plot", plot_script);
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
