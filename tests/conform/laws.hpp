// The contract's laws, one test each, for any heap. What a law can't show under a scheme (a heap that never frees, no weak
// refs) it skips by saying so.
#pragma once

#include "tests/conform/support.hpp"

namespace tally::conform {

template <class H>
class Laws : public ::testing::Test {};
TYPED_TEST_SUITE_P(Laws);

// Why a law skips a heap with unique ownership.
inline constexpr auto one_owner = "an object has one ref at any time";

TYPED_TEST_P(Laws, ANewObjectLivesUntilItsOnlyRefIsDropped) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  typename H::template root<node<H>> kept(*heap);
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 7u);
    EXPECT_TRUE(c.get(a).intact(7));
    kept.store(c, a);
  });
  EXPECT_TRUE(holds(*heap, 1));
  with_context(*heap, [&](auto& c) { kept.store(c, {}); });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, EveryCopyKeepsTheObjectAliveAndIsDroppedOnItsOwn) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 1u);
    auto b = c.copy(a), d = c.copy(b);
    EXPECT_EQ(&c.get(a), &c.get(d));
    c.drop(a);
    c.poll();
    EXPECT_TRUE(c.get(b).intact(1));
    c.drop(d);
    c.quiesce();
    EXPECT_TRUE(c.get(b).intact(1));
    c.drop(b);
  });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, MemoryIsZeroedAndTrailingSlotsStartEmpty) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    for (int round = 0; round < 50; ++round) {  // the second and later rounds meet memory that was used before
      auto a = make<node<H>>(c, {.slots = 5, .bytes = 40}, 9u, 5u);
      auto* more = c.trailing_slots(c.get(a));
      for (int i = 0; i < 5; ++i) ASSERT_EQ(c.peek(more[i]), nullptr);
      const auto* extra = reinterpret_cast<const unsigned char*>(more + 5);
      for (int i = 0; i < 40; ++i) ASSERT_EQ(extra[i], 0);
      for (int i = 0; i < 5; ++i) c.store(more[i], make<node<H>>(c, {}, static_cast<std::uint64_t>(i)));
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(c.peek(more[i])->intact(static_cast<std::uint64_t>(i)));
      __builtin_memset(const_cast<unsigned char*>(extra), 0xee, 40);
      c.drop(a);
      c.poll();
    }
  });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, AStoreConsumesItsRefAndDropsTheOldValue) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  typename H::template root<node<H>> kept(*heap);
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 1u);
    c.store(c.get(a).left, make<node<H>>(c, {}, 2u));
    c.store(c.get(a).left, make<node<H>>(c, {}, 3u));  // 2 dies
    EXPECT_TRUE(c.peek(c.get(a).left)->intact(3));
    auto three = c.load(c.get(a).left);
    c.store(c.get(a).left, {});
    EXPECT_EQ(c.peek(c.get(a).left), nullptr);
    EXPECT_TRUE(c.get(three).intact(3));
    c.store(c.get(a).right, three);
    auto taken = c.take(c.get(a).right);
    EXPECT_EQ(c.peek(c.get(a).right), nullptr);
    EXPECT_TRUE(c.get(taken).intact(3));
    EXPECT_FALSE(c.load(c.get(a).right));
    c.drop(taken);
    kept.store(c, a);
  });
  EXPECT_TRUE(holds(*heap, 1));
  with_context(*heap, [&](auto& c) { kept.store(c, {}); });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, ParcelsCarryARefThroughMemoryThatNobodyScans) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  std::vector<typename H::template parcel<node<H>>> box;
  with_context(*heap, [&](auto& c) {
    for (std::uint64_t i = 0; i < 1000; ++i) box.push_back(c.pack(make<node<H>>(c, {}, i)));
  });
  EXPECT_TRUE(holds(*heap, 1000));
  with_context(*heap, [&](auto& c) {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      ASSERT_TRUE(c.peek(box[i]).intact(i));
      auto r = c.unpack(box[i]);
      ASSERT_TRUE(c.get(r).intact(i));
      if (i % 2 == 0) {
        c.drop(r);
      } else {
        box[i] = c.pack(r);
      }
      c.poll();
    }
  });
  EXPECT_TRUE(holds(*heap, 500));
  with_context(*heap, [&](auto& c) {
    for (std::uint64_t i = 1; i < 1000; i += 2) c.drop(c.unpack(box[i]));
  });
  EXPECT_TRUE(holds(*heap, 0));
}

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

TYPED_TEST_P(Laws, ObjectsOutliveTheThreadThatMadeThem) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  typename H::template root<node<H>> kept(*heap);
  with_context(*heap, [&](auto& c) {
    auto top = make<node<H>>(c, {}, 1u);
    c.store(c.get(top).left, make<node<H>>(c, {}, 2u));
    kept.store(c, top);
  });
  EXPECT_TRUE(holds(*heap, 2));
  with_context(*heap, [&](auto& c) {
    auto top = kept.load(c);
    EXPECT_TRUE(c.get(top).intact(1));
    auto two = c.load(c.get(top).left);
    c.drop(top);
    kept.store(c, {});
    c.quiesce();
    EXPECT_TRUE(c.get(two).intact(2));
    kept.store(c, two);
  });
  EXPECT_TRUE(holds(*heap, 1));
  with_context(*heap, [&](auto& c) { kept.store(c, {}); });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, ARefSurvivesABlockedRegionAndPollsAroundIt) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 5u);
    bool ran = false;
    c.blocked([&] { ran = true; });
    EXPECT_TRUE(ran);
    for (int i = 0; i < 10; ++i) c.poll();
    if constexpr (collects_cycles<H>) c.collect();
    EXPECT_TRUE(c.get(a).intact(5));
    c.drop(a);
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

TYPED_TEST_P(Laws, ManyThreadsCountOneObjectExactly) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  if constexpr (single_threaded<H>) {
    GTEST_SKIP() << "not thread-safe";
  } else {
    auto heap = make_heap<H>();
    typename H::template root<node<H>> kept(*heap);
    with_context(*heap, [&](auto& c) { kept.store(c, make<node<H>>(c, {}, 77u)); });
    std::vector<law_thread<H>> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        typename H::context c(*heap);
        auto mine = kept.load(c);
        for (int i = 0; i < 20'000; ++i) {
          auto r = c.copy(mine);
          keep(r);
          ASSERT_TRUE(c.get(r).intact(77));
          c.drop(r);
          c.poll();
        }
        c.drop(mine);
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_TRUE(holds(*heap, 1));
    with_context(*heap, [&](auto& c) { kept.store(c, {}); });
    EXPECT_TRUE(holds(*heap, 0));
  }
}

TYPED_TEST_P(Laws, TheLastDropMayComeFromAnyThread) {
  using H = TypeParam;
  if constexpr (single_threaded<H>) {
    GTEST_SKIP() << "not thread-safe";
  } else {
    auto heap = make_heap<H>();
    using memory = typename H::memory;
    typename memory::template channel<typename H::template parcel<node<H>>> pipe(64);
    constexpr std::uint64_t n = 20'000;
    law_thread<H> producer([&] {
      typename H::context c(*heap);
      for (std::uint64_t i = 0; i < n; ++i) {
        auto r = make<node<H>>(c, {}, i);
        if (i % 3 == 0) c.store(c.get(r).left, make<node<H>>(c, {}, i + 1));
        const auto p = c.pack(r);
        if (!pipe.try_push(p)) c.blocked([&] { memory::wait_until([&] { return pipe.try_push(p); }); });
        c.poll();
      }
    });
    law_thread<H> consumer([&] {
      typename H::context c(*heap);
      for (std::uint64_t i = 0; i < n; ++i) {
        typename H::template parcel<node<H>> p{};
        if (!pipe.try_pop(p)) c.blocked([&] { memory::wait_until([&] { return pipe.try_pop(p); }); });
        auto r = c.unpack(p);
        ASSERT_TRUE(c.get(r).intact(i));
        if (i % 3 == 0) {
          ASSERT_TRUE(c.peek(c.get(r).left)->intact(i + 1));
        }
        c.drop(r);
        c.poll();
      }
    });
    producer.join();
    consumer.join();
    EXPECT_TRUE(holds(*heap, 0));
  }
}

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
      c.drop(leaf_in(c));  // alone
      EXPECT_THROW(static_cast<void>(make<leaf>(c, {}, nullptr)), typename leaf::refused);  // and none where there was no object
      auto top = inner_in(c);  // with what only it kept alive
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

REGISTER_TYPED_TEST_SUITE_P(Laws, ANewObjectLivesUntilItsOnlyRefIsDropped,
                            EveryCopyKeepsTheObjectAliveAndIsDroppedOnItsOwn,
                            MemoryIsZeroedAndTrailingSlotsStartEmpty, AStoreConsumesItsRefAndDropsTheOldValue,
                            ParcelsCarryARefThroughMemoryThatNobodyScans,
                            DroppingTheHeadOfAVeryLongChainFreesItWithoutRecursion,
                            ObjectsOutliveTheThreadThatMadeThem, ARefSurvivesABlockedRegionAndPollsAroundIt,
                            ACycleIsCollectedOrLeakedAsTheConceptSays, ManyThreadsCountOneObjectExactly,
                            TheLastDropMayComeFromAnyThread, SharedSlotsLoadStoreExchangeAndCompare,
                            RacingLoadsAndStoresOfASharedSlotNeverSeeADeadObject,
                            AWeakRefUpgradesWhileTheObjectLivesAndFailsAfter, ADestructorRunsOnceHoweverItsObjectDies,
                            WhatAnObjectsEndFindsInItsPlaceIsTheNewValue,
                            ConfinedObjectsLiveAndDieLikeOthersWithTheirMemory, GarbageDoesNotAddUp);

}  // namespace tally::conform
