// The metrics of simulated rows, one row each (results/metrics.hpp).
#pragma once

#include <span>

#include "harness/results/metrics.hpp"
#include "harness/sim/point.hpp"

namespace tally::sim {

// The point of a row, with sums that several metrics are read from.
struct simulated_point {
  simulated_point(const point_result&, double clock_ghz, std::size_t header_bytes);
  const point_result& point;
  double clock_ghz = 1;
  std::size_t header_bytes = 0;
  traffic total;
  handoff_counts handoffs;
  std::uint64_t hits[2]{};  // in L1, L2
  std::uint64_t failed_cas = 0;
  [[nodiscard]] double per_operation(std::uint64_t n) const {
    return point.operations == 0 ? 0 : static_cast<double>(n) / static_cast<double>(point.operations);
  }
};

[[nodiscard]] std::span<const metric_row<simulated_point>> simulated_metrics();

}  // namespace tally::sim
