#include "harness/session/second_look.hpp"

#include <algorithm>

namespace tally {

run_plan second_look(const run_plan& plan, const std::set<std::string>& rows) {
  constexpr int times_again = 5;
  constexpr std::size_t tenths = 9;  // of the windows that the plan has, and so about of its time
  run_plan again = plan;
  std::erase_if(again.rows, [&](const row_spec& r) { return !rows.contains(r.key()); });
  if (again.rows.empty()) return again;
  const std::size_t fit = tenths * plan.rows.size() * static_cast<std::size_t>(plan.processes) / (10 * again.rows.size());
  again.processes =
      plan.processes + static_cast<int>(std::min<std::size_t>(fit, static_cast<std::size_t>(times_again * plan.processes)));
  return again;
}

}  // namespace tally
