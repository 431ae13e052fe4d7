// The metrics of operations that something delayed: for each cause of memory/delays.hpp a share, percentiles and the longest. Part of
// measured_metrics() (metrics.hpp).
#pragma once

#include <vector>

#include "harness/results/metrics.hpp"

namespace tally {

// Four for each cause, in the table's order; their names live as long as the program.
[[nodiscard]] std::vector<metric_row<measured_window>> delay_metrics();

}  // namespace tally
