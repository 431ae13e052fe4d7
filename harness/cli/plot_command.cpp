#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/cli/cli.hpp"
#include "harness/session/python_program.hpp"

namespace tally::cli {
namespace {

// What it asks verdicts of.
std::vector<std::string> with_this_program(const std::vector<std::string>& arguments) {
  std::error_code none;
  std::vector<std::string> all{"--tally", std::filesystem::read_symlink("/proc/self/exe", none).string()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

}  // namespace

// All that follows is the program's own, --help included.
void add_plot(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("plot", "pictures of results (the plot program's flags)");
  sub->prefix_command();
  sub->set_help_flag();
  sub->callback(
      [sub, &run] { run = [sub]() -> int { become_python("plot", plot_script, with_this_program(sub->remaining())); }; });
}

}  // namespace tally::cli
