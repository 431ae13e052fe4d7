// Why a plan's rows are skipped, in a sentence.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/base/text.hpp"
#include "harness/run/plan.hpp"

namespace tally {

std::string reasons_of(const std::vector<skipped_row>& skipped) {
  std::vector<std::string> reasons;
  for (const auto& s : skipped) {
    if (std::ranges::find(reasons, s.reason) == reasons.end()) reasons.push_back(s.reason);
  }
  constexpr std::size_t told = 3;
  const std::size_t more = reasons.size() > told ? reasons.size() - told : 0;
  reasons.resize(reasons.size() - more);
  return fmt::format("{}{}", fmt::join(reasons, "; "), more == 0 ? "" : fmt::format("; and {}", counted(more, "other reason")));
}

}  // namespace tally
