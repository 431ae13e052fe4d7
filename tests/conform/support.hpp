// What the conformance suites share: object types with a canary, and a way to ask a heap what lives with nobody attached.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "harness/contract/family.hpp"
#include "harness/contract/strategy.hpp"
#include "harness/heap/object.hpp"
#ifdef TALLY_BLOCKS_HELD
#include "tests/conform/sequences/memory.hpp"
#endif

namespace tally::conform {

// The second word of a live node is the complement of its first: memory that was freed or never built does not look so.
template <class H>
struct node {
  using trailing = node;
  explicit node(std::uint64_t id = 0, std::uint32_t places = 0) : value(id), canary(~id), trailing_count(places) {}
  typename H::template slot<node> left, right;
  var<typename H::memory, std::uint64_t, "payload"> value, canary;
  std::uint32_t trailing_count;
  void each_slot(auto&& f) {
    f(left);
    f(right);
    auto* more = slots_behind<typename H::template slot<node>>(*this);
    for (std::uint32_t i = 0; i < trailing_count; ++i) f(more[i]);
  }
  [[nodiscard]] bool intact(std::uint64_t id) const { return value.load() == id && canary.load() == ~id; }
};

template <class H>
struct shared_node {
  explicit shared_node(std::uint64_t id = 0) : value(id) {}
  typename H::template shared_slot<shared_node> place;
  var<typename H::memory, std::uint64_t, "payload"> value;
  void each_slot(auto&& f) { f(place); }
};

// Says that its life ends. A leaf, or one with a slot that can hold a chain of its kind.
template <class H, bool Leaf>
struct ending;
template <class H>
struct ending<H, true> {
  struct refused {};
  explicit ending(std::function<void()> f) : at_end(std::move(f)) {
    if (!at_end) throw refused();
  }
  ~ending() { at_end(); }
  ending(const ending&) = delete;
  ending& operator=(const ending&) = delete;
  std::function<void()> at_end;
  void each_slot(auto&&) {}
};
template <class H>
struct ending<H, false> {
  explicit ending(std::function<void()> f) : at_end(std::move(f)) {}
  ~ending() { at_end(); }
  ending(const ending&) = delete;
  ending& operator=(const ending&) = delete;
  typename H::template slot<ending> next;
  typename H::template slot<ending<H, true>> leaf;
  std::function<void()> at_end;
  void each_slot(auto&& f) {
    f(next);
    f(leaf);
  }
};

// Of types that never leave their thread: a leaf, one that holds it, and one that holds both, its own kind and what may leave.
template <class H>
struct own_leaf {
  static constexpr bool confined = true;
  explicit own_leaf(std::uint64_t id) : value(id) {}
  var<typename H::memory, std::uint64_t, "payload"> value;
  void each_slot(auto&&) {}
};
template <class H>
struct own_branch {
  static constexpr bool confined = true;
  typename H::template slot<own_leaf<H>> leaf;
  void each_slot(auto&& f) { f(leaf); }
};
template <class H>
struct own_node {
  static constexpr bool confined = true;
  explicit own_node(std::uint64_t id) : value(id) {}
  typename H::template slot<own_node> next;
  typename H::template slot<own_branch<H>> branch;
  typename H::template slot<own_leaf<H>> leaf;
  typename H::template slot<node<H>> open;
  var<typename H::memory, std::uint64_t, "payload"> value;
  void each_slot(auto&& f) {
    f(next);
    f(branch);
    f(leaf);
    f(open);
  }
};

template <class H>
std::unique_ptr<H> make_heap(std::size_t limit = 0) {
  heap_config config;
  config.limit_bytes = limit;
  config.mutators = 4;
  return std::make_unique<H>(config);
}

// What a law calls a thread: a policy whose threads are not real has its own kind.
template <class M>
struct thread_of {
  using type = std::thread;
};
template <class H>
using law_thread = typename thread_of<typename H::memory>::type;

// Runs f(context) on a thread of its own, which detaches and ends: nothing of f is on any stack afterwards.
template <class H, class F>
void with_context(H& heap, F&& f) {
  law_thread<H>([&] {
    typename H::context c(heap);
    f(c);
  }).join();
}

// With nobody attached: does the heap hold what it should?
template <class H>
::testing::AssertionResult holds(H& heap, std::int64_t expected) {
  heap.settle();
  const auto live = heap.live(), bytes = heap.live_bytes();
  bool fine = live == expected && (live != 0) == (bytes != 0);
  if constexpr (H::oracle == oracle_class::never_frees) fine = live >= expected && live == heap.made();
  if constexpr (H::oracle == oracle_class::bounded) fine = live >= expected && live <= expected + heap.slack();
  if (fine) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << live << " objects live in " << bytes << " bytes, expected " << expected;
}

// Every built variant of a family.
template <class Family, class Variants>
struct heaps_of;
template <class Family, auto... O>
struct heaps_of<Family, variant_list<O...>> {
  using type = ::testing::Types<typename Family::template heap<native, O>...>;
};

template <class H>
constexpr bool frees = H::oracle != oracle_class::never_frees;

// Who traces takes types without destructors only.
template <class H>
constexpr bool runs_destructors = frees<H> && (defers<H> || !collects_cycles<H> || has_finalizers<H>);

// Blocks of malloc's that this thread's heaps have, in programs that count them (sequences/memory.hpp).
#ifndef TALLY_BLOCKS_HELD
inline long blocks_held() { return 0; }
#endif

}  // namespace tally::conform
