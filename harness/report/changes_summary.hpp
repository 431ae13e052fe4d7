// The end of a run, in words: what of the machine was not the same throughout.
#pragma once

#include <string>
#include <vector>

#include "harness/results/result.hpp"

namespace tally {

// Empty where it was, or where results do not say.
[[nodiscard]] std::string changes_summary(const std::vector<result>&);

}  // namespace tally
