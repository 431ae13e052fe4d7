// Every transition of biased counting, state by state. Contexts are explicit, so one thread can be owner and foreigner in
// turn; where the order of single accesses matters, a scripted policy puts one context's steps between another's.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "tests/unit/recording_policy.hpp"
#include "tests/unit/scripted_policy.hpp"

namespace unit_biased {
namespace {

using namespace tally;
using strategies::biased_heap;
using strategies::biased_merge;
using strategies::biased_options;
using strategies::biased_rule;
namespace word = strategies::shared_word;

template <class H>
struct node {
  typename H::template slot<node> next;
  typename H::template weak_slot<node> back;
  void each_slot(auto&& f) {
    f(next);
    f(back);
  }
};

struct counts {
  int owner;
  std::int64_t local, shared, state;
  friend bool operator==(const counts&, const counts&) = default;
};
void PrintTo(const counts& c, std::ostream* os) {
  *os << "{owner " << c.owner << ", local " << c.local << ", shared " << c.shared << ", state " << c.state << "}";
}
template <class R>
counts of(const R& r) {
  const std::int64_t s = r.at->shared.load(std::memory_order_relaxed);
  return {r.at->owner.load(std::memory_order_relaxed), r.at->local.load(), word::count(s), word::state(s)};
}

template <biased_options O>
struct option {
  static constexpr biased_options value = O;
};
using all_options = ::testing::Types<option<biased_options{}>, option<biased_options{.merge = biased_merge::detached}>,
                                     option<biased_options{.rule = biased_rule::paper}>,
                                     option<biased_options{.rule = biased_rule::paper, .merge = biased_merge::detached}>>;

template <class Option>
class Biased : public ::testing::Test {};
TYPED_TEST_SUITE(Biased, all_options);

// An owner, another context, and an object of the owner's with one reference. Everything must be gone at the end.
template <class Option>
struct scene {
  static constexpr biased_options O = Option::value;
  static constexpr bool paper = O.rule == biased_rule::paper;
  static constexpr bool detached = O.merge == biased_merge::detached;
  // What the shared count shows for n foreign drops beyond it, the first of which queued: the paper subtracts every one,
  // CPython leaves the first to the queue.
  static constexpr std::int64_t below(std::int64_t n) { return paper ? -n : 1 - n; }
  using heap_type = biased_heap<native, O>;
  using context = typename heap_type::context;
  using ref = typename heap_type::template ref<node<heap_type>>;

  ~scene() {
    owner.reset();
    other.reset();
    EXPECT_EQ(heap.live(), 0);
    EXPECT_EQ(heap.live_bytes(), 0);
  }
  static ref make(context& c) { return tally::make<node<heap_type>>(c, {}); }
  // A copy made by the owner: counted in local, whoever drops it.
  ref owners() { return owner->copy(r); }

  heap_type heap{heap_config{}};
  std::optional<context> owner{heap}, other{heap};
  ref r = make(*owner);
  int id = of(r).owner;
};

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
  s.other->drop(s.owners());        // queued; local 2
  const auto foreign = s.other->copy(s.r);
  s.owner->drop(s.r);                     // local 1
  s.owner->drop(foreign);               // local 0: no reference is left but, with rule=cpython, the queue's
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

TYPED_TEST(Biased, ImmortalsAreCountedByNobody) {
  scene<TypeParam> s;
  s.owner->store(s.owner->get(s.r).next, s.make(*s.owner));
  s.owner->make_immortal(s.r);
  const counts before = of(s.r);
  EXPECT_EQ(before.owner, immortal_owner);
  for (int i = 0; i < 3; ++i) (void)s.owner->copy(s.r), (void)s.other->copy(s.r);
  for (int i = 0; i < 9; ++i) s.owner->drop(s.r), s.other->drop(s.r);
  EXPECT_EQ(of(s.r), before);
  const auto w = s.other->downgrade(s.r);
  EXPECT_TRUE(s.other->upgrade(w));
  EXPECT_TRUE(s.owner->upgrade(w));
  s.owner.reset();
  typename scene<TypeParam>::context heir(s.heap);
  heir.drop(s.r);
  EXPECT_EQ(s.heap.live(), 2);
  heir.release_immortal(s.r);
  EXPECT_EQ(s.heap.live(), 0) << "with what only it kept alive";
  EXPECT_FALSE(heir.upgrade(w));
  heir.drop(w);
}

TYPED_TEST(Biased, AWeakRefMarksTheObjectSoThatItsEndIsAnAtomicStep) {
  scene<TypeParam> s;
  const auto w = s.other->downgrade(s.r);  // by anybody who has a ref
  EXPECT_EQ(of(s.r), (counts{s.id, 1, 0, word::maybe_weak}));
  s.owner->drop(s.r);
  EXPECT_EQ(s.heap.live(), 0);
  EXPECT_EQ(of(w), (counts{no_owner, 0, 0, word::merged}));  // the memory is still there
  EXPECT_FALSE(s.owner->upgrade(w));
  EXPECT_FALSE(s.other->upgrade(w));
  const auto w2 = s.other->copy(w);
  s.other->drop(w);
  EXPECT_FALSE(s.other->upgrade(w2));
  s.owner->drop(w2);
}

TYPED_TEST(Biased, AWeakRefMadeOfAQueuedOrMergedObjectLeavesItsState) {
  scene<TypeParam> s;
  s.other->drop(s.owners());
  const auto w = s.other->downgrade(s.r);
  EXPECT_EQ(of(s.r).state, word::queued);
  s.owner->poll();
  const auto w2 = s.owner->downgrade(s.r);
  EXPECT_EQ(of(s.r), (counts{no_owner, 0, 1, word::merged}));
  s.owner->drop(s.r);
  EXPECT_FALSE(s.other->upgrade(w));
  s.other->drop(w);
  s.other->drop(w2);
}

TYPED_TEST(Biased, UpgradesCountWhereTheUpgraderCounts) {
  scene<TypeParam> s;
  const auto w = s.owner->downgrade(s.r);
  const auto a = s.owner->upgrade(w);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 0, word::maybe_weak}));
  const auto b = s.other->upgrade(w);
  EXPECT_EQ(of(s.r), (counts{s.id, 2, 1, word::maybe_weak}));
  s.owner->drop(a);
  s.owner->drop(s.r);
  EXPECT_EQ(of(w), (counts{no_owner, 0, 1, word::merged}));
  const auto c = s.owner->upgrade(w);
  EXPECT_EQ(of(w), (counts{no_owner, 0, 2, word::merged}));
  s.other->drop(b);
  s.other->drop(c);
  EXPECT_EQ(s.heap.live(), 0);
  s.other->drop(w);
}

TYPED_TEST(Biased, AForeignUpgradeOfAQueuedObjectWithCountZeroSucceeds) {
  scene<TypeParam> s;
  const auto w = s.owner->downgrade(s.r);
  s.other->drop(s.r);  // the last reference, and it waits in the queue
  const auto back = s.other->upgrade(w);
  ASSERT_TRUE(back);
  s.owner->poll();
  EXPECT_EQ(of(back), (counts{no_owner, 0, 1, word::merged}));
  s.other->drop(back);
  EXPECT_FALSE(s.other->upgrade(w));
  s.other->drop(w);
}

TYPED_TEST(Biased, TryIncrementRefusesAnUnmarkedWordOfZeroSinceItsOwnerMayBeFreeingIt) {
  scene<TypeParam> s;
  EXPECT_FALSE(s.other->try_increment(*s.r.at));
  EXPECT_EQ(of(s.r), (counts{s.id, 1, 0, word::initial}));
  EXPECT_TRUE(s.owner->try_increment(*s.r.at));
  s.owner->drop(s.r);
  s.owner->drop(s.r);
}

TYPED_TEST(Biased, WeakCyclesAndBackReferencesAreFreedWithTheirMemory) {
  scene<TypeParam> s;
  const auto child = s.make(*s.other);
  s.other->store(s.other->get(child).back, s.owner->downgrade(s.r));
  s.owner->store(s.owner->get(s.r).next, child);  // owned by `other`, dropped by the cascade of the owner
  s.owner->drop(s.r);
  EXPECT_EQ(s.heap.live(), 1);
  s.other->poll();
  EXPECT_EQ(s.heap.live(), 0);
}

// ---- single accesses ----

template <class M, biased_options O = biased_options{}>
struct world {
  using heap_type = biased_heap<M, O>;
  using object = node<heap_type>;
  using ref = typename heap_type::template ref<object>;
  heap_type heap{heap_config{}};
  typename heap_type::context owner{heap}, other{heap};
  ref r = tally::make<object>(owner, {});
};

TEST(BiasedAccesses, TheOwnersCopyAndDropReadTheOwnerAndCountOneWordPlainly) {
  world<recording> w;
  recording::clear();
  const auto copy = w.owner.copy(w.r);
  EXPECT_EQ(recording::seen, (std::map<std::string, access_counts, std::less<>>{
                                 {"owner", {.loads = 1}}, {"local", {.loads = 1, .stores = 1}}}));
  recording::clear();
  w.owner.drop(copy);
  EXPECT_EQ(recording::seen, (std::map<std::string, access_counts, std::less<>>{
                                 {"owner", {.loads = 1}}, {"local", {.loads = 1, .stores = 1}}}));
  recording::clear();
  w.owner.poll();
  EXPECT_EQ(recording::seen, (std::map<std::string, access_counts, std::less<>>{{"queue", {.loads = 1}}}));
  recording::clear();
  w.owner.drop(w.r);
  EXPECT_EQ(recording::seen["shared"], (access_counts{.loads = 1})) << "the free of a private object needs no RMW";
  EXPECT_EQ(recording::seen["weak"], (access_counts{.loads = 1}));
  EXPECT_EQ(recording::frees, 1);
}

TEST(BiasedAccesses, ImmortalsAreReadAndNotWritten) {
  world<recording> w;
  w.owner.make_immortal(w.r);
  recording::clear();
  (void)w.owner.copy(w.r);
  (void)w.other.copy(w.r);
  w.owner.drop(w.r);
  w.other.drop(w.r);
  EXPECT_EQ(recording::seen, (std::map<std::string, access_counts, std::less<>>{{"owner", {.loads = 4}}}));
  w.owner.release_immortal(w.r);
}

TEST(BiasedAccesses, ThePapersRuleMergesWithAnRmwAtEveryOwnersEnd) {
  world<recording, biased_options{.rule = biased_rule::paper}> w;
  recording::clear();
  w.owner.drop(w.r);
  EXPECT_EQ(recording::seen["shared"], (access_counts{.loads = 1, .rmws = 1}));
}

// After the merging RMW another thread may free the object, so nothing may be written to it then (CPython's gh-119999).
template <biased_options O>
void owner_is_given_up_first() {
  using state = world<scripted, O>;
  for (const bool by_queue : {false, true}) {
    state w;
    const auto foreign = w.other.copy(w.r);
    if (by_queue) {  // below zero, then up again
      w.other.drop(w.r);
      w.other.drop(foreign);
      (void)w.other.copy(foreign);
    }
    auto* const h = w.r.at;
    bool merging = false;
    scripted::before = [&](std::string_view field, std::string_view access) {
      if (field == "owner" && access == "store") {
        EXPECT_FALSE(merging) << "the owner was written after the merge";
      }
      if (field != "shared" || access != "rmw") return;
      merging = true;
      EXPECT_EQ(h->owner.load(std::memory_order_relaxed), no_owner);
      EXPECT_EQ(h->local.load(), 0);
    };
    if (by_queue) {
      w.owner.poll();
    } else {
      w.owner.drop(w.r);
    }
    scripted::before = nullptr;
    EXPECT_TRUE(merging);
    w.other.drop(foreign);
    EXPECT_EQ(w.heap.live(), 0);
  }
}
TEST(BiasedAccesses, TheOwnerIsGivenUpBeforeTheMergingRmw) { owner_is_given_up_first<biased_options{}>(); }
TEST(BiasedAccesses, TheOwnerIsGivenUpBeforeTheMergingRmwUnderThePapersRule) {
  owner_is_given_up_first<biased_options{.rule = biased_rule::paper}>();
}

// Runs `script` before the n-th access (from 0) to `field` of kind `access` during `step`.
template <class Step, class Script>
bool between(std::string_view field, std::string_view access, int n, Step&& step, Script&& script) {
  bool ran = false;
  scripted::before = [&](std::string_view f, std::string_view a) {
    if (f != field || a != access || n-- != 0) return;
    ran = true;
    script();
  };
  step();
  scripted::before = nullptr;
  return ran;
}

TEST(BiasedRaces, AForeignDropThatQueuesAnObjectItsOwnerMergesMeanwhileDropsTheQueuesReferenceItself) {
  world<scripted> w;
  const auto given = w.owner.copy(w.r);  // local 2
  const bool ran = between(
      "owner", "load", 1, [&] { w.other.drop(given); },  // load 0 chooses the path, load 1 is enqueue's
      [&] {
        const auto foreign = w.other.copy(w.r);  // a third thread's, handed to the owner
        w.owner.drop(w.r);
        w.owner.drop(foreign);
        EXPECT_EQ(of(w.r), (counts{no_owner, 0, 1, word::merged}));
      });
  EXPECT_TRUE(ran);
  EXPECT_EQ(w.heap.live(), 0);
}

template <biased_options O>
void owner_exits_before_the_queue_is_reached() {
  using state = world<scripted, O>;
  typename state::heap_type heap{heap_config{}};
  std::optional<typename state::heap_type::context> owner{heap};
  typename state::heap_type::context other{heap};
  auto r = tally::make<typename state::object>(*owner, {});
  EXPECT_TRUE(between("owner", "load", 1, [&] { other.drop(r); }, [&] { owner.reset(); }));
  EXPECT_EQ(heap.live(), 0) << "the dropper merges in the place of the owner that left";

  owner.emplace(heap);
  r = tally::make<typename state::object>(*owner, {});
  std::optional<typename state::heap_type::context> heir;
  EXPECT_TRUE(between(
      "owner", "load", 1, [&] { other.drop(r); }, [&] { owner.reset(), heir.emplace(heap); }));
  EXPECT_EQ(heap.live(), 1) << "the queue of the one who has the id now";
  heir->poll();
  EXPECT_EQ(heap.live(), 0);
}
TEST(BiasedRaces, AnOwnerMayExitBetweenTheForeignDropAndItsQueue) {
  owner_exits_before_the_queue_is_reached<biased_options{}>();
  owner_exits_before_the_queue_is_reached<biased_options{.rule = biased_rule::paper}>();
  owner_exits_before_the_queue_is_reached<biased_options{.merge = biased_merge::detached}>();
}

TEST(BiasedRaces, AnObjectQueuedWhileItsOwnerGoesAwayIsMergedByOneOfTheTwo) {
  for (int n = 0; n < 2; ++n) {  // before `state` is written, and after that, before `pending` is read
    world<scripted, biased_options{.merge = biased_merge::detached}> w;
    bool ran = false;
    const auto step = [&] {
      w.owner.blocked([&] {
        scripted::before = nullptr;
        EXPECT_EQ(w.heap.live(), 0);
      });
    };
    if (n == 0) {
      ran = between("queue", "rmw", 0, step, [&] { w.other.drop(w.r); });
    } else {
      ran = between("queue", "load", 1, step, [&] { w.other.drop(w.r); });
    }
    EXPECT_TRUE(ran);
    EXPECT_EQ(w.heap.live(), 0);
  }
}

TEST(BiasedRaces, AnUpgradeBetweenTheOwnersLastDropAndItsMergeKeepsTheObject) {
  for (const bool before_load : {false, true}) {
    world<scripted> w;
    const auto weak = w.owner.downgrade(w.r);
    decltype(w.r) up{};
    EXPECT_TRUE(between("shared", before_load ? "load" : "rmw", 0, [&] { w.owner.drop(w.r); },
                        [&] { up = w.other.upgrade(weak); }));
    ASSERT_TRUE(up);
    EXPECT_EQ(of(up), (counts{no_owner, 0, 1, word::merged}));
    w.other.drop(up);
    EXPECT_EQ(w.heap.live(), 0);
    w.other.drop(weak);
  }
}

TEST(BiasedRaces, AForeignDropDuringTheOwnersMergeLeavesTheFreeToTheOwner) {
  world<scripted> w;
  const auto foreign = w.other.copy(w.r);
  EXPECT_TRUE(between("shared", "rmw", 0, [&] { w.owner.drop(w.r); }, [&] { w.other.drop(foreign); }));
  EXPECT_EQ(w.heap.live(), 0);
}

// ---- shared slots read by epoch ----

template <class H>
struct shared_node {
  typename H::template shared_slot<shared_node> racy;
  void each_slot(auto&& f) { f(racy); }
};

template <class M>
struct epoch_world {
  using heap_type = biased_heap<M, biased_options{.slot = slot_kind::epoch}>;
  using object = shared_node<heap_type>;
  using ref = typename heap_type::template ref<object>;
  heap_type heap{heap_config{}};
  typename heap_type::context owner{heap}, other{heap};
  ref place = tally::make<object>(owner, {}), r = tally::make<object>(owner, {});
  auto& racy() { return owner.get(place).racy; }
  void finish() {
    owner.store(racy(), {});
    owner.drop(place);
    for (int i = 0; i < 4; ++i) owner.quiesce(), other.quiesce();
    EXPECT_EQ(heap.live(), 0);
  }
};

TEST(BiasedEpochSlots, PublishingMarksTheObjectSoThatAForeignReaderCanCountIt) {
  epoch_world<native> w;
  const int id = of(w.r).owner;
  w.owner.store(w.racy(), w.owner.copy(w.r));
  EXPECT_EQ(of(w.r), (counts{id, 2, 0, word::maybe_weak}));
  const auto mine = w.other.load(w.racy());
  EXPECT_EQ(of(w.r), (counts{id, 2, 1, word::maybe_weak}));
  w.other.drop(mine);
  w.owner.drop(w.r);
  w.finish();
}

TEST(BiasedEpochSlots, AParcelIsNotReadByRacersAndKeepsTheOwnersPlainEnd) {
  epoch_world<native> w;
  const auto p = w.owner.pack(w.r);
  EXPECT_EQ(of(w.r).state, word::initial);
  w.owner.drop(w.owner.unpack(p));
  w.finish();
}

TEST(BiasedEpochSlots, PollingAloneFreesWhatWasRetired) {
  epoch_world<native> w;
  w.owner.store(w.racy(), tally::make<epoch_world<native>::object>(w.owner, {}));
  w.owner.store(w.racy(), {});
  const auto before = w.heap.live();
  for (std::uint32_t i = 0; i < 4 * epoch_member<native>::attempt_every; ++i) w.owner.poll();
  EXPECT_EQ(w.heap.live(), before - 1);
  w.owner.drop(w.r);
  w.finish();
}

// Between a reader's load of the slot and its count, the slot is overwritten and its owner drops the last reference.
TEST(BiasedEpochSlots, AReaderThatCountsAfterTheLastDropIsRefusedAndReadsTheSlotAgain) {
  epoch_world<scripted> w;
  const auto next = tally::make<epoch_world<scripted>::object>(w.owner, {});
  w.owner.store(w.racy(), w.r);
  decltype(w.r) seen{};
  EXPECT_TRUE(between("owner", "load", 0, [&] { seen = w.other.load(w.racy()); },
                      [&] { w.owner.store(w.racy(), w.owner.copy(next)); }));
  EXPECT_EQ(seen, next) << "the first object was dead";
  EXPECT_EQ(w.heap.live(), 3) << "it is kept for the reader's sake until the epoch has moved";
  w.other.drop(seen);
  w.owner.drop(next);
  w.finish();
}

TEST(BiasedEpochSlots, AReaderThatCountsBetweenTheOwnersEndAndItsMergeKeepsTheObject) {
  epoch_world<scripted> w;
  w.owner.store(w.racy(), w.r);
  w.other.enter();  // the reader's guard, and what it has read
  decltype(w.r) seen{};
  bool counted = false;
  EXPECT_TRUE(between("shared", "rmw", 0, [&] { w.owner.store(w.racy(), {}); },
                      [&] { counted = w.other.try_increment(*w.r.at); }));
  w.other.leave();
  ASSERT_TRUE(counted);
  seen = w.r;
  EXPECT_EQ(of(seen), (counts{no_owner, 0, 1, word::merged}));
  w.other.drop(seen);
  w.finish();
}

// ---- the registry ----

using registry = owner_registry<native, strategies::biased_header<native>>;

TEST(OwnerRegistry, HandsOutEveryIdOnceAndRefusesTheNextContext) {
  registry owners;
  constexpr std::size_t most = immortal_owner - 1;
  std::vector<registry::record> records(most + 1);
  std::vector<bool> taken(immortal_owner + 1, false);
  for (std::size_t i = 0; i < most; ++i) {
    owners.attach(records[i]);
    ASSERT_NE(records[i].id, no_owner);
    ASSERT_NE(records[i].id, immortal_owner);
    ASSERT_FALSE(taken[records[i].id]);
    taken[records[i].id] = true;
  }
  EXPECT_THROW(owners.attach(records[most]), std::length_error);
  const owner_id freed = records[1000].id;
  EXPECT_TRUE(owners.detach(records[1000]));
  EXPECT_TRUE(owners.with_owner(freed, [](registry::record* r) { return r == nullptr; }));
  owners.attach(records[most]);
  EXPECT_EQ(records[most].id, freed);
}

TEST(OwnerRegistry, ASuspendedOwnerDoesNotComeBackBeforeItIsResumed) {
  registry owners;
  registry::record r;
  owners.attach(r);
  EXPECT_FALSE(registry::suspend(r)) << "it runs";
  ASSERT_TRUE(registry::go_away(r));
  ASSERT_TRUE(registry::suspend(r));
  EXPECT_FALSE(registry::suspend(r)) << "by one at a time";
  std::atomic<bool> back{false};
  std::thread owner([&] {
    registry::come_back(r);
    back = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(back);
  registry::resume(r);
  owner.join();
  EXPECT_FALSE(registry::suspend(r));
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
