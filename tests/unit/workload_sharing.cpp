// The oracles of shared_slots, sharing_ladder and publish: exact under right heaps, and they notice leaks and early frees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/errors.hpp"
#include "strategies/atomic.hpp"
#include "strategies/deferred.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "strategies/shared_ptr.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"
#include "workloads/publish.hpp"
#include "workloads/shared_slots.hpp"
#include "workloads/sharing_ladder.hpp"

namespace unit_workload_sharing {
namespace {

using tally::testing::hasty_heap;
using tally::testing::leaky_heap;
using tally::testing::run_spec;
using tally::testing::run_steps;
using tally::testing::sound_heap;
using tally::workloads::publish;
using tally::workloads::shared_slots;
using tally::workloads::sharing_ladder;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;
using strict =
    tally::strategies::atomic_heap<tally::native,
                                   tally::strategies::atomic_options{.order = tally::strategies::count_order::seq_cst}>;
using settings = std::map<std::string, std::string>;

// Steps of one lane on a heap that counts payload bytes; returns the most that lived.
template <class W>
std::pair<std::int64_t, std::int64_t> peak_and_claim(const settings& set) {
  const tally::parameters params(W::info, set);
  const tally::run_env env{params, 1, 1};
  sound_heap heap(tally::heap_config{});
  typename W::template program<sound_heap> p(heap, env);
  sound_heap::context c(heap);
  p.setup(c);
  typename W::template program<sound_heap>::lane l(p, c, {});
  for (int i = 0; i < 200; ++i) p.step(c, l);
  p.leave(c, l);
  p.teardown(c);
  return {heap.most_payload, static_cast<std::int64_t>(W::template program<sound_heap>::payload_bytes(env))};
}

TEST(SharedSlots, AreExactForEveryMixAndNumberOfLanes) {
  for (const char* slots : {"1", "10", "32", "33", "5000"}) {
    for (const char* stores : {"0", "10", "50", "100"}) {
      for (const char* layout : {"deep", "flat"}) {
        for (const int lanes : {1, 2, 3}) {
          const settings set{{"slots", slots}, {"stores", stores}, {"layout", layout}};
          const auto r = run_steps<atomic, shared_slots>({.set = set, .lanes = lanes, .steps = 2000});
          EXPECT_EQ(r.verdict(), "") << slots << " " << stores << " " << layout;
          EXPECT_EQ(r.counted, 2000 * lanes);
        }
      }
    }
  }
  EXPECT_EQ((run_steps<strict, shared_slots>({.lanes = 2, .steps = 2000}).verdict()), "");
}

TEST(SharedSlots, OneOneAndManyExpectTheirObjects) {
  EXPECT_EQ((run_steps<atomic, shared_slots>({.set = {{"slots", "1"}}}).expected), 1 + 1 + 1);
  EXPECT_EQ((run_steps<atomic, shared_slots>({.set = {{"slots", "33"}}}).expected), 1 + 2 + 33);
  EXPECT_EQ((run_steps<atomic, shared_slots>({.set = {{"slots", "1"}, {"layout", "flat"}}}).expected), 1 + 1);
  EXPECT_EQ((run_steps<atomic, shared_slots>({.set = {{"slots", "33"}, {"layout", "flat"}}}).expected), 1 + 33);
}

TEST(SharedSlots, AMillionOfThemAreBuiltAndFreed) {
  for (const char* layout : {"deep", "flat"}) {
    const settings set{{"slots", "1000000"}, {"layout", layout}};
    EXPECT_EQ((run_steps<atomic, shared_slots>({.set = set, .lanes = 2, .steps = 10'000}).verdict()), "") << layout;
  }
}

// Slots that are no plain words must be made and ended one by one; a heap that traces must find those behind the object.
TEST(SharedSlots, AFlatArrayIsRightForEveryKindOfSlot) {
  const run_spec spec{.set = {{"slots", "100"}, {"stores", "50"}, {"layout", "flat"}}, .lanes = 2, .steps = 20'000};
  EXPECT_EQ((run_steps<tally::strategies::shared_ptr_heap<tally::native>, shared_slots>(spec).verdict()), "");
  EXPECT_EQ((run_steps<tally::strategies::mark_sweep_heap<tally::native>, shared_slots>(spec).verdict()), "");
  EXPECT_EQ((run_steps<tally::strategies::deferred_heap<tally::native>, shared_slots>(spec).verdict()), "");
  auto borrowing = spec;
  borrowing.set["read"] = "borrow";
  EXPECT_EQ((run_steps<tally::strategies::deferred_heap<tally::native>, shared_slots>(borrowing).verdict()), "");
}

TEST(SharedSlots, KeepTwoSlotsAPairOfLinesApartAndObjectsAsLargeAsTheySay) {
  shared_slots::page<atomic> p{};
  EXPECT_EQ(reinterpret_cast<std::byte*>(&p.slots[1].place) - reinterpret_cast<std::byte*>(&p.slots[0].place), 128);
  EXPECT_GE(reinterpret_cast<std::byte*>(&p.slots[0].place) - reinterpret_cast<std::byte*>(&p), 128);
  EXPECT_EQ(sizeof(shared_slots::value<atomic>), 8u);
  EXPECT_EQ(sizeof(shared_slots::wide_value<atomic>), 32u);
  using array = shared_slots::flat_array<atomic>;
  EXPECT_EQ(sizeof(array::entry), 128u);
  EXPECT_EQ(offsetof(array, first), 128u);
  EXPECT_EQ(sizeof(array), 128u + sizeof(array::entry));  // the second follows the first
}

TEST(SharedSlots, SayWhyAHeapCannotRunThem) {
  EXPECT_EQ(shared_slots::unmet<plain>(), "needs shared slots");
  EXPECT_EQ(shared_slots::unmet<atomic>(), "");
  const tally::parameters borrow(shared_slots::info, {{"read", "borrow"}}), load(shared_slots::info);
  if (!tally::has_borrow<atomic>) {
    EXPECT_EQ(shared_slots::unmet_for<atomic>(borrow), "read=borrow needs borrowed reads");
    EXPECT_THROW((run_steps<atomic, shared_slots>({.set = {{"read", "borrow"}}})), tally::usage_error);
  }
  EXPECT_EQ(shared_slots::unmet_for<atomic>(load), "");
  EXPECT_THROW((run_steps<atomic, shared_slots>({.set = {{"read", "steal"}}})), tally::usage_error);
  EXPECT_THROW((run_steps<atomic, shared_slots>({.set = {{"layout", "round"}}})), tally::usage_error);
  EXPECT_THROW((run_steps<atomic, shared_slots>({.set = {{"layout", "flat"}, {"slots", "33554433"}}})), tally::usage_error);
  EXPECT_THROW((run_steps<atomic, shared_slots>({.set = {{"layout", "flat"}, {"stores", "0.5"}}})), tally::usage_error);
}

TEST(SharedSlots, PayloadBytesIsThePeakToTheByte) {
  for (const char* layout : {"deep", "flat"}) {
    const auto [peak, claim] = peak_and_claim<shared_slots>({{"slots", "40"}, {"stores", "50"}, {"layout", layout}});
    EXPECT_EQ(peak, claim) << layout;
  }
}

TEST(SharedSlots, CatchAHeapThatForgetsDropsAndOneThatFreesEarly) {
  for (const char* layout : {"deep", "flat"}) {
    const run_spec spec{.set = {{"layout", layout}}, .steps = 500};
    const auto leaky = run_steps<leaky_heap, shared_slots>(spec);
    EXPECT_EQ(leaky.check, "");
    EXPECT_GT(leaky.live, leaky.expected);
    EXPECT_THAT((run_steps<hasty_heap, shared_slots>(spec).check), ::testing::HasSubstr("found another's object")) << layout;
  }
}

TEST(SharingLadder, IsExactOnEveryRung) {
  for (const char* share : {"0", "1", "50", "100"}) {
    for (const char* objects : {"1", "7"}) {
      const settings set{{"share", share}, {"objects", objects}};
      EXPECT_EQ((run_steps<plain, sharing_ladder>({.set = set, .steps = 2000}).verdict()), "") << share;
      for (const int lanes : {1, 2, 3}) {
        const auto r = run_steps<atomic, sharing_ladder>({.set = set, .lanes = lanes, .steps = 2000});
        EXPECT_EQ(r.verdict(), "") << share;
        EXPECT_EQ(r.expected, std::stoi(objects));
      }
    }
  }
}

TEST(SharingLadder, HitsSharedObjectsAsOftenAsItSays) {
  const auto share = [](const char* percent) {
    const auto r = run_steps<atomic, sharing_ladder>({.set = {{"share", percent}}, .lanes = 2, .steps = 20'000});
    return r.metrics.at(0).value;
  };
  EXPECT_EQ(share("0"), 0);
  EXPECT_EQ(share("100"), 1);
  EXPECT_NEAR(share("30"), 0.3, 5 * std::sqrt(0.3 * 0.7 / 40'000));  // five standard deviations; the seed is fixed
}

TEST(SharingLadder, PayloadBytesIsThePeakToTheByte) {
  const auto [peak, claim] = peak_and_claim<sharing_ladder>({{"objects", "5"}});
  EXPECT_EQ(peak, claim);
}

TEST(SharingLadder, CatchesAHeapThatForgetsDropsAndOneThatFreesEarly) {
  const auto leaky = run_steps<leaky_heap, sharing_ladder>({.steps = 500});
  EXPECT_EQ(leaky.check, "");
  EXPECT_GT(leaky.left, leaky.leaked);
  for (const char* share : {"0", "100"}) {
    const auto r = run_steps<hasty_heap, sharing_ladder>({.set = {{"share", share}, {"objects", "1"}}, .steps = 500});
    EXPECT_THAT(r.check, ::testing::HasSubstr("another object than the one that was counted")) << share;
  }
}

double figure(const tally::testing::outcome& r, std::string_view name) {
  for (const auto& m : r.metrics) {
    if (m.name == name) return m.value;
  }
  return -1;
}

TEST(Publish, IsExactForEveryNumberOfLanes) {
  for (const int lanes : {1, 2, 3}) {
    for (const char* reads : {"0", "5"}) {
      const auto r =
          run_steps<atomic, publish>({.set = {{"writer_reads", reads}, {"bytes", "24"}}, .lanes = lanes, .steps = 3000});
      EXPECT_EQ(r.verdict(), "");
      EXPECT_EQ(r.expected, 2);
    }
  }
  EXPECT_EQ((run_steps<strict, publish>({.lanes = 3, .steps = 3000}).verdict()), "");
}

TEST(Publish, TheWriterMakesAVersionAStepAndOnOneLaneEveryOther) {
  EXPECT_EQ(figure(run_steps<atomic, publish>({.lanes = 2, .steps = 1000}), "versions"), 1001);
  const auto alone = run_steps<atomic, publish>({.lanes = 1, .steps = 1000});
  EXPECT_EQ(figure(alone, "versions"), 501);
  EXPECT_EQ(figure(alone, "reads_per_version_seen"), 1);
  EXPECT_EQ(figure(run_steps<atomic, publish>({.set = {{"writer_reads", "9"}}, .lanes = 1, .steps = 1000}), "versions"), 101);
}

TEST(Publish, PayloadBytesIsAtLeastThePeakAndWithinAVersionOfIt) {
  const auto [peak, claim] = peak_and_claim<publish>({{"bytes", "1000"}});
  EXPECT_EQ(peak, claim);
}

TEST(Publish, CatchesAHeapThatForgetsDropsAndOneThatFreesEarly) {
  const auto leaky = run_steps<leaky_heap, publish>({.steps = 500});
  EXPECT_EQ(leaky.check, "");
  EXPECT_GT(leaky.live, leaky.expected);
  EXPECT_THAT((run_steps<hasty_heap, publish>({.set = {{"writer_reads", "10"}}, .steps = 500}).check),
              ::testing::HasSubstr("older, broken or missing version"));
  EXPECT_EQ(publish::unmet<plain>(), "needs shared slots");
}

}  // namespace
}  // namespace unit_workload_sharing
