#include "harness/report/changes_summary.hpp"

#include <fmt/format.h>

#include "harness/base/program.hpp"

namespace tally {

std::string changes_summary(const std::vector<result>& results) {
  std::vector<window_moments> windows;
  for (const auto& r : results) {
    if (r.moments) windows.push_back(*r.moments);
  }
  const std::vector<std::string> changes = changes_over(windows);
  if (changes.empty()) return "";
  return fmt::format("The machine during the run: {} ({} tells more).\n", fmt::join(changes, "; "), command("doctor"));
}

}  // namespace tally
