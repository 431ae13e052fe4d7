#include <csignal>
#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/session/compare_session.hpp"

namespace tally::cli {

void add_compare(CLI::App& app, action& run) {
  auto o = std::make_shared<compare_options>();
  CLI::App* sub =
      app.add_subcommand("compare", "two results directories, row by row: what got slower, what could have been seen");
  sub->add_option("old", o->before, "a results directory")->required();
  sub->add_option("new", o->after, "another, of the same machine and compiler")->required();
  sub->add_option("--metric", o->metrics, "other metrics to compare besides what each row is judged by: name,name")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->delimiter(',')
      ->type_name("TEXT");
  sub->add_option("--gate", o->gate, "exit with 1 if a figure is worse by more than this, in per cent, by its whole interval")
      ->check(CLI::Range(0.0, 1000.0).description("(0 to 1000)"))
      ->type_name("PCT");
  sub->add_flag("--force", o->force, "compare runs of different machines or builds, and rows that were set up differently");
  sub->add_flag("--markdown", o->markdown, "print Markdown, for a pull request");
  sub->callback([o, &run] {
    run = [o] {
      std::signal(SIGPIPE, SIG_IGN);
      return compare_session(*o);
    };
  });
}

}  // namespace tally::cli
