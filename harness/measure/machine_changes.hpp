// Was the machine the same throughout a run? From what is read around every window.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "harness/measure/environment.hpp"

namespace tally {

struct window_moments {
  environment_moment before, after;
};

// What was not the same, or took time from the windows, a clause each: the governor, the clock, other programs, what was stolen, quotas.
// The windows are in the order in which they were measured; of what a record does not have (an older one) nothing is said.
[[nodiscard]] std::vector<std::string> changes_over(std::span<const window_moments>);

}  // namespace tally
