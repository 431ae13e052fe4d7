// The laws of shared slots and weak refs.
#pragma once

#include "tests/conform/laws_suite.hpp"

namespace tally::conform {

TYPED_TEST_P(Laws, SharedSlotsLoadStoreExchangeAndCompare) {
  using H = TypeParam;
  if constexpr (!has_shared_slot<H>) {
    GTEST_SKIP() << "no shared slots";
  } else {
    auto heap = make_heap<H>();
    with_context(*heap, [&](auto& c) {
      auto holder = make<shared_node<H>>(c, {}, 0u);
      auto& place = c.get(holder).place;
      EXPECT_FALSE(c.load(place));
      c.store(place, make<shared_node<H>>(c, {}, 1u));
      auto one = c.load(place);
      EXPECT_EQ(c.get(one).value.load(), 1u);
      auto two = make<shared_node<H>>(c, {}, 2u);
      auto spare = c.copy(two);
      EXPECT_FALSE(c.compare_exchange(place, two, spare));  // holds 1, not 2: nothing is consumed
      c.drop(spare);
      c.store(place, c.copy(one));
      auto three = make<shared_node<H>>(c, {}, 3u);
      EXPECT_TRUE(c.compare_exchange(place, one, c.copy(three)));  // consumes the copy, drops the slot's ref to 1
      auto old = c.exchange(place, c.copy(two));
      EXPECT_EQ(c.get(old).value.load(), 3u);
      c.drop(old);
      c.drop(three);
      EXPECT_EQ(c.get(one).value.load(), 1u);
      c.drop(one);
      auto none = c.exchange(place, {});
      EXPECT_EQ(c.get(none).value.load(), 2u);
      c.drop(none);
      c.drop(two);
      EXPECT_FALSE(c.load(place));
      c.store(place, make<shared_node<H>>(c, {}, 4u));  // dies with its holder
      c.drop(holder);
    });
    EXPECT_TRUE(holds(*heap, 0));
  }
}

TYPED_TEST_P(Laws, RacingLoadsAndStoresOfASharedSlotNeverSeeADeadObject) {
  using H = TypeParam;
  if constexpr (!has_shared_slot<H> || single_threaded<H>) {
    GTEST_SKIP() << "no shared slots";
  } else {
    auto heap = make_heap<H>();
    typename H::template root<shared_node<H>> holder(*heap);
    with_context(*heap, [&](auto& c) {
      auto h = make<shared_node<H>>(c, {}, 0u);
      c.store(c.get(h).place, make<shared_node<H>>(c, {}, 1u << 20));
      holder.store(c, h);
    });
    std::vector<law_thread<H>> threads;
    for (std::uint64_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        typename H::context c(*heap);
        auto& place = holder.get()->place;
        for (std::uint64_t i = 0; i < 10'000; ++i) {
          if (i % 4 == t) {
            c.store(place, make<shared_node<H>>(c, {}, (1u << 20) + i));
          } else {
            auto r = c.load(place);
            ASSERT_TRUE(static_cast<bool>(r));
            ASSERT_GE(c.get(r).value.load(), 1u << 20);
            c.drop(r);
          }
          if constexpr (has_borrow<H>) {
            const auto guard = c.borrow(place);
            ASSERT_GE(guard.get()->value.load(), 1u << 20);
          }
          c.poll();
        }
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_TRUE(holds(*heap, 2));
    with_context(*heap, [&](auto& c) { holder.store(c, {}); });
    EXPECT_TRUE(holds(*heap, 0));
  }
}

TYPED_TEST_P(Laws, AWeakRefUpgradesWhileTheObjectLivesAndFailsAfter) {
  using H = TypeParam;
  if constexpr (!has_weak<H>) {
    GTEST_SKIP() << "no weak refs";
  } else {
    auto heap = make_heap<H>();
    with_context(*heap, [&](auto& c) {
      auto a = make<node<H>>(c, {}, 4u);
      auto w = c.downgrade(a);
      auto w2 = c.copy(w);
      auto again = c.upgrade(w);
      ASSERT_TRUE(static_cast<bool>(again));
      EXPECT_TRUE(c.get(again).intact(4));
      c.drop(a);
      auto third = c.upgrade(w2);
      ASSERT_TRUE(static_cast<bool>(third));
      c.drop(third);
      c.drop(again);
      c.quiesce();
      // A scheme that frees at the last drop has freed it; one that defers may still find it, whole.
      const bool freed = heap->live() == 0;
      if (auto late = c.upgrade(w)) {
        EXPECT_FALSE(freed);
        EXPECT_TRUE(c.get(late).intact(4));
        c.drop(late);
      }
      c.drop(w);
      c.drop(w2);
    });
    EXPECT_TRUE(holds(*heap, 0));
  }
}

}  // namespace tally::conform
