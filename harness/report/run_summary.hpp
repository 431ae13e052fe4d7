// The end of a run, in words: who wins against the baseline in each scene, by how much, how doubtful that is.
#pragma once

#include <string>
#include <vector>

#include "harness/results/estimates.hpp"

namespace tally {

struct summary_options {
  std::string baseline;  // as typed
  bool citable = false;  // enough processes for intervals
};

// The estimates are those of the scenes.
[[nodiscard]] std::string summary_text(const std::vector<scene_group>&, const std::vector<estimate>&, const estimator&,
                                       const summary_options&);

}  // namespace tally
