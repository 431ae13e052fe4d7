#include "harness/micro/micro.hpp"

#include <memory>

#include "harness/cli/cli.hpp"

namespace tally::cli {

void add_micro(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("micro", "costs of single operations on one thread (Google Benchmark's flags)");
  sub->prefix_command();
  sub->set_help_flag();
  auto help = std::make_shared<bool>(false);
  sub->add_flag("-h,--help", *help, "the operations, and the library's flags");
  sub->callback([sub, help, &run] {
    run = [sub, help] { return micro::run(*help ? std::vector<std::string>{"--help"} : sub->remaining()); };
  });
}

}  // namespace tally::cli
