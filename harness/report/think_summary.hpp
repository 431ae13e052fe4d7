// What counting takes of a thread's time beside work between operations, as people see it at the end of a run.
#pragma once

#include <string>
#include <vector>

#include "harness/results/estimates.hpp"

namespace tally {

// A table for scenes that differ by the work between their operations only: of each strategy the counting share, 1 less the time per
// operation of the scene's floor (the cheapest that never frees) over the strategy's, with the interval of that ratio. Empty where
// no scene has several amounts of work, or none has a floor; of throughput rows only.
[[nodiscard]] std::string think_summary(const std::vector<scene_group>&, const estimator&);

}  // namespace tally
