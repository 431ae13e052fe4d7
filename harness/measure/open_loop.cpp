#include "harness/measure/open_loop.hpp"

#include <algorithm>

namespace tally {

open_loop_outcome outcome_of(const window_result& w) {
  open_loop_outcome o;
  o.asked = w.open->per_second;
  o.reached = w.steps_per_second();
  std::uint64_t late = 0, overslept = 0, before = 0;
  for (const auto& l : w.lanes) {
    o.steps += l.steps;
    o.backlog += l.paced.backlog_at_closing;
    o.spun_ns += l.paced.spun_ns;
    before += l.paced.backlog_at_opening;
    late += l.paced.late;
    overslept += l.paced.overslept;
  }
  const auto of_steps = [&](std::uint64_t n) {
    return static_cast<double>(n) / static_cast<double>(std::max<std::uint64_t>(o.steps, 1));
  };
  o.late_share = of_steps(late);
  o.overslept_share = of_steps(overslept);
  const double added = static_cast<double>(o.backlog) - static_cast<double>(before);
  const double due = static_cast<double>(o.steps) + added;
  o.saturated = added > std::max(most_unreached * due, static_cast<double>(w.lanes.size()));
  return o;
}

}  // namespace tally
