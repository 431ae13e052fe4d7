#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"
#include "harness/cli/cli.hpp"

namespace tally::cli {
namespace {

namespace fs = std::filesystem;

// Becomes the plot program; returns only by an exception.
int draw(std::vector<std::string> arguments) {
  if (const std::string why = bundled_missing(bundled::plots); !why.empty()) throw results_error("plot: " + why);
  const auto script = *bundled_folder(bundled::plots) / "plot.py";
  const char* chosen = std::getenv("TALLY_PYTHON");
  std::string python = chosen != nullptr && *chosen != '\0' ? chosen : "python3";
  std::error_code none;
  std::string file = script.string(), flag = "--tally", self = fs::read_symlink("/proc/self/exe", none).string();
  std::vector<char*> argv{python.data(), file.data(), flag.data(), self.data()};  // whom it asks for verdicts
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  ::execvp(python.c_str(), argv.data());
  throw results_error(fmt::format("plot: {}: {}", python, std::strerror(errno)));
}

}  // namespace

// All that follows is the program's own, --help included.
void add_plot(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("plot", "pictures of results (the plot program's flags)");
  sub->prefix_command();
  sub->set_help_flag();
  sub->callback([sub, &run] { run = [sub] { return draw(sub->remaining()); }; });
}

}  // namespace tally::cli
