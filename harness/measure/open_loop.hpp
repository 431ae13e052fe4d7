// What became of an open loop: was its rate reached, and what was left of it.
#pragma once

#include <cstdint>

#include "harness/engine/engine.hpp"

namespace tally {

// Short of the rate by more than this, the backlog grows, and with the window so do the percentiles.
inline constexpr double most_unreached = 0.01;

// Of all lanes, inside the window.
struct open_loop_outcome {
  double asked = 0, reached = 0;  // steps per second
  std::uint64_t steps = 0;
  std::uint64_t backlog = 0;   // due and not begun when the window closed
  double late_share = 0;       // of the steps: due before the one ahead of them was over
  double overslept_share = 0;  // of the steps: the kernel woke the thread too late
  std::uint64_t spun_ns = 0;   // processor time of waiting, which is no operation's
  bool saturated = false;      // the rate was not reached
};

// Of a window with an open loop. By counts and not by rates: a short window has few intended starts, and one of them more or less
// is several per cent. So saturated is where of the steps that came due more than that share, and more than one per lane, were
// added to the backlog.
[[nodiscard]] open_loop_outcome outcome_of(const window_result&);

}  // namespace tally
