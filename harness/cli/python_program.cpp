#include "harness/cli/python_program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"

namespace tally::cli {

void become_python(std::string_view subcommand, std::string_view script, std::vector<std::string> arguments) {
  if (const std::string why = bundled_missing(bundled::plots); !why.empty()) {
    throw results_error(fmt::format("{}: {}", subcommand, why));
  }
  const char* chosen = std::getenv("TALLY_PYTHON");
  std::string python = chosen != nullptr && *chosen != '\0' ? chosen : "python3";
  std::string file = (*bundled_folder(bundled::plots) / script).string();
  std::vector<char*> argv{python.data(), file.data()};
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execvp(python.c_str(), argv.data());
  throw results_error(fmt::format("{}: {}: {}", subcommand, python, std::strerror(errno)));
}

}  // namespace tally::cli
