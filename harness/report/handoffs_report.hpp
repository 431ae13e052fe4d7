// Observed line hand-offs as people see them at the end of a run.
#pragma once

#include <string>
#include <vector>

#include "harness/results/result.hpp"

namespace tally {

// A table a scene: hand-offs of an operation, in all and by field, medians over the windows, and how far to trust them. Empty
// for a run without observed rows. `order`: the rows' keys in the plan's order.
[[nodiscard]] std::string handoffs_summary(const std::vector<result>&, const std::vector<std::string>& order);

}  // namespace tally
