// Heaps of Boehm's collector in tests. They share one collector, so tests do not depend on each other's order but on each other's
// leaving nothing behind.
#pragma once

#include <cstdint>

#include "strategies/bdwgc.hpp"
#include "tests/conform/support.hpp"

namespace unit_bdwgc {

using tally::make;
using tally::native;
using tally::conform::with_context;
using tally::strategies::bdwgc_alloc;
using heap = tally::strategies::bdwgc_heap<native>;
using plain_heap = tally::strategies::bdwgc_heap<native, {.alloc = bdwgc_alloc::plain}>;
using node = tally::conform::node<heap>;

struct numbers {
  std::uint64_t first = 0;
  void each_slot(auto&&) {}
};

struct watcher {
  heap::weak_slot<node> seen;
  heap::slot<watcher> next;
  void each_slot(auto&& f) { f(seen), f(next); }
};

// As many as the stacks of ended threads may leave behind: fewer than are on a list.
inline constexpr std::int64_t strays = 20;

inline tally::heap_config config(std::size_t limit) {
  tally::heap_config c;
  c.limit_bytes = limit;
  return c;
}

}  // namespace unit_bdwgc
