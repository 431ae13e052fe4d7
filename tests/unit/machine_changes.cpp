#include "harness/measure/machine_changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/report/changes_summary.hpp"

namespace tally::unit_changes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Of a quiet machine, 50 ms of two CPUs.
window_moments quiet() {
  window_moments w;
  w.before.all_ticks = 1000;
  w.after.all_ticks = 1010;
  for (auto* m : {&w.before, &w.after}) m->governor = "performance", m->frequency_mhz = 2400;
  return w;
}
std::vector<window_moments> windows(std::size_t n) { return std::vector<window_moments>(n, quiet()); }

TEST(Changes, OfAMachineThatStayedTheSameNothingIsSaid) {
  EXPECT_THAT(changes_over(windows(20)), IsEmpty());
  EXPECT_THAT(changes_over({}), IsEmpty());
  EXPECT_THAT(changes_over(std::vector<window_moments>(20)), IsEmpty()) << "of records without a governor, a clock or ticks";
}

TEST(Changes, AGovernorThatChangedIsToldInItsOrder) {
  auto w = windows(3);
  w[1].after.governor = w[2].before.governor = w[2].after.governor = "powersave";
  EXPECT_THAT(changes_over(w), ElementsAre("the governor went from performance to powersave"));
  for (auto& m : w) m.before.governor = m.after.governor = not_visible;
  EXPECT_THAT(changes_over(w), IsEmpty());
}

TEST(Changes, TheClockCountsAfterWindowsAndFromATenthOn) {
  auto w = windows(3);
  w[1].before.frequency_mhz = 800;
  w[1].after.frequency_mhz = 2400 / 1.09;
  EXPECT_THAT(changes_over(w), IsEmpty()) << "idle before, and slower by less than a tenth";
  w[1].after.frequency_mhz = 1800;
  EXPECT_THAT(changes_over(w), ElementsAre("the CPUs' clock was between 1800 and 2400 MHz"));
}

TEST(Changes, OthersCountWhereTheyAreBeforeMoreThanATenthOfTheWindows) {
  auto w = windows(20);
  w[0].before.runnable = w[1].before.runnable = 3;
  EXPECT_THAT(changes_over(w), IsEmpty());
  w[2].before.runnable = 1;
  EXPECT_THAT(changes_over(w), ElementsAre("other threads were runnable before 3 of 20 windows"));
}

TEST(Changes, StolenTimeIsOfAllWindowsTogether) {
  auto w = windows(100);
  for (std::size_t i = 0; i < 20; ++i) w[i].after.steal_ticks = 1;  // each alone is rounding: 20 of 1000 ticks
  EXPECT_THAT(changes_over(w), IsEmpty());
  w[20].after.steal_ticks = 1;
  EXPECT_THAT(changes_over(w), ElementsAre("the hypervisor took 2.1 % of the CPU time"));
}

TEST(Changes, QuotasAreAddedUp) {
  auto w = windows(2);
  w[0].before.throttled_us = 1000, w[0].after.throttled_us = 3000;
  w[1].before.throttled_us = 3000, w[1].after.throttled_us = 4500;
  EXPECT_THAT(changes_over(w), ElementsAre("a quota of CPU time stopped the workers for 4 ms"));
}

TEST(Changes, ALineThatIsHandedOverFarAndNearIsToldByItsCpus) {
  auto w = windows(20);
  for (auto& m : w) m.handoff = {0, 1, 40};
  w[0].handoff->p50_ns = 900;
  EXPECT_THAT(changes_over(w), IsEmpty()) << "one probe was disturbed";
  for (std::size_t i = 10; i < 20; ++i) w[i].handoff = {2, 3, 135};
  EXPECT_THAT(changes_over(w), IsEmpty()) << "other CPUs";
  for (std::size_t i = 10; i < 20; ++i) w[i].handoff = {0, 1, 79};
  EXPECT_THAT(changes_over(w), IsEmpty()) << "the same place at another clock";
  for (std::size_t i = 10; i < 20; ++i) w[i].handoff = {0, 1, 135};
  EXPECT_THAT(changes_over(w), ElementsAre("CPUs 0 and 1 handed a line over in 40 to 135 ns, without a tenth at either end: a "
                                           "hypervisor may have moved them"));
  EXPECT_THAT(changes_over(std::span(w).subspan(9, 2)), IsEmpty()) << "two probes may both be disturbed";
}

TEST(Changes, TheSummaryReadsThemFromRecords) {
  window_moments moved = quiet();
  moved.after.governor = "powersave";
  moved.after.temperature_c = 50;
  json record{{"row", "a"},
              {"status", "ok"},
              {"environment", {{"before", nlohmann::json(moved.before)}, {"after", nlohmann::json(moved.after)}}}};
  EXPECT_FALSE(result_from(record).moments->handoff.has_value());
  record["environment"]["before"]["handoff"] =
      nlohmann::json(handoff_probe{.cpu_a = 0, .cpu_b = 1, .absent = "they did not run together"});
  EXPECT_FALSE(result_from(record).moments->handoff.has_value());
  record["environment"]["before"]["handoff"] = nlohmann::json(handoff_probe{.cpu_a = 0, .cpu_b = 1, .p50_ns = 40});
  const result r = result_from(record);
  ASSERT_TRUE(r.moments->handoff.has_value());
  EXPECT_EQ(r.moments->handoff->cpu_b, 1);
  EXPECT_EQ(r.moments->handoff->p50_ns, 40);
  ASSERT_TRUE(r.moments.has_value());
  EXPECT_EQ(nlohmann::json(r.moments->after), nlohmann::json(moved.after)) << "what is written is read";
  EXPECT_THAT(changes_summary({r}),
              HasSubstr("The machine during the run: the governor went from performance to powersave (tally doctor"));
  EXPECT_EQ(changes_summary({result_from({{"row", "a"}, {"status", "skipped"}})}), "");
}

}  // namespace
}  // namespace tally::unit_changes
