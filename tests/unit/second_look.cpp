// Which rows a run measures again, and in how many processes.
#include "harness/session/second_look.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tally::unit_second_look {
namespace {

run_plan of_rows(int rows, int processes) {
  run_plan plan;
  plan.processes = processes;
  plan.blocks = 2;
  for (int i = 0; i < rows; ++i) {
    row_spec r;
    r.strategy = "s" + std::to_string(i);
    r.workload = r.workload_label = "w";
    plan.rows.push_back(r);
  }
  return plan;
}

std::set<std::string> first_of(const run_plan& plan, int n) {
  std::set<std::string> keys;
  for (int i = 0; i < n; ++i) keys.insert(plan.rows[static_cast<std::size_t>(i)].key());
  return keys;
}

TEST(second_look, a_few_rows_are_measured_five_times_as_often_again) {
  const run_plan plan = of_rows(100, 6);
  const run_plan again = second_look(plan, first_of(plan, 10));
  ASSERT_EQ(again.rows.size(), 10U);
  EXPECT_EQ(again.rows[3].key(), plan.rows[3].key());
  EXPECT_EQ(again.processes, 36);
  EXPECT_EQ(again.blocks, 2);
}

TEST(second_look, many_take_no_longer_than_the_plan) {
  const run_plan plan = of_rows(100, 6);
  EXPECT_EQ(second_look(plan, first_of(plan, 30)).processes, 24) << "540 of 600 windows a block";
  EXPECT_EQ(second_look(plan, first_of(plan, 60)).processes, 15);
  EXPECT_EQ(second_look(plan, first_of(plan, 100)).processes, 11);
}

TEST(second_look, no_row_is_no_plan) {
  EXPECT_TRUE(second_look(of_rows(3, 6), {}).rows.empty());
  EXPECT_TRUE(second_look(of_rows(3, 6), {"another|w|1|throughput"}).rows.empty());
}

}  // namespace
}  // namespace tally::unit_second_look
