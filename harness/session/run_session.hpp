// A run from its flags to its summary.
#pragma once

#include <string>

#include "harness/engine/registry.hpp"
#include "harness/run/request.hpp"
#include "harness/session/session.hpp"

namespace tally {

struct run_options : session_flags, run_request {
  double timeout_s = 120;
};

// Returns the exit code. Throws usage_error, results_error.
int run_session(const registry&, const run_options&, const volatile int& interrupt);

}  // namespace tally
