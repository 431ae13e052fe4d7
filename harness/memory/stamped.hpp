// The stamped policy: the machine as it is, and a record of when objects died and when they were freed (memory/deaths.hpp).
//
// Words are the native ones. What a workload says of a last drop (contract/promptness.hpp) costs a read of the clock and a few
// instructions, and so does each free: rows of this policy tell how promptly a strategy frees, and never a rate or a latency.
#pragma once

#include "harness/memory/deaths.hpp"
#include "harness/memory/native.hpp"

namespace tally {

struct stamped : native {
  static constexpr std::string_view name = "stamped";

  using death = tally::death;
  [[nodiscard]] static death dies(std::uint64_t now, std::size_t bytes) { return death_record::mine().dies(now, bytes); }
  static void awaits(void* object, death died) { death_record::mine().awaits(object, died); }
  static void freed(death died) {
    if (died.known()) death_record::mine().freed(died, now());
  }
  template <class F>
  static void stopped(F&& lives) {
    death_book::stopped(now(), lives);
  }
};

static_assert(memory_policy<stamped> && reserving<stamped>);

}  // namespace tally
