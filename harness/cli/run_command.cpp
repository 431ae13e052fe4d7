#include <csignal>
#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/cli/run_flags.hpp"
#include "harness/engine/registry.hpp"
#include "harness/session/run_session.hpp"

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
  auto config = std::make_shared<std::string>();
  sub->add_option("--config", *config, "flags from a file of name=value lines; the command line's own count more");

  const std::vector<CLI::Option*> asked = add_run_flags(*sub, *o);
  sub->callback([o, asked, sub, config, &run] {
    if (!config->empty()) take_flags_from(*sub, *config);
    for (const auto* option : asked) {
      if (option->count() > 0) o->given.insert(option->get_lnames().front());
    }
    run = [o] {
      std::signal(SIGPIPE, SIG_IGN);
      return run_session(built_in(), *o, catch_interrupts(false));
    };
  });
}

}  // namespace tally::cli
