#include "harness/cli/cli.hpp"
#include "harness/session/python_program.hpp"

namespace tally::cli {

// All that follows is the program's own, --help included.
void add_plot(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("plot", "pictures of results (the plot program's flags)");
  sub->prefix_command();
  sub->set_help_flag();
  sub->callback([sub, &run] { run = [sub]() -> int { become_python("plot", plot_script, sub->remaining()); }; });
}

}  // namespace tally::cli
