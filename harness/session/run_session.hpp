// A run from its flags to its summary.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/session/session.hpp"

namespace tally {

struct run_options : session_flags, run_request {
  double timeout_s = 120;
};

// What is made of the results at the end.
struct run_ending {
  std::function<void(const std::vector<result>&)> tell;  // instead of the summary; none: the summary
  // The keys of rows that more windows may decide something about: they get a second look (second_look.hpp). None: no row is.
  std::function<std::set<std::string>(const std::vector<result>&)> undecided = {};
};

// Returns the exit code. Throws usage_error, results_error.
int run_session(const registry&, const run_options&, const volatile int& interrupt, const run_ending& = {});

}  // namespace tally
