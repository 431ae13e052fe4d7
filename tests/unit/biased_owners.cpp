// Biased counting around owners that exit or block, and around many of them.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/biased_scene.hpp"

namespace unit_biased_owners {
namespace {

using namespace unit_biased;

TYPED_TEST(Biased, DetachingEmptiesTheQueue) {
  scene<TypeParam> s;
  s.other->drop(s.r);
  const auto child = s.make(*s.owner);
  const auto parent = s.make(*s.owner);
  s.owner->store(s.other->get(parent).next, child);
  s.other->drop(parent);
  EXPECT_EQ(s.heap.live(), 3);
  s.owner.reset();
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, WhatAnExitedOwnerLeavesKeepsItsIdAndCountsUntilAForeignDropMergesIt) {
  scene<TypeParam> s;
  const auto second = s.owners();
  s.owner.reset();
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 0, word::initial}));
  const auto foreign = s.other->copy(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 1, word::initial}));
  s.other->drop(foreign);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 0, word::initial}));
  s.other->drop(second);  // below zero: nobody has that id, so the dropper merges
  EXPECT_EQ(of(s.r), (counts{no_owner, 0, 1, word::merged}));
  s.other->drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, TheLastReferenceToAnExitedOwnersObjectIsFreedByItsDropper) {
  scene<TypeParam> s;
  s.owner.reset();
  s.other->drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, AContextThatGetsTheIdOfAnExitedOneOwnsWhatThatLeft) {
  scene<TypeParam> s;
  const auto second = s.owners();
  s.owner.reset();
  typename scene<TypeParam>::context heir(s.heap);
  const auto third = heir.copy(s.r);
  ASSERT_EQ(of(s.r), (counts{s.id, 3, 0, word::initial})) << "ids are reused last freed first";
  s.other->drop(third);
  EXPECT_EQ(of(s.r), (counts{s.id, 3, s.below(1), word::queued})) << "the queue is the heir's";
  heir.poll();
  EXPECT_EQ(of(s.r), (counts{no_owner, 0, 2, word::merged}));
  heir.drop(second);
  heir.drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, AnHeirFreesAtOnceWhatOnlyItsPredecessorCounted) {
  scene<TypeParam> s;
  s.owner.reset();
  typename scene<TypeParam>::context heir(s.heap);
  heir.drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, AForeignersLastDropWaitsForABlockedOwnerUnlessItCountsAsDetached) {
  scene<TypeParam> s;
  const auto kept = s.make(*s.owner);
  const auto given = s.owner->copy(kept);
  s.owner->blocked([&] {
    s.other->drop(s.r);
    EXPECT_EQ(s.heap.live(), s.detached ? 1 : 2);
    s.other->drop(given);
    if (s.detached) {
      EXPECT_EQ(of(kept), (counts{no_owner, 0, 1, word::merged}));
    } else {
      EXPECT_EQ(of(kept), (counts{s.id, 2, s.below(1), word::queued}));
    }
  });
  s.owner->poll();
  EXPECT_EQ(s.heap.live(), 1);
  EXPECT_EQ(of(kept), (counts{no_owner, 0, 1, word::merged}));
  s.owner->drop(kept);
}

TYPED_TEST(Biased, NothingStaysQueuedBehindAnOwnerThatGoesIntoABlockedRegion) {
  scene<TypeParam> s;
  s.other->drop(s.r);
  s.owner->blocked([&] { EXPECT_EQ(s.heap.live(), 0); });
}

TYPED_TEST(Biased, ABlockedRegionThatThrowsIsLeft) {
  scene<TypeParam> s;
  EXPECT_THROW(s.owner->blocked([] { throw 1; }), int);
  s.other->drop(s.r);
  EXPECT_EQ(s.heap.live(), 1) << "the owner runs, so its objects are its own";
  s.owner->poll();
}

TYPED_TEST(Biased, AMergeForABlockedOwnerTakesTheOwnersWholeLineageWithoutItsLock) {
  scene<TypeParam> s;
  // A parent and a child of one owner: freeing the parent drops the child, which takes the same bucket's lock again.
  s.owner->store(s.owner->get(s.r).next, s.make(*s.owner));
  s.owner->blocked([&] { s.other->drop(s.r); });
  s.owner->poll();
  s.owner->poll();
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, AForeignersCascadeThroughAnothersChainDoesNotRecurse) {
  scene<TypeParam> s;
  const auto chain = [&](typename scene<TypeParam>::context& by, int n) {
    auto head = s.make(by);
    for (int i = 1; i < n; ++i) {
      const auto front = s.make(by);
      by.store(by.get(front).next, head);
      head = front;
    }
    return head;
  };
  constexpr int length = 300'000;
  const auto blocked = chain(*s.owner, length);
  s.owner->blocked([&] { s.other->drop(blocked); });
  while (s.heap.live() > 1) s.owner->poll();  // merge=queue: the head's drop; the rest is the owner's own
  const auto orphaned = chain(*s.owner, length);
  s.owner->drop(s.r);
  s.owner.reset();
  s.other->drop(orphaned);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, EachOfManyOwnersGetsItsOwnObjects) {
  scene<TypeParam> s;
  std::deque<typename scene<TypeParam>::context> owners;  // more than there are buckets
  std::vector<decltype(s.r)> objects;
  for (int i = 0; i < 200; ++i) {
    objects.push_back(s.make(owners.emplace_back(s.heap)));
    for (int k = 0; k < i; ++k) ASSERT_NE(of(objects[i]).owner, of(objects[k]).owner);
  }
  for (const auto& x : objects) s.other->drop(x);
  EXPECT_EQ(s.heap.live(), 201);
  for (int i = 0; i < 200; ++i) {
    owners[i].poll();
    EXPECT_EQ(s.heap.live(), 200 - i);
  }
  s.owner->drop(s.r);
}

}  // namespace
}  // namespace unit_biased_owners
