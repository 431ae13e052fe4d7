// `tally sim`, from its flags to its summary.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/session/run_session.hpp"
#include "harness/session/session.hpp"
#include "harness/sim/sim_request.hpp"

namespace tally {

// Every strategy of this build on the simulated policy; those that can't be are listed with their reason.
const registry& built_in_simulated();

namespace sim {

struct sim_options : session_flags, sim_request {
  std::vector<std::filesystem::path> overlays;  // directories of observed rows, to be judged against
  std::optional<int> jobs;                      // simulated at once; none: as many as processors
  bool as_json = false;
  std::string calibrate;  // the machine file to be written; empty: simulate
};

// When interrupt becomes non-zero, the points in flight are finished, and no other is begun: --resume goes on.
// Returns the exit code. Throws usage_error, results_error.
int run_session(const registry&, const sim_options&, const volatile int& interrupt, const run_ending& = {});

// What the model leaves out, a sentence each: printed with every result.
[[nodiscard]] const std::vector<std::string>& not_modelled();

}  // namespace sim
}  // namespace tally
