// Biased counting under shared slots that are read by epoch.
#include "strategies/biased.hpp"

#include <gtest/gtest.h>

#include "tests/unit/biased_scene.hpp"

namespace unit_biased_epoch_slots {
namespace {

using namespace unit_biased;

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
  EXPECT_TRUE(
      between("owner", "load", 0, [&] { seen = w.other.load(w.racy()); }, [&] { w.owner.store(w.racy(), w.owner.copy(next)); }));
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
  EXPECT_TRUE(
      between("shared", "rmw", 0, [&] { w.owner.store(w.racy(), {}); }, [&] { counted = w.other.try_increment(*w.r.at); }));
  w.other.leave();
  ASSERT_TRUE(counted);
  seen = w.r;
  EXPECT_EQ(of(seen), (counts{no_owner, 0, 1, word::merged}));
  w.other.drop(seen);
  w.finish();
}

}  // namespace
}  // namespace unit_biased_epoch_slots
