// The suites keep what they promise.
#include "harness/run/suites.hpp"

#include <gtest/gtest.h>

#include "harness/run/choices.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/progress.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_suites {
namespace {

TEST(suites, quick_is_a_smoke_run_of_enough_windows_with_a_recording_first) {
  const suite_info& quick = suite_named("quick");
  EXPECT_GE(quick.how.processes, 2);
  EXPECT_LT(quick.how.processes, citable_processes);
  EXPECT_GE(quick.how.blocks, 3);
  EXPECT_EQ(quick.how.window, std::chrono::milliseconds(100));
  EXPECT_EQ(quick.groups.front().workloads.front().name, "trace");
}

TEST(suites, the_others_are_citable) {
  EXPECT_GE(suite_named("default").how.processes, citable_processes);
  EXPECT_GE(suite_named("rigorous").how.processes, 2 * citable_processes);
  EXPECT_GE(standard_protocol().processes, citable_processes);
}

TEST(suites, structures_that_come_and_go_are_counted_on_more_than_one_malloc) {
  for (const char* name : {"default", "rigorous"}) {
    std::vector<name_spec> workloads;
    for (const auto& g : suite_named(name).groups) {
      if (g.allocators.empty()) continue;
      EXPECT_EQ(texts_of(g.allocators), "system, mimalloc");  // the baseline is system's
      workloads.insert(workloads.end(), g.workloads.begin(), g.workloads.end());
    }
    EXPECT_EQ(texts_of(workloads), "tree_churn, chain, graph");
  }
}

TEST(suites, the_time_left_comes_from_what_was_measured) {
  EXPECT_DOUBLE_EQ(*progress::left_seconds(0, 100, 0, 60), 60);
  EXPECT_DOUBLE_EQ(*progress::left_seconds(50, 100, 40, 60), 40);
  EXPECT_DOUBLE_EQ(*progress::left_seconds(100, 100, 40, 60), 0);
  EXPECT_DOUBLE_EQ(*progress::left_seconds(0, 0, 0, 0), 0);
  EXPECT_FALSE(progress::left_seconds(4, 100, 40, std::nullopt)) << "no prediction, and too few are done";
  EXPECT_DOUBLE_EQ(*progress::left_seconds(50, 100, 40, std::nullopt), 40);
}

}  // namespace
}  // namespace tally::unit_suites
