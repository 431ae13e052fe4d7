// Biased counting of immortal objects, and with weak refs.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include "tests/unit/biased_scene.hpp"

namespace unit_biased_weak {
namespace {

using namespace unit_biased;

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

}  // namespace
}  // namespace unit_biased_weak
