// The words at the end of a run, from records whose truth is known.
#include "harness/report/run_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tally::unit_summary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// `strategy` may name its malloc, as labels do: atomic+mimalloc.
json record(const std::string& strategy, const std::string& role, int process, int block, double ns, bool doubtful = false) {
  const std::string scene = "spin|1|throughput";
  return {{"schema", 1},
          {"row", strategy + "|" + scene + (role == "aa" ? "|aa" : "")},
          {"scene", scene},
          {"role", role},
          {"process", process},
          {"block", block},
          {"status", "ok"},
          {"config",
           {{"strategy", {{"label", strategy.substr(0, strategy.find('+'))}}},
            {"workload", {{"label", "spin"}}},
            {"threads", 1},
            {"mode", "throughput"},
            {"oversubscribed", false},
            {"allocator", "system"}}},
          {"metrics", {{"ns_per_op", {{"value", ns}}}, {"cpu_ns_per_op", {{"value", ns}}}}},
          {"quality", {{"verdict", "single"}, {"doubtful", doubtful}}},
          {"oracle", {{"class", "exact"}}}};
}

// `ns` for fast; the baseline takes 10 ns with `noise`, per cent, between it and its second measurement.
std::vector<json> run(int processes, double fast, double noise) {
  std::vector<json> all;
  for (int p = 0; p < processes; ++p) {
    for (int b = 0; b < 3; ++b) {
      const double drift = 1 + 0.1 * ((p * 3 + b) % 4);  // hits all rows of a block alike
      all.push_back(record("atomic", "baseline", p, b, 10 * drift));
      all.push_back(record("atomic", "aa", p, b, 10 * drift * (1 + noise / 100)));
      all.push_back(record("fast", "measured", p, b, fast * drift));
    }
  }
  return all;
}

summary_options smoke() { return {"atomic", false}; }
summary_options citable() { return {"atomic", true}; }

std::string told(const std::vector<json>& records, const summary_options& options, const std::vector<std::string>& order = {}) {
  std::vector<result> results;
  for (const auto& r : records) results.push_back(result_from(r));
  const auto scenes = group_scenes(results, order);
  const estimator statistics(options.citable);
  return summary_text(scenes, statistics.all(scenes), statistics, options);
}

TEST(summary, says_who_wins_and_by_how_much) {
  const std::string text = told(run(5, 2.5, 1), citable());
  EXPECT_THAT(text, HasSubstr("spin, 1 thread: fast wins, 4 times as fast as atomic\n"));
  EXPECT_THAT(text, HasSubstr("4.00x"));
  EXPECT_THAT(text, HasSubstr("against itself within 1 %"));
  EXPECT_THAT(text, HasSubstr("cpu 4.00x floor"));
}

TEST(summary, the_baseline_s_noise_is_the_pair_s_interval_and_without_one_the_worst_window) {
  const auto wandering = [](int processes) {
    auto all = run(processes, 2.5, 0);
    for (auto& r : all) {
      if (r["role"] == "aa") r["metrics"]["ns_per_op"]["value"] = 10 * (r["block"] == 0 ? 1.5 : 1.02);
      if (r["role"] == "baseline") r["metrics"]["ns_per_op"]["value"] = 10;
    }
    return all;
  };
  EXPECT_THAT(told(wandering(5), citable()), HasSubstr("against itself within 2 %"));
  EXPECT_THAT(told(wandering(2), smoke()), HasSubstr("against itself within 50 %"));
}

TEST(summary, a_smoke_run_has_an_order_and_no_verdict) {
  const std::string text = told(run(2, 2.5, 1), smoke());
  EXPECT_THAT(text, HasSubstr("spin, 1 thread: fast is first, 4 times as fast as atomic (smoke: no verdict)\n"));
  EXPECT_THAT(text, Not(HasSubstr("wins")));
  EXPECT_THAT(told(run(2, 20, 1), smoke()), HasSubstr("spin, 1 thread: atomic is first (smoke: no verdict)\n"));
}

TEST(summary, prints_no_interval_of_a_smoke_run_and_one_of_a_citable_run) {
  EXPECT_THAT(told(run(2, 2.5, 1), smoke()), Not(HasSubstr("[")));
  EXPECT_THAT(told(run(5, 2.5, 1), citable()), HasSubstr("4.00x [4.00, 4.00]"));
}

TEST(summary, a_difference_within_the_noise_is_none) {
  const std::string text = told(run(5, 9.7, 5), citable());
  EXPECT_THAT(text, HasSubstr("nothing beats atomic by more than it differs from itself (fast: 1.03x [1.03, 1.03])"));
  EXPECT_THAT(text, HasSubstr("no difference"));
  EXPECT_THAT(told(run(5, 9.7, 1), citable()), HasSubstr("fast wins"));
}

TEST(summary, a_difference_that_the_test_does_not_leave_is_none_though_it_is_more_than_the_noise) {
  auto all = run(5, 7, 1);
  for (auto& r : all) {
    if (r["role"] == "measured" && r["process"] == 0) r["metrics"]["ns_per_op"]["value"] = 20;
  }
  EXPECT_THAT(told(all, citable()), HasSubstr("nothing beats atomic beyond doubt (fast: "));
}

TEST(summary, the_floor_does_not_win_but_is_what_cost_is_counted_from) {
  auto all = run(5, 2.5, 1);
  json floor = record("none", "measured", 0, 0, 1);
  floor["oracle"]["class"] = "never_frees";
  all.push_back(floor);
  const std::string text = told(all, citable());
  EXPECT_THAT(text, HasSubstr("fast wins"));
  EXPECT_THAT(text, HasSubstr("never frees: the floor"));
  EXPECT_THAT(text, Not(HasSubstr("none wins")));
}

// The baseline takes 10 ns, on another malloc `malloced`; own, on a heap of its own, 2.
std::string told_of_allocation(double malloced, double second = 10) {
  std::vector<json> all;
  for (int b = 0; b < 6; ++b) {
    all.push_back(record("atomic", "baseline", b, 0, 10));
    all.push_back(record("atomic", "aa", b, 0, second));
    all.push_back(record("atomic+mimalloc", "measured", b, 0, malloced));
    all.push_back(record("slow", "measured", b, 0, 20));
    all.push_back(record("slow+mimalloc", "measured", b, 0, 10));
    for (const auto& [name, ns] : {std::pair{"own", 2.0}, {"worse", 11.0}}) {
      json own = record(name, "measured", b, 0, ns);
      own["config"]["strategy"]["own_heap"] = true;
      all.push_back(own);
    }
  }
  return told(all, smoke());
}

TEST(summary, says_how_much_of_a_win_is_allocation) {
  EXPECT_THAT(told_of_allocation(4), HasSubstr("  own's 5.00x over atomic: 2.50x of it is allocation (atomic+mimalloc against "
                                               "atomic), 2.00x remains\n"));
  EXPECT_THAT(told_of_allocation(20), HasSubstr("own's 5.00x over atomic: none of it is allocation, 0.50x (atomic+mimalloc"));
  EXPECT_THAT(told_of_allocation(9.7, 9.5), HasSubstr("own's 5.00x over atomic: what is allocation is lost in the noise, 1.03x"));
  EXPECT_THAT(told_of_allocation(2.02, 9.5), HasSubstr("against atomic), what remains is lost in the noise, 1.01x"));
  EXPECT_THAT(told_of_allocation(1), HasSubstr("own's 5.00x over atomic: all of it is allocation, 10.00x (atomic+mimalloc"));
  EXPECT_THAT(told_of_allocation(4), Not(HasSubstr("worse's")));
  EXPECT_THAT(told_of_allocation(4), Not(HasSubstr("over slow")));  // the baseline is there on several, too
  EXPECT_THAT(told(run(2, 2.5, 1), smoke()), Not(HasSubstr("allocation")));
}

TEST(summary, takes_the_block_heap_for_another_allocator_of_a_strategy) {
  std::vector<json> all;
  for (const auto& [name, ns] : {std::pair{"atomic", 10.0}, {"atomic+mimalloc", 5.0}, {"atomic:heap=block", 4.0}, {"own", 2.0}}) {
    all.push_back(record(name, all.empty() ? "baseline" : "measured", 0, 0, ns));
    json& strategy = all.back()["config"]["strategy"];
    strategy["own_heap"] = all.size() > 2;
    if (all.size() == 3) strategy["options"]["heap"] = "block";
  }
  const std::string text = told(all, smoke());
  EXPECT_THAT(
      text, HasSubstr("own's 5.00x over atomic: 2.50x of it is allocation (atomic:heap=block against atomic), 2.00x remains\n"));
  EXPECT_THAT(text, Not(HasSubstr("atomic:heap=block's")));
}

TEST(summary, says_it_of_other_strategies_where_the_baseline_is_on_one_malloc) {
  std::vector<json> all;
  for (const auto& [name, ns] : {std::pair{"slow", 20.0}, {"slow+mimalloc", 10.0}, {"own", 2.0}}) {
    all.push_back(record(name, "measured", 0, 0, ns));
    if (all.size() == 3) all.back()["config"]["strategy"]["own_heap"] = true;
  }
  EXPECT_THAT(told(all, smoke()),
              HasSubstr("own's 10.00x over slow: 2.00x of it is allocation (slow+mimalloc against slow), 5.00x remains\n"));
}

TEST(summary, failed_and_doubtful_windows_are_counted) {
  auto all = run(2, 2.5, 1);
  all.push_back(record("shaky", "measured", 0, 0, 9, true));
  json broken = record("broken", "measured", 0, 0, 1);
  broken["status"] = "error";
  broken["reason"] = "oracle: before teardown: 3 objects live, expected 1";
  broken.erase("metrics");
  all.push_back(broken);
  const std::string text = told(all, smoke());
  EXPECT_THAT(text, HasSubstr("doubtful in 1 of 1 windows"));
  EXPECT_THAT(text, HasSubstr("broken: failed: oracle: before teardown: 3 objects live, expected 1"));
}

TEST(summary, claims_nothing_from_doubtful_windows_or_from_one) {
  auto all = run(5, 20, 1);
  for (int p = 0; p < 5; ++p) {
    for (int b = 0; b < 3; ++b) {
      all.push_back(record("shaky", "measured", p, b, 1, b != 0));
      all.push_back(record("firm", "measured", p, b, 5, b == 0));
    }
  }
  const std::string text = told(all, citable());
  EXPECT_THAT(text, HasSubstr("firm wins, ")) << text;
  EXPECT_THAT(text, HasSubstr("doubtful in 10 of 15 windows"));
  for (auto& r : all) r["quality"]["doubtful"] = r["role"] == "baseline";
  EXPECT_THAT(told(all, citable()), HasSubstr("spin, 1 thread: no verdict: atomic is doubtful in 15 of 15 windows\n"));
  const std::vector<json> once{record("atomic", "baseline", 0, 0, 10), record("fast", "measured", 0, 0, 1)};
  EXPECT_THAT(told(once, smoke()), HasSubstr("spin, 1 thread: no verdict of one window per row\n"));
}

TEST(summary, compares_the_baseline_with_itself_and_tells_large_and_small_figures) {
  auto all = run(2, 250'000, 25);
  for (auto& r : all) r["metrics"]["ns_per_op"]["value"] = 100 * r["metrics"]["ns_per_op"]["value"].get<double>();
  const std::string text = told(all, smoke());
  EXPECT_THAT(text, ::testing::ContainsRegex("atomic +1100 ns/op +0.80x"));
  EXPECT_THAT(text, ::testing::ContainsRegex("fast +27500000 ns/op +4e-05x"));
}

TEST(summary, a_scene_without_the_baseline_says_so) {
  EXPECT_THAT(told({record("fast", "measured", 0, 0, 1)}, smoke()), HasSubstr("atomic is no baseline here"));
}

TEST(summary, tells_scenes_in_the_order_of_the_plan) {
  auto all = run(1, 2.5, 1);
  json other = record("fast", "measured", 0, 0, 1);
  other["scene"] = "walk|1|throughput";
  other["row"] = "fast|walk|1|throughput";
  other["config"]["workload"]["label"] = "walk";
  all.push_back(other);
  const std::string text = told(all, smoke(), {"fast|walk|1|throughput", "atomic|spin|1|throughput"});
  EXPECT_LT(text.find("walk, 1 thread"), text.find("spin, 1 thread"));
}

}  // namespace
}  // namespace tally::unit_summary
