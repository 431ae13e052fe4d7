// What the tests of deferred share: its heap, objects of two shapes, and a heap that stops often.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "strategies/deferred.hpp"
#include "tests/support/stack.hpp"

namespace unit_deferred {

using tally::extent;
using tally::heap_config;
using tally::make;
using tally::native;
using tally::testing::far_down;
using tally::testing::wipe_stack;
using heap = tally::strategies::deferred_heap<native>;
using header = heap::header;

inline constexpr std::uint64_t sound = 0x50'0d'50'0d'50'0d'50'0d;

template <class H>
struct node_of {
  explicit node_of(std::uint64_t n = 0) : number(n) {}
  ~node_of() { canary = 0; }
  typename H::template slot<node_of> left, right;
  typename H::template shared_slot<node_of> racy;
  std::uint64_t number;
  std::uint64_t canary = sound;
  void each_slot(auto&& f) { f(left), f(right), f(racy); }
};
using node = node_of<heap>;
using ref = heap::ref<node>;

template <class H>
struct array_of {
  using trailing = node_of<H>;
  explicit array_of(std::uint32_t n) : count(n) {}
  std::uint64_t count;
  void each_slot(auto&& f) {
    auto* all = tally::slots_behind<typename H::template slot<trailing>>(*this);
    for (std::uint64_t i = 0; i < count; ++i) f(all[i]);
  }
};

inline heap_config many_stops() {
  static constexpr std::pair<std::string_view, double> few[] = {{"entries", 64}, {"kilobytes", 16}};
  return {.tunables = few, .tunable_count = 2};
}

using Deferred = tally::testing::clean_stack;

[[gnu::noinline]] inline void make_ring(heap::context& c, std::uint64_t length, bool by_stops, heap::root<node>& top) {
  top.store(c, make<node>(c, {}, 0));
  ref last = top.load(c);
  for (std::uint64_t i = 1; i < length; ++i) {
    ref next = make<node>(c, {}, i);
    c.store(c.get(next).left, last);
    last = next;
    top.get()->number = i;
    if (by_stops) c.quiesce();
  }
  c.store(top.get()->right, last);
  top.store(c, {});
}

}  // namespace unit_deferred
