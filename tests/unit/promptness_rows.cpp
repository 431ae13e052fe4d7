// Rows of mode promptness: which there are, and what their metrics say of objects that were not freed.
#include <gtest/gtest.h>

#include <stdexcept>

#include "harness/report/verdicts.hpp"
#include "harness/results/metrics.hpp"
#include "harness/run/plan.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_promptness_rows {
namespace {

// atomic has a stamped twin that can run `spin` only.
registry stamped_registry() {
  registry all = testing::fake_registry();
  strategy_entry twin = all.strategies[1];
  twin.variants.resize(1);
  twin.variants[0].cells[1].unmet = "no stamped build of this workload";
  all.stamped.push_back(std::move(twin));
  return all;
}

run_plan planned(const std::string& strategies) {
  run_request r;
  r.strategies = name_spec::read_list("--strategy", strategies);
  r.workloads = {"spin", "pair"};
  r.threads = "2";
  r.seed = 3;
  r.modes = {measure_mode::promptness};
  return make_plan(stamped_registry(), r, testing::fake_machine(2));
}

TEST(promptness_rows, are_of_what_is_built_with_stamps_and_have_a_baseline) {
  const run_plan plan = planned("atomic");
  ASSERT_EQ(plan.rows.size(), 2U);
  EXPECT_EQ(plan.rows[0].key(), "atomic|spin|2|promptness");
  EXPECT_EQ(plan.rows[0].role, row_role::baseline);
  EXPECT_EQ(plan.rows[1].role, row_role::again);
  const registry all = stamped_registry();
  EXPECT_EQ(find_row(all, plan.rows[0]).strategy, &all.stamped.front());
}

TEST(promptness_rows, the_others_are_skipped_with_the_reason) {
  const run_plan plan = planned("atomic,atomic:order=seq_cst,gil");
  const auto reason = [&](const std::string& strategy, const std::string& workload) {
    for (const auto& s : plan.skipped) {
      if (s.strategy == strategy && s.workload == workload && s.mode == "promptness") return s.reason;
    }
    return std::string("not skipped");
  };
  EXPECT_EQ(reason("atomic", "spin"), "not skipped");
  EXPECT_EQ(reason("atomic", "pair"), "no stamped build of this workload");
  EXPECT_EQ(reason("atomic:order=seq_cst", "spin"), "only other variants are built on the stamped policy");
  EXPECT_EQ(reason("gil", "spin"), "no stamped build of this strategy");
}

// 100 objects died; 60 of them were freed, after 1 to 60 ns.
TEST(promptness_rows, a_rank_among_what_was_not_freed_has_no_time) {
  row_spec row;
  row.mode = measure_mode::promptness;
  window_result window;
  const window_context context;
  const auto value = [&](std::string_view name) {
    const measured_window seen(row, window, context);
    for (const auto& m : measured_metrics()) {
      if (m.name == name) return m.of(seen);
    }
    throw std::runtime_error(std::string(name));
  };
  EXPECT_FALSE(value("promptness_objects")) << "nothing died: nothing is said";
  window.deaths.objects = 100;
  EXPECT_FALSE(value("promptness_p50"));
  EXPECT_FALSE(value("promptness_max"));
  EXPECT_EQ(value("promptness_censored_share"), 1);
  for (std::uint64_t ns = 1; ns <= 60; ++ns) window.deaths.delays.record(ns);
  EXPECT_EQ(value("promptness_objects"), 100);
  EXPECT_EQ(value("promptness_censored"), 40);
  EXPECT_EQ(value("promptness_censored_share"), 0.4);
  EXPECT_EQ(value("promptness_p50"), 50) << "of all that died, and not of the 60";
  EXPECT_FALSE(value("promptness_p90"));
  EXPECT_EQ(value("promptness_max"), 60);
  EXPECT_FALSE(value("promptness_held_bytes_peak")) << "no sample";
  window.held_back = {{0, 1, 8}, {1, 5, 40}, {2, 0, 0}};
  EXPECT_EQ(value("promptness_held_bytes_peak"), 40);
  EXPECT_EQ(value("promptness_held_bytes_mean"), 16);
  EXPECT_FALSE(value("ns_per_op")) << "a stamped row tells no speed";
  EXPECT_FALSE(value("operations"));
  row.mode = measure_mode::throughput;
  EXPECT_FALSE(value("promptness_p50"));
}

TEST(promptness_rows, a_row_without_a_median_says_why) {
  scene_group scene;
  scene.mode = "promptness";
  EXPECT_EQ(why_without(scene, row_group{}), "half of what died, or more, was not freed before its windows closed");
  scene.mode = "throughput";
  EXPECT_EQ(why_without(scene, row_group{}), "");
}

}  // namespace
}  // namespace tally::unit_promptness_rows
