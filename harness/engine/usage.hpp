// What the kernel says a thread did between two moments: how long it ran, and how long it was kept from running.
//
// Three clocks together tell a thread that waits by its own choice from one that the machine took off its CPU:
//   cpu        it ran                                                          CLOCK_THREAD_CPUTIME_ID
//   delay      it was runnable and another thread had the CPU                  /proc/thread-self/schedstat
//   the rest   it slept (then it switched voluntarily at least once), or a hypervisor had taken the CPU away
#pragma once

#include <cstdint>

namespace tally {

struct thread_usage {
  std::uint64_t wall_ns =
      0;  // when it was read; of a difference what lies between: of a lane that waits for turns less than its window
  std::uint64_t cpu_ns = 0;
  std::uint64_t delay_ns = 0;  // runnable, not running
  bool delay_known = false;    // false: this kernel has no schedstat
  long voluntary_switches = 0;
  long involuntary_switches = 0;

  // Of the calling thread, since it started. A few microseconds: call it outside of what is timed.
  [[nodiscard]] static thread_usage now();
  [[nodiscard]] thread_usage since(const thread_usage& earlier) const {
    return {wall_ns - earlier.wall_ns,
            cpu_ns - earlier.cpu_ns,
            delay_ns - earlier.delay_ns,
            delay_known && earlier.delay_known,
            voluntary_switches - earlier.voluntary_switches,
            involuntary_switches - earlier.involuntary_switches};
  }
};

// Bytes that the C library's malloc has from the kernel and in no block of the program's, of the whole process; of another malloc that
// is loaded in its place they say nothing. It looks at every free chunk under malloc's locks: once, and outside of what is timed.
[[nodiscard]] std::uint64_t malloc_free_bytes();

}  // namespace tally
