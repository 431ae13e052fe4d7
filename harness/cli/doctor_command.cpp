#include <memory>

#include "harness/cli/cli.hpp"
#include "harness/session/doctor_session.hpp"

namespace tally::cli {

void add_doctor(CLI::App& app, action& run) {
  auto o = std::make_shared<doctor_options>();
  CLI::App* sub = app.add_subcommand("doctor", "what of this machine and this build makes numbers lie, and what helps");
  sub->add_option("--out", o->out, "where results are to go, for the room that is there; results if not given");
  sub->add_flag("--strict", o->strict, "exit with 1 where something warns");
  sub->add_flag("--json", o->as_json, "for programs: the checks, and all that was read");
  sub->callback([o, &run] { run = [o] { return doctor_session(*o); }; });
}

}  // namespace tally::cli
