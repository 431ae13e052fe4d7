// Boehm's collector on the stamped policy: what it did not reach is freed, and everything else is still held back.
#include <gtest/gtest.h>

#include "harness/contract/promptness.hpp"
#include "harness/memory/stamped.hpp"
#include "tests/support/bdwgc_heaps.hpp"
#include "workloads/handoff.hpp"

namespace unit_bdwgc_promptness {
namespace {

using namespace tally;
using heap = strategies::bdwgc_heap<stamped>;
using item = workloads::handoff::item<heap>;

std::int64_t held() { return death_book::held_back().objects; }

TEST(BdwgcPromptness, HoldsBackUntilACollectionDoesNotReachIt) {
  constexpr std::int64_t n = 5000;
  death_book::begin();
  heap h(unit_bdwgc::config(0));
  GC_disable();
  conform::with_context(h, [](heap::context& c) {
    for (std::int64_t i = 0; i < n; ++i) {
      auto r = make<item>(c, {.bytes = 16});
      last_drop<heap>().of(c.get(r), 16);
      c.drop(r);
    }
  });
  EXPECT_EQ(held(), n);
  EXPECT_EQ(death_book::held_back().bytes, 32 * n);
  GC_enable();
  h.settle();
  EXPECT_LE(held(), unit_bdwgc::strays);
}

// What is said to be dead and can still be reached is not freed: a mark is asked for, and not the time.
TEST(BdwgcPromptness, WhatIsReachedIsNotFreed) {
  death_book::begin();
  heap h(unit_bdwgc::config(0));
  heap::root<item> kept(h);
  conform::with_context(h, [&](heap::context& c) {
    auto r = make<item>(c, {});
    last_drop<heap>().of(c.get(r));
    kept.store(c, r);
  });
  h.settle();
  EXPECT_EQ(held(), 1);
  conform::with_context(h, [&](heap::context& c) { kept.store(c, {}); });
}

}  // namespace
}  // namespace unit_bdwgc_promptness
