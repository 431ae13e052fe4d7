#include "harness/micro/micro.hpp"

#include <memory>

#include "harness/cli/cli.hpp"

namespace tally::cli {

void add_micro(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("micro", "costs of single operations on one thread (Google Benchmark's flags)");
  sub->prefix_command();
  sub->set_help_flag();  // it shows the library's flags
  sub->callback([sub, &run] { run = [sub] { return micro::run(sub->remaining()); }; });
}

}  // namespace tally::cli
