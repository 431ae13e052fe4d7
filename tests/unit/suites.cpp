// The suites keep what they promise.
#include "harness/run/suites.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

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
  EXPECT_GE(quick.how.windows, 3);
  EXPECT_EQ(quick.how.window, std::chrono::milliseconds(100));
  EXPECT_EQ(quick.groups.front().workloads.front().name, "trace");
}

TEST(suites, the_others_are_citable) {
  EXPECT_GE(suite_named("default").how.processes, citable_processes);
  EXPECT_GE(suite_named("rigorous").how.processes, 2 * citable_processes);
  EXPECT_GE(standard_protocol().processes, citable_processes);
}

// A row says its own window and how many make the run's; the run is one origin only if their product is the same for all rows.
TEST(suites, brief_windows_make_whole_ones) {
  for (const auto& s : all_suites()) EXPECT_EQ(s.how.window.count() % s.how.briefs, 0) << s.name;
  EXPECT_EQ(standard_protocol().window.count() % standard_protocol().briefs, 0);
}

TEST(suites, a_choice_has_the_steps_of_both_axes_of_the_decision_map) {
  const suite_info& choice = suite_named("choice");
  EXPECT_GE(choice.how.processes, citable_processes);
  std::size_t steps = 0;
  for (const auto& g : choice.groups) {
    const std::string name = g.workloads.front().name;
    const bool throughput = g.modes.front() == measure_mode::throughput;
    steps += throughput && g.thinks.ns.empty() && g.threads.text() == "2" &&
             (name == "sharing_ladder" || (name == "handoff" && g.sets.size() == 1));
    EXPECT_FALSE(g.threads.counts.empty()) << g.title << ": as many threads as the map is of, on any machine";
  }
  EXPECT_EQ(steps, 2U) << "shares of sharing_ladder, and of handoff with a running owner";
}

TEST(suites, the_core_asks_of_the_usual_baseline_on_any_machine_and_in_a_minute) {
  const suite_info& core = suite_named("core");
  EXPECT_GE(core.how.processes, citable_processes);
  EXPECT_TRUE(core.baseline);
  std::size_t scenes = 0;
  for (const auto& g : core.groups) {
    EXPECT_EQ(texts_of(g.strategies), "atomic, biased") << g.title << ": what TALLY_PLANT and the checks' builds have";
    EXPECT_FALSE(g.threads.counts.empty()) << g.title;
    scenes += g.workloads.size();
  }
  EXPECT_GE(scenes, 5U);
  EXPECT_LE(scenes * 3 * static_cast<std::size_t>(core.how.processes * core.how.windows * core.how.briefs), 1300U);
}

TEST(suites, a_choice_asks_both_axes_again_with_work_between_operations) {
  std::map<std::string, std::string> works;
  for (const auto& g : suite_named("choice").groups) {
    if (!g.thinks.ns.empty()) works[g.workloads.front().name] = g.thinks.text();
  }
  EXPECT_EQ(works["sharing_ladder"], works["handoff"]) << "a map of each amount";
  EXPECT_NE(works["handoff"], "");
  EXPECT_EQ(think_list::read("", works["copy_drop"]).ns.front(), 0) << "contention before there is work";
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

TEST(suites, whatever_numbers_strategies_have_are_varied_in_scenes_of_their_own) {
  for (const char* name : {"default", "rigorous"}) {
    const auto& groups = suite_named(name).groups;
    const auto varies = [](const suite_group& g) { return texts_of(g.strategies) == "*:*tunables"; };
    ASSERT_EQ(std::ranges::count_if(groups, varies), 1) << name;
    const suite_group& g = *std::ranges::find_if(groups, varies);
    EXPECT_EQ(g.threads.text(), "2");
    EXPECT_FALSE(g.simulated) << "what such numbers are worth is time";
    for (const auto& w : g.workloads) {
      EXPECT_EQ(std::ranges::count(g.sets, w.name, &set_spec::workload), 1) << w.name << ": what tells its scene from others";
    }
  }
}

TEST(suites, a_row_with_a_process_of_its_own_is_given_the_time_to_start_it) {
  run_plan plan;
  plan.processes = 2, plan.blocks = 1;
  plan.rows.resize(3);
  for (std::size_t i = 0; i < 3; ++i) plan.rows[i].strategy = std::string(i + 1, 's');
  const double shared = plan.predicted_seconds();
  for (auto& r : plan.rows) r.own_process = true;
  const double own = plan.predicted_seconds();
  EXPECT_GT(own, shared);
  plan.rows[0].own_process = plan.rows[1].own_process = false;
  EXPECT_NEAR(plan.predicted_seconds() - shared, (own - shared) / 2, 1e-9) << "one more worker of two";
}

TEST(suites, rows_whose_worker_gives_its_memory_back_do_not_share_it_with_others) {
  row_spec timed, memory, paced, latency;
  memory.mode = measure_mode::memory;
  paced.mode = latency.mode = measure_mode::latency;
  paced.rate.per_second = 1000;
  EXPECT_EQ(worker_name(timed), worker_name(latency));
  EXPECT_EQ(worker_name(memory), worker_name(paced));
  EXPECT_NE(worker_name(memory), worker_name(timed));
  row_spec other = memory;
  other.allocator = "mimalloc";
  EXPECT_NE(worker_name(other), worker_name(memory));
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
