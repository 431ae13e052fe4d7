// The laws of deaths: chains and cycles, destructors, confined objects, and garbage that does not add up.
#pragma once

#include "tests/conform/laws_suite.hpp"

namespace tally::conform {

TYPED_TEST_P(Laws, DroppingTheHeadOfAVeryLongChainFreesItWithoutRecursion) {
  using H = TypeParam;
  // A simulated thread has a small stack: a tenth of the length would overflow it as surely.
  std::uint64_t length = H::memory::measured ? 10'000'000 : 1'000'000;
  if constexpr (requires { H::max_chain; }) length = H::max_chain / 10;
  auto heap = make_heap<H>(std::size_t{4} << 30);
  with_context(*heap, [&](auto& c) {
    auto head = make<node<H>>(c, {}, 0u);
    for (std::uint64_t i = 1; i < length; ++i) {
      auto next = make<node<H>>(c, {}, i);
      c.store(c.get(next).left, head);
      head = next;
      c.poll();
    }
    EXPECT_TRUE(c.get(head).intact(length - 1));
    c.drop(head);
    c.quiesce();
  });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, ACycleIsCollectedOrLeakedAsTheConceptSays) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 1u), b = make<node<H>>(c, {}, 2u);
    c.store(c.get(a).left, c.copy(b));
    c.store(c.get(b).left, c.copy(a));
    c.drop(a);
    c.drop(b);
  });
  EXPECT_TRUE(holds(*heap, collects_cycles<H> ? 0 : 2));
}

TYPED_TEST_P(Laws, ADestructorRunsOnceHoweverItsObjectDies) {
  using H = TypeParam;
  if constexpr (!runs_destructors<H>) {
    GTEST_SKIP() << "no destructors are run";
  } else {
    using leaf = ending<H, true>;
    using inner = ending<H, false>;
    auto heap = make_heap<H>();
    int made = 0, ended = 0;
    std::vector<typename H::template parcel<inner>> box;
    const auto leaf_in = [&](auto& c) {
      ++made;
      return make<leaf>(c, {}, [&ended] { ++ended; });
    };
    const auto inner_in = [&](auto& c) {
      ++made;
      return make<inner>(c, {}, [&ended] { ++ended; });
    };
    with_context(*heap, [&](auto& c) {
      c.drop(leaf_in(c));                                                                   // alone
      EXPECT_THROW(static_cast<void>(make<leaf>(c, {}, nullptr)), typename leaf::refused);  // and none where there was no object
      auto top = inner_in(c);                                                               // with what only it kept alive
      c.store(c.get(top).next, inner_in(c));
      c.store(c.get(top).leaf, leaf_in(c));
      c.quiesce();
      c.store(c.peek(c.get(top).next)->leaf, leaf_in(c));
      c.drop(top);
      if constexpr (has_weak<H>) {  // found dead afterwards
        auto seen = leaf_in(c);
        auto w = c.downgrade(seen);
        c.drop(seen);
        c.quiesce();
        c.drop(w);
      }
      box.push_back(c.pack(inner_in(c)));
      c.drop(inner_in(c));  // left behind by its maker
    });
    EXPECT_TRUE(holds(*heap, 1));
    EXPECT_EQ(ended, made - 1);
    with_context(*heap, [&](auto& c) { c.drop(c.unpack(box[0])); });  // in another context than its maker's
    EXPECT_TRUE(holds(*heap, 0));
    EXPECT_EQ(ended, made);
  }
}

TYPED_TEST_P(Laws, WhatAnObjectsEndFindsInItsPlaceIsTheNewValue) {
  using H = TypeParam;
  if constexpr (!runs_destructors<H> || defers<H>) {
    GTEST_SKIP() << "no destructors are run, or in stops";
  } else {
    using leaf = ending<H, true>;
    using inner = ending<H, false>;
    auto heap = make_heap<H>();
    typename H::template root<leaf> kept(*heap);
    with_context(*heap, [&](auto& c) {
      auto holder = make<inner>(c, {}, [] {});
      auto& place = c.get(holder).leaf;
      int looked = 0;
      c.store(place, make<leaf>(c, {}, [&] {
                ++looked;
                EXPECT_EQ(c.peek(place), nullptr);
              }));
      c.store(place, {});
      kept.store(c, make<leaf>(c, {}, [&] {
                   ++looked;
                   EXPECT_EQ(kept.get(), nullptr);
                 }));
      kept.store(c, {});
      EXPECT_EQ(looked, 2);
      c.drop(holder);
    });
    EXPECT_TRUE(holds(*heap, 0));
  }
}

TYPED_TEST_P(Laws, ConfinedObjectsLiveAndDieLikeOthersWithTheirMemory) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  law_thread<H>([] {
    const long before = blocks_held();
    {
      auto heap = make_heap<H>();
      {
        typename H::context c(*heap);
        auto top = make<own_node<H>>(c, {}, 1u);
        auto again = c.copy(top);
        c.store(c.get(top).next, make<own_node<H>>(c, {}, 2u));
        c.store(c.peek(c.get(top).next)->leaf, make<own_leaf<H>>(c, {}, 3u));
        c.store(c.get(top).leaf, make<own_leaf<H>>(c, {}, 4u));
        c.store(c.get(top).open, make<node<H>>(c, {}, 5u));
        c.store(c.get(top).leaf, {});
        c.store(c.get(top).branch, make<own_branch<H>>(c, {}));
        c.store(c.peek(c.get(top).branch)->leaf, make<own_leaf<H>>(c, {}, 6u));
        c.drop(top);
        auto two = c.load(c.get(again).next);
        auto three = c.load(c.get(two).leaf);
        if constexpr (has_weak<H>) {
          auto w2 = c.downgrade(two);
          auto w3 = c.downgrade(three), v3 = c.copy(w3);
          c.drop(again);
          auto found = c.upgrade(w2);
          EXPECT_EQ(c.get(found).value.load(), 2u);
          c.drop(two);
          c.drop(found);
          c.drop(w3);
          auto last = c.upgrade(v3);
          EXPECT_EQ(c.get(last).value.load(), 3u);
          c.drop(last);
          c.drop(three);
          c.quiesce();
          if (heap->live() == 0) {
            EXPECT_FALSE(c.upgrade(w2));
            EXPECT_FALSE(c.upgrade(v3));
          }
          c.drop(v3);
          c.drop(w2);
        } else {
          c.drop(again);
          EXPECT_EQ(c.get(two).value.load(), 2u);
          c.drop(two);
          EXPECT_EQ(c.get(three).value.load(), 3u);
          c.drop(three);
        }
      }
    }
    EXPECT_EQ(blocks_held(), before);
  }).join();
}

TYPED_TEST_P(Laws, GarbageDoesNotAddUp) {
  using H = TypeParam;
  if constexpr (!frees<H> || !requires(const H& h) { h.committed_bytes(); }) {
    GTEST_SKIP() << "frees nothing, or its memory is malloc's";
  } else {
    auto heap = make_heap<H>();
    with_context(*heap, [&](auto& c) {
      for (std::uint64_t i = 0; i < 100'000; ++i) {  // 100 MiB, of two sizes
        c.drop(make<node<H>>(c, {.bytes = i % 2 == 0 ? 500u : 1500u}, i));
        c.poll();
      }
    });
    EXPECT_LT(heap->committed_bytes(), std::size_t{48} << 20);
  }
}

}  // namespace tally::conform
