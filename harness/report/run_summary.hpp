// The end of a run, in words: who wins against the baseline in each scene, by how much, how doubtful that is.
#pragma once

#include <string>
#include <vector>

#include "harness/run/plan.hpp"

namespace tally {

struct summary_options {
  std::string baseline;
  bool citable = false;         // enough processes for intervals
  std::uint64_t seed = 1;
  std::vector<std::string> order;   // row keys as planned; scenes and rows are told in this order
};

[[nodiscard]] std::string summary_text(const std::vector<json>& records, const summary_options&);

}  // namespace tally
