#include "harness/cli/cli.hpp"
#include "harness/cli/plot_program.hpp"

namespace tally::cli {

// All that follows is the program's own, --help included.
void add_plot(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("plot", "pictures of results (the plot program's flags)");
  sub->prefix_command();
  sub->set_help_flag();
  sub->callback([sub, &run] { run = [sub] { return become_plot_program("plot", sub->remaining()); }; });
}

}  // namespace tally::cli
