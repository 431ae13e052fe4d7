#include "harness/cli/plot_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"

namespace tally::cli {

void require_plot_program(const std::string& subcommand) {
  if (const std::string why = bundled_missing(bundled::plots); !why.empty()) throw results_error(subcommand + ": " + why);
}

int become_plot_program(const std::string& subcommand, std::vector<std::string> arguments) {
  require_plot_program(subcommand);
  const auto script = *bundled_folder(bundled::plots) / "plot.py";
  const char* chosen = std::getenv("TALLY_PYTHON");
  std::string python = chosen != nullptr && *chosen != '\0' ? chosen : "python3";
  std::string file = script.string();
  std::vector<char*> argv{python.data(), file.data()};
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execvp(python.c_str(), argv.data());
  throw results_error(fmt::format("{}: {}: {}", subcommand, python, std::strerror(errno)));
}

}  // namespace tally::cli
