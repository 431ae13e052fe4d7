// Observed rows in plans, and their words at the end of a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/report/handoffs_report.hpp"
#include "harness/results/estimates.hpp"
#include "harness/run/plan.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_observed_plan {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// atomic has an observed twin that can run `pair` only.
registry watched() {
  registry all = testing::fake_registry();
  strategy_entry twin = all.strategies[1];
  twin.variants.resize(1);
  twin.variants[0].cells[0].unmet = "no observed build of this workload";
  all.observed.push_back(std::move(twin));
  return all;
}

run_plan planned(const std::string& strategies, std::vector<measure_mode> modes = {}) {
  run_request r;
  r.strategies = name_spec::read_list("--strategy", strategies);
  r.workloads = {"spin", "pair"};
  r.threads = "1,2";
  r.seed = 3;
  r.observe = modes.empty();
  r.modes = std::move(modes);
  return make_plan(watched(), r, testing::fake_machine(2));
}

std::vector<std::string> observed_rows(const run_plan& plan) {
  std::vector<std::string> keys;
  for (const auto& r : plan.rows) {
    if (r.role == row_role::observed) keys.push_back(r.key());
    EXPECT_EQ(r.role == row_role::observed, r.mode == measure_mode::observed) << r.key();
  }
  return keys;
}

TEST(observed_plan, observe_adds_rows_beside_the_others) {
  const run_plan plan = planned("atomic,plain");
  EXPECT_THAT(observed_rows(plan), ::testing::ElementsAre("atomic|pair|2|observed"));
  EXPECT_GT(plan.rows.size(), 4U) << "the timed rows are there, too";
}

TEST(observed_plan, the_mode_alone_makes_observed_rows_only_and_no_baseline) {
  const run_plan plan = planned("atomic", {measure_mode::observed});
  EXPECT_THAT(observed_rows(plan), ::testing::ElementsAre("atomic|pair|2|observed"));
  EXPECT_EQ(plan.rows.size(), 1U);
}

TEST(observed_plan, what_can_not_be_observed_is_skipped_with_the_reason) {
  const run_plan plan = planned("atomic,atomic:order=seq_cst,gil,plain");
  const auto reason = [&](const std::string& strategy, const std::string& workload, int threads) {
    for (const auto& s : plan.skipped) {
      if (s.strategy == strategy && s.workload == workload && s.threads == threads && s.mode == "observed") return s.reason;
    }
    return std::string("not skipped");
  };
  EXPECT_EQ(reason("atomic", "pair", 2), "not skipped");
  EXPECT_EQ(reason("atomic", "spin", 1), "hand-offs need two threads");
  EXPECT_EQ(reason("atomic", "spin", 2), "no observed build of this workload");
  EXPECT_EQ(reason("atomic:order=seq_cst", "pair", 2), "only the default variant is built on the observed policy");
  EXPECT_EQ(reason("gil", "pair", 2), "no observed build of this strategy");
  EXPECT_EQ(reason("plain", "pair", 2), "not thread-safe");
}

TEST(observed_plan, a_row_is_found_in_the_observed_part_of_the_registry) {
  const registry all = watched();
  const run_plan plan = planned("atomic", {measure_mode::observed});
  EXPECT_EQ(find_row(all, plan.rows.front()).strategy, &all.observed.front());
  const run_item item = item_from(to_json(run_item{plan.rows.front(), 0, 0, 0, 1}));
  EXPECT_EQ(item.row.role, row_role::observed);
  EXPECT_EQ(item.row.key(), plan.rows.front().key());
}

json record(const std::string& strategy, int block, double per_op, bool doubtful) {
  const auto value = [](double v) { return json{{"value", v}, {"unit", "1/op"}, {"class", "measured"}}; };
  return {{"schema", 1},
          {"row", strategy + "|pair|2|observed"},
          {"scene", "pair|2|observed"},
          {"role", "observed"},
          {"process", 0},
          {"block", block},
          {"status", "ok"},
          {"config", {{"workload", {{"label", "pair"}}}, {"threads", 2}, {"mode", "observed"}}},
          {"metrics",
           {{"handoffs_per_op", value(per_op)},
            {"handoffs_per_op.count", value(per_op)},
            {"handoffs_per_op.slot", value(0)},
            {"rmws_per_op", value(2)},
            {"ops_per_handoff", value(1 / per_op)}}},
          {"quality", {{"verdict", "contended"}, {"doubtful", doubtful}}}};
}

TEST(observed_summary, tells_medians_by_field_and_doubt_and_judges_nobody) {
  std::vector<result> rows;
  for (const json& r : {record("biased", 0, 0.5, false), record("atomic", 0, 0.75, false), record("atomic", 1, 0.8, true),
                        record("atomic", 2, 1e-6, false)}) {
    rows.push_back(result_from(r));
  }
  const std::string text = handoffs_summary(rows, {"atomic|pair|2|observed", "biased|pair|2|observed"});
  EXPECT_THAT(text, HasSubstr("pair, 2 threads"));
  EXPECT_THAT(text, HasSubstr("count 0.75  doubtful in 1 of 3 windows"));
  EXPECT_THAT(text, HasSubstr("1.33")) << "operations a hand-off, of the median";
  EXPECT_THAT(text, Not(HasSubstr("slot")));
  EXPECT_LT(text.find("atomic"), text.find("biased")) << "in the plan's order";
  EXPECT_TRUE(group_scenes(rows, {}).empty()) << "hand-offs are not times: no winner";
  EXPECT_EQ(handoffs_summary({}, {}), "");
}

}  // namespace
}  // namespace tally::unit_observed_plan
