#include "harness/measure/quality.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/measure/environment.hpp"

namespace unit_quality {
namespace {

using namespace tally;
using ::testing::HasSubstr;

constexpr std::uint64_t ms = 1'000'000;

lane_result lane(std::uint64_t opened_ms, std::uint64_t closed_ms, double cpu, double delay = 0, long slept = 0,
                 std::uint64_t operations = 1000) {
  lane_result l;
  l.operations = operations;
  l.opened_ns = opened_ms * ms;
  l.closed_ns = closed_ms * ms;
  const double wall = static_cast<double>(l.closed_ns - l.opened_ns);
  l.usage.wall_ns = l.closed_ns - l.opened_ns;
  l.usage.cpu_ns = static_cast<std::uint64_t>(cpu * wall);
  l.usage.delay_ns = static_cast<std::uint64_t>(delay * wall);
  l.usage.delay_known = true;
  l.usage.voluntary_switches = slept;
  return l;
}

row_quality verdict_of(std::vector<lane_result> lanes, quality_input in = {.cpus = 2}) {
  window_result w;
  w.lanes = std::move(lanes);
  return judge(w, in);
}

handoff_probe probe(double p50, double lost = 0) {
  handoff_probe p;
  p.p50_ns = p50;
  p.lost_share = lost;
  p.round_trips = 1000;
  return p;
}

TEST(Quality, WindowsOverlapByWhatAllHaveInCommonOverWhatAnyCovers) {
  EXPECT_DOUBLE_EQ(window_overlap(std::vector{lane(0, 100, 1), lane(0, 100, 1)}), 1);
  EXPECT_DOUBLE_EQ(window_overlap(std::vector{lane(0, 80, 1), lane(20, 100, 1)}), 0.6);
  EXPECT_DOUBLE_EQ(window_overlap(std::vector{lane(0, 100, 1), lane(10, 60, 1), lane(20, 50, 1)}), 0.3);
  EXPECT_DOUBLE_EQ(window_overlap(std::vector{lane(0, 50, 1), lane(50, 100, 1)}), 0);
  EXPECT_DOUBLE_EQ(window_overlap(std::vector{lane(0, 50, 1), lane(0, 0, 0)}), 0) << "a lane without a window";
  EXPECT_DOUBLE_EQ(window_overlap({}), 0);
}

TEST(Quality, TwoSharesOverlapForCertainInWhatExceedsTheWhole) {
  EXPECT_DOUBLE_EQ(certain_overlap(std::vector{1.0, 1.0}), 1);
  EXPECT_NEAR(certain_overlap(std::vector{0.9, 0.8}), 0.7, 1e-12);
  EXPECT_DOUBLE_EQ(certain_overlap(std::vector{0.5, 0.5}), 0);
  EXPECT_DOUBLE_EQ(certain_overlap(std::vector{0.2, 0.1}), 0);
  EXPECT_DOUBLE_EQ(certain_overlap(std::vector{0.2}), 1) << "one lane has nobody to overlap with";
  // Pairs: (1, 1) 1, (1, 0.4) 0.4, (1, 0.4) 0.4.
  EXPECT_NEAR(certain_overlap(std::vector{1.0, 1.0, 0.4}), 0.6, 1e-12);
}

TEST(Quality, FairnessIndicesAreTheTextbooks) {
  const std::vector<double> equal{5, 5, 5, 5}, one{8, 0, 0, 0}, mixed{1, 3};
  EXPECT_DOUBLE_EQ(jain_index(equal), 1);
  EXPECT_DOUBLE_EQ(jain_index(one), 0.25);
  EXPECT_DOUBLE_EQ(jain_index(mixed), 16.0 / 20);
  EXPECT_DOUBLE_EQ(fairness_ratio(mixed), 1.0 / 3);
  EXPECT_DOUBLE_EQ(fairness_ratio(one), 0);
  EXPECT_DOUBLE_EQ(jain_index({}), 0);
}

TEST(Quality, WhatALaneDidNotRunCountsAsLostOnlyIfItDidNotChooseToWait) {
  EXPECT_NEAR(present_share(lane(0, 100, 0.7, 0.3), 0), 0.7, 1e-9) << "runnable, another had the CPU";
  EXPECT_NEAR(present_share(lane(0, 100, 0.7, 0.1), 0), 0.7, 1e-9) << "never slept: the rest was taken by a hypervisor";
  EXPECT_NEAR(present_share(lane(0, 100, 0.3, 0.0, 50), 0), 1.0, 1e-9) << "slept by its own choice";
  EXPECT_NEAR(present_share(lane(0, 100, 0.3, 0.1, 50), 0.05), 0.85, 1e-9) << "stolen time stands in";
  auto blind = lane(0, 100, 0.3, 0, 50);
  blind.usage.delay_known = false;
  EXPECT_NEAR(present_share(blind, 0), 0.3, 1e-9) << "without schedstat nothing is excused";
}

TEST(Quality, LanesThatRanTogetherAreContended) {
  const auto q = verdict_of({lane(0, 100, 0.995), lane(0, 100, 0.99)});
  EXPECT_EQ(q.verdict, "contended");
  EXPECT_FALSE(q.doubtful);
  EXPECT_TRUE(q.reasons.empty());
}

TEST(Quality, ACpuThatWasAwayForAFifthMakesItPartlyAndForHalfNot) {
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 0.8, 0.2)}).verdict, "partly");
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 0.5, 0.5)}).verdict, "not");
  EXPECT_TRUE(verdict_of({lane(0, 100, 1), lane(0, 100, 0.8, 0.2)}).doubtful);
  EXPECT_EQ(verdict_of({lane(0, 60, 1), lane(55, 100, 1)}).verdict, "not") << "windows that hardly meet";
}

TEST(Quality, AConsumerThatWaitsForItsProducerIsNotTheMachinesFault) {
  const auto q = verdict_of({lane(0, 100, 1), lane(0, 100, 0.2, 0.001, 400)});
  EXPECT_EQ(q.verdict, "contended");
  EXPECT_NEAR(q.least_cpu_share, 0.2, 1e-9);
}

TEST(Quality, MoreLanesThanCpusAreMarkedAndDoubtfulWhateverTheirShares) {
  const auto q = verdict_of({lane(0, 100, 1), lane(0, 100, 1), lane(0, 100, 1)});
  EXPECT_TRUE(q.oversubscribed);
  EXPECT_TRUE(q.doubtful);
  const auto starved = verdict_of({lane(0, 100, 0.66, 0.34), lane(0, 100, 0.67, 0.33), lane(0, 100, 0.67, 0.33)});
  EXPECT_EQ(starved.verdict, "not");
}

TEST(Quality, OneLaneIsSingleAndDoubtfulOnlyIfItLostTime) {
  EXPECT_EQ(verdict_of({lane(0, 100, 0.99)}).verdict, "single");
  EXPECT_FALSE(verdict_of({lane(0, 100, 0.99)}).doubtful);
  EXPECT_TRUE(verdict_of({lane(0, 100, 0.9, 0.1)}).doubtful);
}

TEST(Quality, AWorkloadThatAllowsNoParallelismIsSerial) {
  quality_input in{.cpus = 2};
  in.parallelism = 1.2;
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "serial");
  in.parallelism = 1.5;
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "contended");
}

TEST(Quality, ASerialWorkloadsLanesNeedNotOverlapAndAreDoubtfulOnlyIfTheyLostTime) {
  quality_input in{.cpus = 2};
  in.parallelism = 1;
  EXPECT_FALSE(verdict_of({lane(0, 100, 1), lane(0, 0, 0)}, in).doubtful) << "the other had nothing to do";
  EXPECT_FALSE(verdict_of({lane(0, 60, 1), lane(50, 100, 0.1, 0, 9)}, in).doubtful) << "each in its turn";
  EXPECT_TRUE(verdict_of({lane(0, 100, 0.9, 0.1), lane(0, 0, 0)}, in).doubtful) << "another thread had its CPU";
  EXPECT_TRUE(verdict_of({lane(0, 0, 0), lane(0, 0, 0)}, in).doubtful) << "nobody ran";
  in.steal_share = 0.03;
  EXPECT_TRUE(verdict_of({lane(0, 100, 1), lane(0, 0, 0)}, in).doubtful);
  in.steal_share = 0;
  in.before = probe(130), in.after = probe(300);
  EXPECT_TRUE(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).doubtful) << "batches are handed over, and the CPUs have moved";
}

TEST(Quality, BytesAskForLessOverlapThanRates) {
  quality_input in{.cpus = 2};
  const std::vector sampled{lane(0, 100, 0.93, 0.07), lane(0, 100, 1)};
  EXPECT_TRUE(verdict_of(sampled, in).doubtful);
  in.of_memory = true;
  EXPECT_FALSE(verdict_of(sampled, in).doubtful);
  EXPECT_EQ(verdict_of(sampled, in).verdict, "partly");
  EXPECT_TRUE(verdict_of({lane(0, 100, 0.7, 0.3), lane(0, 100, 1)}, in).doubtful);
  EXPECT_FALSE(verdict_of({lane(0, 100, 0.8, 0.2)}, in).doubtful) << "one lane";
  EXPECT_TRUE(verdict_of({lane(0, 100, 0.7, 0.3)}, in).doubtful);
  in.parallelism = 1;
  EXPECT_FALSE(verdict_of({lane(0, 100, 0.8, 0.2), lane(0, 0, 0)}, in).doubtful) << "lanes of which one works";
  EXPECT_TRUE(verdict_of({lane(0, 100, 0.7, 0.3), lane(0, 0, 0)}, in).doubtful);
  in.parallelism.reset();
  in.before = probe(130), in.after = probe(300);
  EXPECT_TRUE(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).doubtful) << "the CPUs have moved";
}

TEST(Quality, LanesThatTakeTurnsAreThereWhileTheyWait) {
  EXPECT_EQ(verdict_of({lane(0, 25, 0.5, 0, 5), lane(0, 25, 0.5, 0, 5)}).verdict, "contended");
  EXPECT_TRUE(verdict_of({lane(0, 25, 0.5, 0.2, 5), lane(0, 25, 0.5, 0, 5)}).doubtful) << "another thread had its CPU";
  lane_result one_turn = lane(0, 25, 0.6);
  EXPECT_TRUE(verdict_of({one_turn, lane(0, 25, 0.4, 0, 5)}).doubtful) << "a lane that never slept was taken off its CPU";
  one_turn.usage.wall_ns = one_turn.usage.cpu_ns;
  EXPECT_EQ(verdict_of({one_turn, lane(0, 25, 0.4, 0, 5)}).verdict, "contended") << "it saw the window open at its turn's begin";
}

TEST(Quality, ProbesThatDisagreeSayThatTheCpusMoved) {
  quality_input in{.cpus = 2};
  in.before = probe(130);
  in.after = probe(141);
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "contended");
  in.after = probe(260);
  const auto q = verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in);
  EXPECT_EQ(q.verdict, "partly");
  ASSERT_EQ(q.reasons.size(), 1u);
  EXPECT_THAT(q.reasons[0], HasSubstr("130 to 260 ns"));
}

TEST(Quality, AHandoffAsFastAsAnL1HitIsOneCoreUnlessSiblingsWereWanted) {
  quality_input in{.cpus = 2};
  in.before = in.after = probe(8);
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "partly");
  in.siblings = true;
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "contended");
}

TEST(Quality, AProbeThatLostATenthOfItsTimeMetAScheduler) {
  quality_input in{.cpus = 2};
  in.before = in.after = probe(130);
  in.after->lost_share = 0.5;
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "partly");
  in.after->absent = "a thread could not be pinned";
  EXPECT_EQ(verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in).verdict, "contended") << "an absent probe says nothing";
}

TEST(Quality, StolenTimeIsAReason) {
  quality_input in{.cpus = 2};
  in.steal_share = 0.1;
  const auto q = verdict_of({lane(0, 100, 1), lane(0, 100, 1)}, in);
  EXPECT_TRUE(q.doubtful);
  EXPECT_THAT(q.reasons.at(0), HasSubstr("stolen"));
  EXPECT_TRUE(verdict_of({lane(0, 100, 1)}, in).doubtful);
}

TEST(Quality, AQuotaOfCpuTimeIsAReasonOfItsOwn) {
  quality_input in{.cpus = 2};
  in.throttled_ms = 40;
  const auto q = verdict_of({lane(0, 100, 1)}, in);
  EXPECT_TRUE(q.doubtful);
  EXPECT_THAT(q.reasons, ::testing::ElementsAre("the control group's quota of CPU time stopped it for 40 ms"));
}

TEST(Quality, ItsJsonHasEveryFieldByName) {
  const nlohmann::json j = verdict_of({lane(0, 100, 1, 0, 0, 3000), lane(0, 100, 1, 0, 0, 1000)});
  EXPECT_EQ(j["verdict"], "contended");
  EXPECT_DOUBLE_EQ(j["fairness"].get<double>(), 1.0 / 3);
  EXPECT_TRUE(j["reasons"].is_array());
}

}  // namespace
}  // namespace unit_quality
