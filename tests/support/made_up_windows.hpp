// Windows whose truth is known, for tests of what is said of them.
#pragma once

#include <cmath>
#include <numbers>
#include <string>

#include "harness/base/random.hpp"
#include "harness/results/result.hpp"

namespace tally::testing {

// Of workload `spin` on one thread.
inline result spin_window(const std::string& strategy, row_role role, int process, int block, double ns) {
  result r;
  r.scene = "spin|1|throughput";
  r.row = strategy + "|" + r.scene + (role == row_role::again ? "|aa" : "");
  r.role = role;
  r.strategy = strategy;
  r.workload = "spin";
  r.mode = "throughput";
  r.process = process;
  r.block = block;
  r.metrics = {{"ns_per_op", "ns", "measured", ns, {}, {}, ""}, {"ops_per_second", "1/s", "measured", 1e9 / ns, {}, {}, ""}};
  return r;
}

// One draw of the standard normal distribution.
inline double normal(random_source& random) {
  const double u = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
  const double v = static_cast<double>(random() >> 11) * 0x1p-53;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace tally::testing
