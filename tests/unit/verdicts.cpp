// Verdicts and what the page of `tally report` is told of them, from records whose truth is planted.
#include "harness/report/verdicts_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "harness/report/verdicts.hpp"

namespace tally::unit_verdicts {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct planted {
  double ns;
  double wander = 0;  // of a window by itself, as a factor: what no other row has
};

// The baseline is atomic, whose second measurement takes 1 % more.
std::vector<result> measured(const std::map<std::string, planted>& rows, int processes,
                             const std::string& scene = "spin|1|throughput") {
  std::vector<result> all;
  const auto add = [&](const std::string& strategy, const std::string& role, int process, int block, double ns) {
    const std::string again = role == "aa" ? "|aa" : "";
    const json quality{{"verdict", "single"}, {"doubtful", false}};
    const json record{{"schema", 1},
                      {"row", strategy + "|" + scene + again},
                      {"scene", scene},
                      {"role", role},
                      {"process", process},
                      {"block", block},
                      {"status", "ok"},
                      {"config",
                       {{"strategy", {{"label", strategy}}},
                        {"workload", {{"label", scene.substr(0, scene.find('|'))}}},
                        {"threads", 1},
                        {"mode", "throughput"},
                        {"oversubscribed", false},
                        {"allocator", "system"}}},
                      {"metrics", {{"ns_per_op", {{"value", ns}}}}},
                      {"quality", quality},
                      {"oracle", {{"class", "exact"}}}};
    all.push_back(result_from(record));
  };
  for (int p = 0; p < processes; ++p) {
    for (int b = 0; b < 3; ++b) {
      double at = -1.5;
      for (const auto& [strategy, of] : rows) {
        at = at > 1 ? -1.5 : at + 1;
        const double own = 1 + of.wander * at * ((p + b) % 2 == 0 ? 1 : -1);
        add(strategy, strategy == "atomic" ? "baseline" : "measured", p, b, of.ns * own);
      }
      add("atomic", "aa", p, b, rows.at("atomic").ns * 1.01);
    }
  }
  return all;
}

struct told_of {
  json words;
  std::vector<std::string> overview;
};

told_of told(const std::vector<result>& results, bool citable) {
  const summary_options options{"atomic", citable};
  const estimator statistics(citable);
  const std::vector<scene_group> scenes = group_scenes(results, {});
  const std::vector<estimate> estimates = statistics.judged(scenes);
  const std::vector<scene_verdict> verdicts = judge_all(scenes, estimates, statistics, options);
  return {verdicts_json(verdicts, statistics, options), overview(verdicts, options)};
}

json row_of(const json& words, const std::string& label) {
  for (const auto& row : words.at("scenes").at(0).at("rows")) {
    if (row.at("label") == label) return row;
  }
  return {};
}

TEST(verdicts, a_planted_winner_wins_and_says_how_far_the_others_are_behind) {
  const json words = told(measured({{"atomic", {40}}, {"fast", {10}}, {"middling", {20}}}, 5), true).words;
  const json& scene = words.at("scenes").at(0);
  EXPECT_EQ(scene.at("outcome"), "wins");
  EXPECT_EQ(scene.at("headline"), "fast wins, 4 times as fast as atomic");
  EXPECT_EQ(scene.at("first"), "fast|spin|1|throughput");
  EXPECT_NEAR(row_of(words, "middling").at("behind").at("value").get<double>(), 2, 1e-9);
  EXPECT_TRUE(row_of(words, "middling").at("apart").get<bool>());
  EXPECT_TRUE(row_of(words, "fast").at("behind").is_null());
  EXPECT_EQ(scene.at("rows").at(0).at("label"), "fast") << "the best first";
}

TEST(verdicts, a_planted_tie_has_no_winner) {
  // The two are 2 % apart, and each window wanders by more than that.
  const json words = told(measured({{"atomic", {40}}, {"one", {10, 0.05}}, {"other", {10.2, 0.05}}}, 5), true).words;
  const json& scene = words.at("scenes").at(0);
  EXPECT_EQ(scene.at("outcome"), "alike");
  EXPECT_THAT(scene.at("headline").get<std::string>(), HasSubstr("are first and can't be told apart"));
  EXPECT_THAT(scene.at("headline").get<std::string>(), Not(HasSubstr("wins")));
  const std::string second = scene.at("rows").at(1).at("label");
  EXPECT_FALSE(row_of(words, second).at("apart").get<bool>());
}

TEST(verdicts, many_that_are_alike_are_counted_and_not_listed) {
  std::map<std::string, planted> rows{{"atomic", {40}}};
  for (int i = 0; i < 6; ++i) rows["s" + std::to_string(i)] = {10 + 0.01 * i, 0.05};
  const json words = told(measured(rows, 5), true).words;
  EXPECT_THAT(words.at("scenes").at(0).at("headline").get<std::string>(), HasSubstr("and 4 others are first"));
}

TEST(verdicts, below_five_processes_there_is_neither_an_interval_nor_a_winner) {
  const told_of smoke = told(measured({{"atomic", {40}}, {"fast", {10}}}, 4), false);
  const json& scene = smoke.words.at("scenes").at(0);
  EXPECT_EQ(scene.at("outcome"), "smoke");
  EXPECT_THAT(smoke.words.dump(), Not(HasSubstr("wins")));
  EXPECT_TRUE(scene.at("smallest").is_null());
  EXPECT_EQ(scene.at("doubt"), "there is no interval, so no difference counts");
  for (const auto& row : scene.at("rows")) {
    EXPECT_TRUE(row.at("low").is_null() && row.at("high").is_null()) << row;
    EXPECT_TRUE(row.at("behind").is_null() || row.at("behind").at("low").is_null()) << row;
  }
  EXPECT_THAT(smoke.overview.front(), HasSubstr("Fewer than 5 processes"));
}

TEST(verdicts, say_how_small_a_difference_could_have_been_seen) {
  // Without any wander intervals have no width, and what is left is the noise of the baseline's two measurements.
  const json still = told(measured({{"atomic", {40}}, {"fast", {10}}}, 5), true).words;
  EXPECT_NEAR(still.at("scenes").at(0).at("smallest").get<double>(), 0.01, 1e-6);
  EXPECT_EQ(still.at("scenes").at(0).at("doubt"), "differences below 1 % could not have been seen here");
  const json wandering = told(measured({{"atomic", {40}}, {"fast", {10, 0.2}}}, 5), true).words;
  EXPECT_GT(wandering.at("scenes").at(0).at("smallest").get<double>(), 0.02);
}

// Rows of 38.8 ns beside a baseline of 40, with processes that scatter by 1 %.
std::vector<result> slightly_better(int rows, const std::string& name) {
  std::map<std::string, planted> all{{"atomic", {40}}};
  for (int i = 0; i < rows; ++i) all["fast" + std::to_string(i)] = {38.8};
  std::vector<result> results = measured(all, 5, name);
  for (auto& r : results) {
    const double scatter = r.strategy == "atomic" ? 0 : 0.01 * (r.process - 2);
    for (auto& m : r.metrics) m.value = *m.value * (1 + scatter);
  }
  return results;
}

// One such row is seen, and among forty it is not.
TEST(verdicts, a_difference_that_a_table_would_show_by_chance_is_none) {
  EXPECT_EQ(told(slightly_better(1, "spin|1|throughput"), true).words.at("scenes").at(0).at("outcome"), "wins");
  const json words = told(slightly_better(40, "spin|1|throughput"), true).words;
  const json& scene = words.at("scenes").at(0);
  EXPECT_EQ(scene.at("outcome"), "baseline") << scene.at("headline");
  EXPECT_GT(scene.at("smallest").get<double>(), 0.03) << "what the correction asks for is what is said";
}

TEST(verdicts, of_a_scene_do_not_depend_on_the_other_scenes_of_a_run) {
  std::vector<result> many;
  for (int i = 0; i < 40; ++i) {
    const auto more = slightly_better(1, "spin" + std::to_string(i) + "|1|throughput");
    many.insert(many.end(), more.begin(), more.end());
  }
  const told_of run = told(many, true);
  ASSERT_EQ(run.words.at("scenes").size(), 40u);
  for (const auto& s : run.words.at("scenes")) EXPECT_EQ(s.at("outcome"), "wins") << s.at("headline");
  EXPECT_THAT(run.overview, Contains(HasSubstr("of 20 in which nothing differs, one has a difference by chance")));
}

// A single window in which the baseline was twice as slow says little of a pair of ten processes that is alike otherwise.
TEST(verdicts, one_bad_window_of_the_pair_does_not_hide_every_difference) {
  std::vector<result> all = measured({{"atomic", {40}}, {"fast", {20}}}, 10);
  for (auto& r : all) {
    if (r.role == row_role::again && r.process == 3 && r.block == 1) r.metrics.front().value = 90;
  }
  const json words = told(all, true).words;
  EXPECT_EQ(words.at("scenes").at(0).at("outcome"), "wins");
  EXPECT_LT(words.at("scenes").at(0).at("smallest").get<double>(), 0.5);
}

TEST(verdicts, an_unstable_row_is_marked_and_judged_all_the_same) {
  std::vector<result> all = measured({{"atomic", {40}}, {"fast", {10}}}, 6);
  for (auto& r : all) {
    const double own = (r.process >= 3 ? 1.2 : 1) + 0.001 * r.process;
    if (r.strategy != "fast") continue;
    for (auto& m : r.metrics) m.value = *m.value * own;
  }
  const json words = told(all, true).words;
  EXPECT_THAT(row_of(words, "fast").at("remarks").get<std::string>(), HasSubstr("unstable: 20 % more in the second half"));
  EXPECT_EQ(words.at("scenes").at(0).at("outcome"), "wins");
  EXPECT_THAT(row_of(words, "atomic").at("remarks").get<std::string>(), Not(HasSubstr("unstable")));
}

TEST(verdicts, a_first_row_of_four_processes_wins_nothing_in_a_run_of_five) {
  std::vector<result> all = measured({{"atomic", {40}}, {"fast", {10}}}, 5);
  std::erase_if(all, [](const result& r) { return r.strategy == "fast" && r.process == 4; });
  const json words = told(all, true).words;
  EXPECT_EQ(words.at("scenes").at(0).at("outcome"), "smoke");
  EXPECT_THAT(words.dump(), Not(HasSubstr("wins")));
}

TEST(verdicts, what_all_scenes_say_is_counted_by_outcome) {
  std::vector<result> all = measured({{"atomic", {40}}, {"fast", {10}}}, 5);
  for (const auto& more : {measured({{"atomic", {40}}, {"fast", {80}}}, 5, "walk|1|throughput"),
                           measured({{"atomic", {40}}, {"fast", {20}}}, 5, "run|1|throughput")}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  EXPECT_THAT(told(all, true).overview,
              ElementsAre("Throughput (3 scenes): fast wins 2, nothing beats the baseline in 1.",
                          HasSubstr("Differences below 1 % could not have been seen (the median over 3 scenes")));
}

TEST(verdicts, where_there_are_none_the_page_is_told_why) {
  EXPECT_EQ(no_verdicts_json("the rows are simulated").dump(), R"({"missing":"the rows are simulated"})");
}

}  // namespace
}  // namespace tally::unit_verdicts
