#include "harness/measure/probe.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "harness/engine/usage.hpp"
#include "harness/measure/topology.hpp"
#include "harness/memory/native.hpp"

namespace unit_probe {
namespace {

using namespace tally;

TEST(HandoffProbe, HalvesRoundTripsAndTakesTheClockOff) {
  std::vector<std::uint64_t> trips;
  for (std::uint64_t i = 1; i <= 100; ++i) trips.push_back(200 + i);
  const auto p = summarise_handoff(trips, 20);
  EXPECT_EQ(p.round_trips, 100u);
  EXPECT_DOUBLE_EQ(p.p50_ns, (250 - 20) / 2.0);
  EXPECT_DOUBLE_EQ(p.p10_ns, (210 - 20) / 2.0);
  EXPECT_DOUBLE_EQ(p.p99_ns, (299 - 20) / 2.0);
  EXPECT_DOUBLE_EQ(p.max_ns, (300 - 20) / 2.0);
  EXPECT_DOUBLE_EQ(p.lost_share, 0);
}

TEST(HandoffProbe, CountsGapsAsLostTime) {
  std::vector<std::uint64_t> trips(99, 1000);
  trips.push_back(99'000);
  EXPECT_DOUBLE_EQ(summarise_handoff(trips, 0).lost_share, 0.5);
}

TEST(HandoffProbe, SaysWhyItHasNoFigure) {
  EXPECT_FALSE(summarise_handoff({}, 0).absent.empty());
  EXPECT_EQ(probe_handoff(0, 0).absent, "needs two CPUs");
  EXPECT_EQ(probe_handoff(0, 100'000).absent, "a thread could not be pinned");
}

TEST(HandoffProbe, GivesAFigureOnTwoCpusOfThisMachineAndEnds) {
  const auto pins = pin_list("cores", 2);
  if (pins[0] == pins[1]) GTEST_SKIP() << "one CPU";
  for (const hand_over by : {hand_over::store, hand_over::exchange}) {
    const auto start = native::now();
    const auto p = probe_handoff(pins[0], pins[1], 2'000'000, by);
    EXPECT_LT(native::now() - start, 5'000'000'000u) << "20 budgets, and room for a machine that compiles";
    // Under load the partner may not have run within 20 budgets; then it must say so.
    if (!p.absent.empty()) continue;
    EXPECT_GT(p.round_trips, 0u);
    EXPECT_GT(p.p50_ns, 0);
    EXPECT_LE(p.p10_ns, p.p50_ns);
    EXPECT_LE(p.p50_ns, p.p99_ns);
    EXPECT_LE(p.p99_ns, p.max_ns);
  }
}

TEST(TimerProbe, TheClockCostsSomethingAndMoves) {
  const auto t = probe_timer();
  EXPECT_GT(t.cost_ns, 0);
  EXPECT_GE(t.resolution_ns, 1);
}

TEST(ThreadUsage, SleepingIsAVoluntarySwitchAndRunningIsCpuTime) {
  const auto before = thread_usage::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto slept = thread_usage::now().since(before);
  EXPECT_GE(slept.voluntary_switches, 1);
  EXPECT_GE(slept.wall_ns, 2'000'000u);
  const auto mid = thread_usage::now();
  std::uint64_t x = 1;
  while (thread_usage::now().since(mid).cpu_ns < 2'000'000) x = x * 3 + 1;
  EXPECT_NE(x, 0u);
  EXPECT_LT(slept.cpu_ns, 2'000'000u);
}

}  // namespace
}  // namespace unit_probe
