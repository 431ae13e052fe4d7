// Work between operations ("think time"): what a program does that not only counts. A chain of multiplications, each of which needs
// the one before: it takes the processor's time, and no memory, no line and no other thread's time.
//
// How long a step of the chain takes is measured once per process, so that the rows of a process do the same work. A lane that
// thinks passes no safepoint: who stops the world waits for the end of it, as for any code that has none.
#pragma once

#include <cstdint>

namespace tally {

inline constexpr int most_think_ns = 1'000'000;

// How long a step of the chain takes, in ns: the median of some rounds, with the least and the greatest.
struct think_calibration {
  double step_ns = 0, least_ns = 0, most_ns = 0;
  int rounds = 0;
};

// The process's; measured by the first call, which takes some milliseconds. Never 0.
[[nodiscard]] const think_calibration& calibrated_think();

// Work of so many nanoseconds: its steps, and what it was found to take when it was done again and again, just now.
struct think_work {
  std::uint64_t steps = 0;  // to the nearest, one at least; 0: no work
  double took_ns = 0;
};
[[nodiscard]] think_work think_of(std::uint64_t ns);

// Does so many steps: the same instructions for each, which name no memory (tests/codegen/think.py).
[[gnu::noinline]] void think(std::uint64_t steps);

}  // namespace tally
