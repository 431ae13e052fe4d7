// `tally sim`, from its flags to its summary.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/run/request.hpp"
#include "harness/session/session.hpp"

namespace tally {

// Every strategy of this build on the simulated policy; those that can't be are listed with their reason.
const registry& built_in_simulated();

namespace sim {

struct sim_options : session_flags {
  run_request request;  // strategies, workloads, sets, heaps, baseline, seed; `threads` is --cores
  std::string machine;
  std::string protocol = "mesi";
  std::string caches = "infinite";
  std::vector<std::string> schedules;            // the first is the point, all of them the band
  std::uint64_t operations = 1000, warm_up = 0;  // a core; 0: a quarter of the operations
  std::vector<std::string> overlays;             // directories of observed rows, to be judged against
  int jobs = 0;                                  // simulated at once; 0: as many as processors
  bool as_json = false;
};

// When interrupt becomes non-zero, the points in flight are finished, and no other is begun: --resume goes on.
// Returns the exit code. Throws usage_error, results_error.
int run_session(const registry&, sim_options, const volatile int& interrupt);

// What the model leaves out, a sentence each: printed with every result.
[[nodiscard]] const std::vector<std::string>& not_modelled();

}  // namespace sim
}  // namespace tally
