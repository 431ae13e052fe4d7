// What windows say together, from windows whose truth is known.
#include "harness/results/estimates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "harness/results/metrics.hpp"
#include "tests/support/made_up_windows.hpp"

namespace tally::unit_estimates {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// The baseline takes 10 ns, fast 4, each with the drift of its block; the second measurement of the baseline 1 % more.
std::vector<result> run(int processes) {
  std::vector<result> all;
  for (int p = 0; p < processes; ++p) {
    for (int b = 0; b < 3; ++b) {
      const double drift = 1 + 0.1 * ((p * 3 + b) % 4);
      all.push_back(testing::spin_window("fast", row_role::measured, p, b, 4 * drift));
      all.push_back(testing::spin_window("atomic", row_role::baseline, p, b, 10 * drift));
      all.push_back(testing::spin_window("atomic", row_role::again, p, b, 10.1 * drift));
    }
  }
  return all;
}

TEST(estimates, rows_are_grouped_in_the_order_of_the_plan) {
  const auto results = run(2);
  const auto scenes = group_scenes(results, {"atomic|spin|1|throughput", "atomic|spin|1|throughput|aa"});
  ASSERT_EQ(scenes.size(), 1U);
  std::vector<std::string> rows;
  for (const auto& r : scenes.front().rows) rows.push_back(r.row);
  EXPECT_THAT(rows, ElementsAre("atomic|spin|1|throughput", "atomic|spin|1|throughput|aa", "fast|spin|1|throughput"));
  EXPECT_EQ(scenes.front().title, "spin, 1 thread");
  EXPECT_EQ(scenes.front().rows.front().windows.size(), 6U);
}

TEST(estimates, a_ratio_above_one_is_better_than_the_baseline_whichever_side_of_the_metric_is_better) {
  const auto results = run(5);
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(true).all(scenes);
  for (const char* metric : {"ns_per_op", "ops_per_second"}) {
    const estimate* e = find_estimate(all, "fast|spin|1|throughput", metric);
    ASSERT_NE(e, nullptr) << metric;
    ASSERT_TRUE(e->against && e->against->confidence) << metric;
    EXPECT_THAT(e->against->ratio, DoubleNear(2.5, 1e-9)) << metric;  // the drift hits both alike
    EXPECT_THAT(e->against->confidence->low, DoubleNear(2.5, 1e-9)) << metric;
    EXPECT_EQ(e->baseline, "atomic|spin|1|throughput");
    ASSERT_TRUE(e->noise) << metric;
    EXPECT_THAT(*e->noise, DoubleNear(0.01, 1e-9)) << metric;
    EXPECT_EQ(e->processes, 5U);
    EXPECT_EQ(e->windows, 15U);
  }
}

TEST(estimates, the_value_is_the_mean_over_processes_of_the_medians_and_its_interval_holds_it) {
  const auto results = run(5);
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(true).all(scenes);
  const estimate* e = find_estimate(all, "atomic|spin|1|throughput", "ns_per_op");
  // Medians of the processes' blocks: drifts 0 1 2, 3 0 1, 2 3 0, 1 2 3, 0 1 2 -> 11, 11, 12, 12, 11.
  EXPECT_THAT(e->value, DoubleNear(11.4, 1e-9));
  ASSERT_TRUE(e->confidence);
  EXPECT_LT(e->confidence->low, 11.4);
  EXPECT_GT(e->confidence->high, 11.4);
  EXPECT_EQ(find_estimate(estimator(false).all(scenes), "atomic|spin|1|throughput", "ns_per_op")->confidence, std::nullopt);
}

TEST(estimates, a_row_that_changed_in_the_course_of_a_run_is_marked_and_one_whose_machine_did_is_not) {
  auto results = run(8);  // every block drifts by itself, and all rows with it
  for (auto& r : results) {
    const bool late = r.process >= 4;
    if (late && r.strategy == "fast") r.metrics.front().value = *r.metrics.front().value * (1.1 + 0.001 * r.process);
  }
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(true).all(scenes);
  const estimate* fast = find_estimate(all, "fast|spin|1|throughput", "ns_per_op");
  ASSERT_TRUE(fast->halves);
  EXPECT_TRUE(fast->halves->unstable());
  EXPECT_NEAR(fast->halves->ratio, 1.1055, 1e-3);
  for (const char* row : {"atomic|spin|1|throughput", "atomic|spin|1|throughput|aa"}) {
    const estimate* e = find_estimate(all, row, "ns_per_op");
    ASSERT_TRUE(e->halves) << row;
    EXPECT_FALSE(e->halves->unstable()) << row;
  }
}

TEST(estimates, a_window_far_outside_is_counted_and_kept) {
  auto results = run(5);
  for (auto& r : results) {
    const double own = 1 + 0.001 * ((r.process + 2 * r.block) % 5);
    if (r.strategy == "fast") r.metrics.front().value = *r.metrics.front().value * (r.process == 2 && r.block == 1 ? 3 : own);
  }
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(true).all(scenes);
  const estimate* fast = find_estimate(all, "fast|spin|1|throughput", "ns_per_op");
  EXPECT_EQ(fast->outliers.severe, 1U);
  EXPECT_EQ(fast->windows, 15U);
  EXPECT_EQ(find_estimate(all, "atomic|spin|1|throughput", "ns_per_op")->outliers.severe, 0U);
}

TEST(estimates, a_row_with_fewer_than_five_processes_has_no_interval_in_a_run_of_more) {
  auto results = run(5);
  std::erase_if(results, [](const result& r) { return r.strategy == "fast" && r.process > 2; });
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(true).all(scenes);
  EXPECT_FALSE(find_estimate(all, "fast|spin|1|throughput", "ns_per_op")->against->confidence);
  EXPECT_TRUE(find_estimate(all, "atomic|spin|1|throughput", "ns_per_op")->confidence);
}

TEST(estimates, failed_windows_are_left_out_and_a_row_without_any_has_none) {
  auto results = run(2);
  results.push_back(testing::spin_window("broken", row_role::measured, 0, 0, 1));
  results.back().metrics.clear();
  results.back().status = row_status::error;
  results.front().metrics.clear();  // fast's first window
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(false).all(scenes);
  EXPECT_EQ(find_estimate(all, "broken|spin|1|throughput", "ns_per_op"), nullptr);
  EXPECT_EQ(find_estimate(all, "fast|spin|1|throughput", "ns_per_op")->windows, 5U);
}

TEST(estimates, are_written_one_to_a_line) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tally-estimates-XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
  const auto results = run(2);
  const auto scenes = group_scenes(results, {});
  const auto all = estimator(false).all(scenes);
  write_estimates(directory, all);
  std::ifstream in(directory / "estimates.jsonl");
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    const json j = json::parse(line);
    EXPECT_EQ(j.at("row"), all[lines].row);
    EXPECT_EQ(j.at("metric"), all[lines].metric);
    EXPECT_DOUBLE_EQ(j.at("value").get<double>(), all[lines].value);
    EXPECT_TRUE(j.at("low").is_null());
    EXPECT_DOUBLE_EQ(j.at("ratio").at("value").get<double>(), all[lines].against->ratio);
  }
  EXPECT_EQ(lines, all.size());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tally::unit_estimates
