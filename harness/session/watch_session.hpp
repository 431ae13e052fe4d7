// `tally watch`: an object program under one or several strategies side by side, and what happens to its objects.
#pragma once

#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/run/choices.hpp"
#include "harness/watch/object_program.hpp"

namespace tally {

struct watch_options {
  std::string file;
  std::vector<name_spec>
      strategies;       // none: those that show when each frees, or for a program with finalisers one that runs them
  bool events = false;  // the lines of one strategy, to be compared with others
  std::uint64_t steps = default_steps;
};

// Prints as it goes. Returns the exit code; throws usage_error.
int watch_session(const registry&, const watch_options&);

}  // namespace tally
