#include <csignal>
#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/cli/flag_parsing.hpp"
#include "harness/engine/registry.hpp"

namespace tally::cli {

const volatile int& catch_interrupts(bool once) {
  static volatile int interrupted = 0;
  struct sigaction how{};
  how.sa_handler = [](int) { interrupted = 1; };
  how.sa_flags = once ? static_cast<int>(SA_RESETHAND) : 0;
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaction(s, &how, nullptr);
  return interrupted;
}

void add_run(CLI::App& app, action& run) {
  auto o = std::make_shared<run_options>();
  CLI::App* sub = app.add_subcommand("run", "measure: a suite, or a selection of strategies and workloads");
  add_flags(*sub, *o, [o, &run] {
    run = [o] {
      std::signal(SIGPIPE, SIG_IGN);
      return run_session(built_in(), *o, catch_interrupts(false));
    };
  });
}

}  // namespace tally::cli
