// Simulated results in words: per workload who moves how many lines, because of which field, and what scaling that predicts.
#pragma once

#include <string>
#include <vector>

#include "harness/results/result.hpp"

namespace tally::sim {

// `measured_cores`: of this machine; predictions beyond them are marked.
[[nodiscard]] std::string summary_text(const std::vector<result>&, const std::string& baseline, int measured_cores);

}  // namespace tally::sim
