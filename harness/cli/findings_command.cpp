#include <fmt/format.h>

#include <csignal>
#include <memory>

#include "harness/base/program.hpp"
#include "harness/cli/cli.hpp"
#include "harness/contract/workload.hpp"
#include "harness/session/findings_session.hpp"
#ifdef TALLY_SIM
#include "harness/session/sim_session.hpp"
#endif

namespace tally::cli {
namespace {

// What the options say of where results are kept and what is told.
template <class Options>
Options with(const findings_options& o, const suite_info& suite) {
  Options session;
  session.suite = &suite;
  session.out = o.out;
  session.quiet = o.quiet || o.as_json;
  return session;
}

int measured(const findings_options& o) {
  return findings_session(built_in(), o, [&](const suite_info& suite, const run_ending& ending) {
    return run_session(built_in(), with<run_options>(o, suite), catch_interrupts(false), ending);
  });
}

int simulated([[maybe_unused]] const findings_options& o) {
#ifdef TALLY_SIM
  return findings_session(built_in_simulated(), o, [&](const suite_info& suite, const run_ending& ending) {
    return sim::run_session(built_in_simulated(), with<sim::sim_options>(o, suite), catch_interrupts(true), ending);
  });
#else
  throw usage_error(fmt::format("findings --simulate: this build has no simulator (it needs libboost-context-dev); to add it: {}",
                                rebuilding("-DTALLY_SIM=ON")));
#endif
}

}  // namespace

void add_findings(CLI::App& app, action& run) {
  auto o = std::make_shared<findings_options>();
  CLI::App* sub = app.add_subcommand("findings", "published findings, measured here: reproduced, refuted, or in between");
  sub->add_option("slug", o->slugs, "the findings; all if none is given; one alone is told in full");
  sub->add_option("--results", o->results, "judge the rows of this directory instead of measuring");
  sub->add_option("--out", o->out, "the directory of what is measured; results/<UTC>-findings-<id> if not given");
  sub->add_option("--expect", o->expect, "a file of slugs, a line each, that may be refuted");
  sub->add_flag("--simulate", o->simulate, "on the virtual multicore, which has the cores that this machine lacks");
  sub->add_flag("--strict", o->strict, "exit with 1 for all that is not reproduced, not only for what is refuted");
  sub->add_flag("--json", o->as_json, "print the verdicts as JSON");
  sub->add_flag("--quiet", o->quiet, "no progress, no table; the exit code tells");
  sub->callback([o, &run] {
    run = [o] {
      std::signal(SIGPIPE, SIG_IGN);
      return o->simulate ? simulated(*o) : measured(*o);
    };
  });
}

}  // namespace tally::cli
