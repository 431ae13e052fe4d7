// A run from its flags to its summary: where it is kept, whether it goes on with an earlier one, what is said.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "harness/engine/registry.hpp"
#include "harness/run/request.hpp"

namespace tally {

enum exit_code : int { exit_fine = 0, exit_regression = 1, exit_inconclusive = 2, exit_harness = 3, exit_usage = 64,
                       exit_interrupted = 130 };

struct session_options {
  run_request request;
  std::set<std::string> given;    // the flags of the request that were typed
  std::string out;                // --out
  std::string from;               // --from
  bool resume = false;
  bool plan_only = false;
  bool quiet = false;
  double timeout_s = 120;
};

// Returns the exit code. Throws usage_error, results_error.
int run_session(const registry&, session_options, const volatile int& interrupt);

}  // namespace tally
