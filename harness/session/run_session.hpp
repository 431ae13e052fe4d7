// A run from its flags to its summary.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/session/session.hpp"

namespace tally {

struct run_options : session_flags, run_request {
  double timeout_s = 120;
};

// What is said of the results at the end, instead of the summary.
using run_ending = std::function<void(const std::vector<result>&)>;

// Returns the exit code. Throws usage_error, results_error.
int run_session(const registry&, const run_options&, const volatile int& interrupt, const run_ending& = {});

}  // namespace tally
