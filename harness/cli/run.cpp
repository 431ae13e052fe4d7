#include <csignal>
#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/cli/run_flags.hpp"
#include "harness/registry.hpp"
#include "harness/run/session.hpp"

namespace tally::cli {
namespace {

volatile int interrupted = 0;

void handle_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaction(s, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

void add_run(CLI::App& app, action& run) {
  auto o = std::make_shared<session_options>();
  CLI::App* sub = app.add_subcommand("run", "measure: a suite, or a selection of strategies and workloads");
  auto config = std::make_shared<std::string>();
  sub->add_option("--config", *config, "flags from a file of name=value lines; the command line's own count more");

  const std::vector<CLI::Option*> asked = add_run_flags(*sub, *o);
  sub->callback([o, asked, sub, config, &run] {
    if (!config->empty()) take_flags_from(*sub, *config);
    for (const auto* option : asked) {
      if (option->count() > 0) o->given.insert(option->get_lnames().front());
    }
    run = [o] {
      handle_signals();
      return run_session(built_in(), *o, interrupted);
    };
  });
}

}  // namespace tally::cli
