#include <fmt/format.h>

#include <memory>

#include "harness/base/program.hpp"
#include "harness/cli/cli.hpp"
#ifdef TALLY_SIM
#include "harness/cli/flag_parsing.hpp"
#include "harness/sim/calibrate.hpp"
#else
#include "harness/contract/workload.hpp"
#endif

namespace tally::cli {

static constexpr const char* about = "simulate: cache traffic and scaling on a virtual multicore";

#ifdef TALLY_SIM

void add_sim(CLI::App& app, action& run) {
  auto o = std::make_shared<sim::sim_options>();
  CLI::App* sub = app.add_subcommand("sim", about);
  add_flags(*sub, *o, [o, &run] {
    run = [o] {
      if (o->calibrate.empty()) return sim::run_session(built_in_simulated(), *o, catch_interrupts(true));
      fmt::print("{}", calibrate_into(o->calibrate));
      return 0;
    };
  });
}

#else

void add_sim(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("sim", about);
  sub->prefix_command();
  sub->callback([&run] {
    run = []() -> int {
      throw usage_error(fmt::format("sim: this build has no simulator (it needs libboost-context-dev); to add it: {}",
                                    rebuilding("-DTALLY_SIM=ON")));
    };
  });
}

#endif

}  // namespace tally::cli
