// Was the machine the same throughout a run? From what is read around every window.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/measure/environment.hpp"

namespace tally {

// Of a probe between a row's first two CPUs (probe.hpp).
struct handed_over {
  int cpu_a = -1, cpu_b = -1;
  double p50_ns = 0;
};

struct window_moments {
  environment_moment before, after;
  std::optional<handed_over> handoff = {};  // before; nothing for one thread
};

// What was not the same, or took time from the windows, a clause each: the governor, the clock, other programs, what was stolen, quotas,
// and how far two CPUs are from each other, which a hypervisor that moves them changes.
// The windows are in the order in which they were measured; of what a record does not have (an older one) nothing is said.
[[nodiscard]] std::vector<std::string> changes_over(std::span<const window_moments>);

}  // namespace tally
