// A window that ends before what a scheme leaves for later says so, and one that is long enough does not.
#include "harness/sim/settled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/simulate.hpp"

namespace tally::sim::sim_settled {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Of two lanes; alike in both halves.
struct window {
  moment opened{50, 1000, 0, 50, 7};
  moment half{250, 2000, 40, 50, 11};
  moment closed{450, 3000, 80, 50, 15};
  bool may_grow = false;
  [[nodiscard]] std::string why() const { return why_unsettled(opened, half, closed, 2, may_grow); }
  void without_periodic_work() { opened.periodic = half.periodic = closed.periodic = 0; }
};

TEST(Settled, HalvesThatAreAlikeAre) {
  window w;
  EXPECT_EQ(w.why(), "");
  w.without_periodic_work();
  EXPECT_EQ(w.why(), "");
}

TEST(Settled, PeriodicWorkMustHaveComeRoundSomeTimes) {
  window w;
  w.opened.periodic = 12;
  EXPECT_THAT(w.why(), HasSubstr("3 times in the window, and not 4"));
  w.opened.periodic = w.half.periodic = w.closed.periodic = 1;
  EXPECT_THAT(w.why(), HasSubstr("0 times in the window")) << "before it, so that it will come again";
}

TEST(Settled, MemoryMustBeUsedAgain) {
  window w;
  w.without_periodic_work();
  w.closed.pages = 52;
  EXPECT_EQ(w.why(), "") << "a page a lane";
  w.closed.pages = 53;
  EXPECT_THAT(w.why(), StartsWith("memory still grows, by 12 KiB"));
  w.may_grow = true;
  EXPECT_EQ(w.why(), "") << "a strategy that never frees";
  window collected;
  collected.half.pages = 1500, collected.closed.pages = 1600;
  EXPECT_EQ(collected.why(), "") << "a sixteenth, with a collector at work";
  collected.half.pages = 1499;
  EXPECT_THAT(collected.why(), StartsWith("memory still grows"));
}

TEST(Settled, HalvesMustCostTheSame) {
  window w;
  w.closed.cycles = 3120;
  EXPECT_THAT(w.why(), HasSubstr("1.1 times the cycles"));
  w.closed.cycles = 3100;
  EXPECT_EQ(w.why(), "");
  w.closed.transfers = 95;
  EXPECT_THAT(w.why(), HasSubstr("lines each"));
  w.half.transfers = 1, w.closed.transfers = 3;
  EXPECT_EQ(w.why(), "") << "too few to be told apart";
}

point_result churn(const char* strategy, std::uint64_t operations, std::uint64_t most_accesses) {
  const auto r = simulate_point({.strategy = strategy,
                                 .workload = "tree_churn",
                                 .parameters = {{"depth", "8"}},
                                 .operations = operations,
                                 .most_accesses = most_accesses});
  EXPECT_EQ(r.failure, "") << strategy;
  return r;
}
std::uint64_t path(const point_result& r, const std::string& name) {
  for (const auto& [p, n] : r.paths) {
    if (p == name) return n;
  }
  return 0;
}

TEST(Settled, GarbageThatNobodyHasCollectedYetIsNotForgotten) {
  EXPECT_EQ(churn("atomic", 100, 0).unsettled, "") << "frees at once";
  EXPECT_EQ(churn("none", 100, 0).unsettled, "") << "will not be slower for it later";
  EXPECT_THAT(churn("mark_sweep", 100, 0).unsettled, HasSubstr("memory still grows"));
  EXPECT_NE(churn("deferred:kilobytes=1024", 50, 0).unsettled, "");
}

TEST(Settled, AWindowDoublesUntilItHas) {
  const auto r = churn("mark_sweep:least_mib=1", 100, 1'000'000'000);
  EXPECT_EQ(r.unsettled, "");
  EXPECT_GE(path(r, "collection"), 4U);
  EXPECT_GT(r.operations, 200U) << "of two lanes";
  const auto bounded = churn("mark_sweep:least_mib=1", 100, r.accesses / 2);
  EXPECT_NE(bounded.unsettled, "");
  EXPECT_LE(bounded.accesses, r.accesses / 2);
  const auto atomic = churn("atomic", 100, 100'000'000);
  EXPECT_LE(atomic.operations, 2 * 100U + 2) << "nothing to wait for";
}

TEST(Settled, AGilThatWasNeverHandedOverHasNot) {
  const auto two = simulate_point({.strategy = "gil", .operations = 100});
  EXPECT_THAT(two.unsettled, HasSubstr("periodic work happened 0 times"));
  EXPECT_EQ(simulate_point({.strategy = "gil", .cores = 1, .operations = 100}).unsettled, "") << "nobody waits";
  const auto often = simulate_point({.strategy = "gil:interval_us=1", .operations = 2000});
  EXPECT_EQ(often.unsettled, "") << "a microsecond is a thousand cycles of its clock";
}

// What the comparison is for: by collections that are counted, not by the part of the run that is before the first.
TEST(Settled, TracingIsPredictedWithItsCollections) {
  const auto early = churn("mark_sweep:least_mib=1", 20, 0), late = churn("mark_sweep:least_mib=1", 100, 1'000'000'000);
  ASSERT_NE(early.unsettled, "");
  ASSERT_EQ(late.unsettled, "");
  EXPECT_EQ(path(early, "collection"), 0U);
  EXPECT_LT(late.total().from(origin::memory) * early.operations, early.total().from(origin::memory) * late.operations)
      << "memory that is used again is in the caches";
}

}  // namespace
}  // namespace tally::sim::sim_settled
