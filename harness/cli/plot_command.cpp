#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/cli/cli.hpp"
#include "harness/session/plot_program.hpp"

namespace tally::cli {
namespace {

// Becomes the plot program; returns only by an exception.
int draw(std::vector<std::string> arguments) {
  const plot_program found = find_plot_program();
  std::string python = found.python, file = found.script.string();
  std::vector<char*> argv{python.data(), file.data()};
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
