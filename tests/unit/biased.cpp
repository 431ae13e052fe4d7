// Every transition of biased counting, state by state. Contexts are explicit, so one thread can be owner and foreigner in
// turn; where the order of single accesses matters (biased_accesses.cpp), a scripted policy puts one context's steps between
// another's.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include "tests/unit/biased_scene.hpp"

namespace unit_biased {
namespace {

TYPED_TEST(Biased, ANewObjectIsItsMakersWithOneLocalReference) {
  scene<TypeParam> s;
  EXPECT_NE(s.id, no_owner);
  EXPECT_NE(s.id, immortal_owner);
  EXPECT_EQ(of(s.r), (counts{s.id, 1, 0, word::initial}));
  s.owner->drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, TheOwnerCountsInLocalAndOthersInShared) {
  scene<TypeParam> s;
  const auto mine = s.owner->copy(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 0, word::initial}));
  const auto a = s.other->copy(s.r), b = s.other->copy(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 2, word::initial}));
  s.other->drop(a);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 1, word::initial}));
  s.owner->drop(mine);
  EXPECT_EQ(of(s.r), (counts{s.id, 1, 1, word::initial}));
  s.other->drop(b);
  EXPECT_EQ(of(s.r), (counts{s.id, 1, 0, word::initial})) << "the whole word is 0 again";
  s.owner->drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, TheOwnerOfAQueuedObjectMayDropMoreReferencesThanItCounted) {
  scene<TypeParam> s;
  const auto dropped = s.owners();
  s.other->drop(dropped);  // queued
  const auto a = s.other->copy(s.r), b = s.other->copy(s.r);
  s.owner->drop(s.r);
  s.owner->drop(a);
  if (s.paper) {
    EXPECT_EQ(of(b), (counts{s.id, 0, 1, word::queued})) << "a queued object keeps its owner when local has come to 0";
    const auto more = s.owner->copy(b);
    s.owner->drop(more);
  }
  s.owner->drop(b);
  if (s.paper) {
    EXPECT_EQ(of(b), (counts{s.id, -1, 1, word::queued}));
  }
  EXPECT_EQ(s.heap.live(), 1) << "freed by whoever empties the queue";
  s.owner->poll();
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, TheOwnersEndWithForeignReferencesGivesTheObjectUp) {
  scene<TypeParam> s;
  const auto a = s.other->copy(s.r), b = s.other->copy(s.r);
  s.owner->drop(s.r);
  EXPECT_EQ(of(a), (counts{no_owner, 0, 2, word::merged}));
  const auto c = s.owner->copy(a);  // the former owner is a stranger now
  EXPECT_EQ(of(a), (counts{no_owner, 0, 3, word::merged}));
  s.other->drop(a);
  s.owner->drop(c);
  EXPECT_EQ(s.heap.live(), 1);
  s.other->drop(b);
  EXPECT_EQ(s.heap.live(), 0) << "the last drop of a merged object frees, whoever drops";
}

TYPED_TEST(Biased, AForeignDropBelowZeroQueuesAndTheOwnersPollMerges) {
  scene<TypeParam> s;
  const auto given = s.owners();
  s.other->drop(given);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, s.below(1), word::queued}));
  s.owner->poll();
  EXPECT_EQ(of(s.r), (counts{no_owner, 0, 1, word::merged}));
  s.other->poll();
  s.owner->drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, TheLastReferenceDroppedByAForeignerIsFreedByTheOwnersPoll) {
  scene<TypeParam> s;
  s.other->drop(s.r);
  s.other->poll();
  EXPECT_EQ(s.heap.live(), 1);
  s.owner->poll();
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, QuiesceEmptiesTheQueueToo) {
  scene<TypeParam> s;
  s.other->drop(s.r);
  s.owner->quiesce();
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, AForeignDropQueuesFromMaybeWeakToo) {
  scene<TypeParam> s;
  const auto w = s.owner->downgrade(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, 1, 0, word::maybe_weak}));
  s.other->drop(s.r);
  EXPECT_EQ(of(w), (counts{s.id, 1, s.below(1), word::queued}));
  s.owner->poll();
  EXPECT_EQ(s.heap.live(), 0);
  EXPECT_FALSE(s.owner->upgrade(w));
  s.owner->drop(w);
}

TYPED_TEST(Biased, AnObjectIsQueuedOnceHoweverDeepTheCountGoes) {
  scene<TypeParam> s;
  std::vector<decltype(s.r)> given;
  for (int i = 0; i < 5; ++i) given.push_back(s.owners());
  for (int i = 0; i < 3; ++i) s.other->drop(given[i]);
  EXPECT_EQ(of(s.r), (counts{s.id, 6, s.below(3), word::queued}));
  const auto up = s.other->copy(s.r), up2 = s.other->copy(s.r), up3 = s.other->copy(s.r), up4 = s.other->copy(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, 6, s.below(3) + 4, word::queued}));
  for (const auto& x : {up, up2, up3, up4}) s.other->drop(x);  // below zero a second time: it must not be queued again
  EXPECT_EQ(of(s.r), (counts{s.id, 6, s.below(3), word::queued}));
  s.owner->poll();
  EXPECT_EQ(of(s.r), (counts{no_owner, 0, 3, word::merged})) << "a second entry would have taken another reference";
  s.owner->poll();
  s.other->drop(given[3]);
  s.other->drop(given[4]);
  EXPECT_EQ(s.heap.live(), 1);
  s.owner->drop(s.r);
}

TYPED_TEST(Biased, AllOfTheOwnersReferencesDroppedByOthersAddUpInTheMerge) {
  scene<TypeParam> s;
  constexpr int many = 100'000;  // beyond the paper's 14 bits on both sides
  for (int i = 0; i < many; ++i) (void)s.owner->copy(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, many + 1, 0, word::initial}));
  for (int i = 0; i < many; ++i) (void)s.other->copy(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, many + 1, many, word::initial}));
  for (int i = 0; i < 2 * many; ++i) s.other->drop(s.r);
  EXPECT_EQ(of(s.r), (counts{s.id, many + 1, s.below(many), word::queued}));
  s.owner->poll();
  EXPECT_EQ(of(s.r), (counts{no_owner, 0, 1, word::merged}));
  s.owner->drop(s.r);
}

// The owner's local count ends while the object waits in its queue: CPython folds it, and the queue's reference keeps it
// alive; the paper's must be left alone, since its queue holds no reference.
TYPED_TEST(Biased, TheOwnersEndWhileQueuedLeavesTheFreeToTheQueue) {
  scene<TypeParam> s;
  s.other->drop(s.owners());  // queued; local 2
  const auto foreign = s.other->copy(s.r);
  s.owner->drop(s.r);      // local 1
  s.owner->drop(foreign);  // local 0: no reference is left but, with rule=cpython, the queue's
  EXPECT_EQ(of(s.r), s.paper ? (counts{s.id, 0, 0, word::queued}) : (counts{no_owner, 0, 1, word::merged}));
  EXPECT_EQ(s.heap.live(), 1);
  s.owner->poll();
  EXPECT_EQ(s.heap.live(), 0);
}

TYPED_TEST(Biased, AQueuedObjectWhoseLocalCountEndedCanBeCountedUpAgain) {
  scene<TypeParam> s;
  const auto w = s.owner->downgrade(s.r);
  s.other->drop(s.owners());
  const auto foreign = s.other->copy(s.r);
  s.owner->drop(s.r);
  s.owner->drop(foreign);
  const auto again = s.owner->upgrade(w);  // in the queue nothing is dead yet
  ASSERT_TRUE(again);
  const auto too = s.other->upgrade(w);
  ASSERT_TRUE(too);
  s.owner->poll();
  EXPECT_EQ(of(again), (counts{no_owner, 0, 2, word::merged}));
  s.other->drop(again);
  s.owner->drop(too);
  EXPECT_EQ(s.heap.live(), 0);
  EXPECT_FALSE(s.owner->upgrade(w));
  s.owner->drop(w);
}

TEST(BiasedHeader, IsThirtyTwoBytesAndItsQueueLinkHoldsAnyUserAddress) {
  using header = strategies::biased_header<native>;
  EXPECT_EQ(sizeof(header), 32u);
  header h;
  for (const std::uintptr_t at : {std::uintptr_t{0}, std::uintptr_t{0x7ffffffffff0}, std::uintptr_t{0xffff0000fff0}}) {
    h.set_queue_next(reinterpret_cast<header*>(at));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(h.queue_next()), at);
  }
}

}  // namespace
}  // namespace unit_biased
