// The end of a run, in words: who wins against the baseline in each scene, by how much, how doubtful that is.
#pragma once

#include <string>
#include <vector>

#include "harness/report/verdicts.hpp"

namespace tally {

// The estimates are those of the scenes.
[[nodiscard]] std::string summary_text(const std::vector<scene_group>&, const std::vector<estimate>&, const estimator&,
                                       const summary_options&);

// Of a scene of throughput rows: how much of what heaps of their own win is allocation, a line each; empty where nothing says it.
[[nodiscard]] std::string allocation_text(const scene_verdict&, const estimator&);

}  // namespace tally
