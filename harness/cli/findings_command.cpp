#include <csignal>
#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/session/findings_session.hpp"

namespace tally::cli {

void add_findings(CLI::App& app, action& run) {
  auto o = std::make_shared<findings_options>();
  CLI::App* sub = app.add_subcommand("findings", "published findings, measured here: reproduced, refuted, or in between");
  sub->add_option("slug", o->slugs, "the findings; all if none is given; one alone is told in full");
  sub->add_option("--results", o->results, "judge the rows of this directory instead of measuring");
  sub->add_option("--out", o->out, "the directory of what is measured; results/<UTC>-findings-<id> if not given");
  sub->add_option("--expect", o->expect, "a file of slugs, a line each, that may be refuted");
  sub->add_flag("--strict", o->strict, "exit with 1 for all that is not reproduced, not only for what is refuted");
  sub->add_flag("--json", o->as_json, "print the verdicts as JSON");
  sub->add_flag("--quiet", o->quiet, "no progress, no table; the exit code tells");
  sub->callback([o, &run] {
    run = [o] {
      std::signal(SIGPIPE, SIG_IGN);
      return findings_session(built_in(), *o, catch_interrupts(false));
    };
  });
}

}  // namespace tally::cli
