// task_graph's oracle on several arenas, and that its threads are the arena's and not the engine's.
#include "workloads/task_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/engine/bind.hpp"
#include "harness/engine/engine.hpp"
#include "strategies/atomic.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_task_graph {
namespace {

using tally::testing::run_steps;
using tally::workloads::task_graph;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;

TEST(task_graph, every_way_to_run_it_is_sound) {
  for (const char* shape : {"reduction", "wavefront"}) {
    for (const char* width : {"1", "2", "7", "16"}) {
      for (const char* objects : {"0", "1", "16"}) {
        const std::map<std::string, std::string> set{{"shape", shape}, {"width", width}, {"objects", objects}};
        EXPECT_EQ((run_steps<plain, task_graph>({.set = set, .steps = 20}).verdict()), "") << shape << width << objects;
        for (int lanes : {1, 2, 3}) {
          const auto r = run_steps<atomic, task_graph>({.set = set, .lanes = lanes, .steps = 50});
          EXPECT_EQ(r.verdict(), "") << shape << width << objects;
          EXPECT_EQ(r.counted, 50);  // one lane drives, whatever the number of threads
        }
      }
    }
  }
}

TEST(task_graph, the_engine_runs_one_lane_for_an_arena_of_threads) {
  const auto cell = tally::bind_cell<atomic, task_graph>();
  ASSERT_EQ(cell.unmet, "");
  tally::body_spec b;
  b.params = tally::parameters(task_graph::info);
  b.lanes = 3;
  const auto body = cell.make(b);
  tally::window_spec w;
  w.lanes = 3;
  w.ramp_ns = 1'000'000;
  w.window_ns = 5'000'000;
  const auto r = tally::run_window(*body, w);
  EXPECT_EQ(r.failure, "");
  EXPECT_TRUE(r.oracle.ok) << r.oracle.message;
  EXPECT_EQ(r.lanes.size(), 1U);
}

TEST(task_graph, parallelism_is_work_over_span) {
  const auto of = [](const std::map<std::string, std::string>& set) {
    const tally::parameters p(task_graph::info, set);
    return task_graph::program<atomic>::parallelism({p, 4, 1});
  };
  EXPECT_DOUBLE_EQ(of({{"shape", "wavefront"}, {"width", "1"}}), 1);
  EXPECT_DOUBLE_EQ(of({{"shape", "wavefront"}, {"width", "8"}}), 64.0 / 15);
  EXPECT_DOUBLE_EQ(of({{"width", "1"}}), 1);
  EXPECT_DOUBLE_EQ(of({{"width", "16"}}), 31.0 / 5);  // 31 tasks, five deep
}

TEST(task_graph, a_heap_that_forgets_drops_is_caught) {
  for (const char* shape : {"reduction", "wavefront"}) {
    const auto r = run_steps<tally::testing::leaky_heap, task_graph>({.set = {{"shape", shape}}});
    EXPECT_GT(r.live, r.expected);
  }
}

// A wiped result no longer leads to the source, and reads as a broken value.
TEST(task_graph, a_heap_that_frees_early_is_caught) {
  for (const char* shape : {"reduction", "wavefront"}) {
    const auto r = run_steps<tally::testing::hasty_heap, task_graph>({.set = {{"shape", shape}}, .steps = 400});
    EXPECT_NE(r.verdict(), "") << shape;
  }
}

}  // namespace
}  // namespace unit_workload_task_graph
