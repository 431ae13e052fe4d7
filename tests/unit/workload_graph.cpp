// graph's oracle: all is freed where the program breaks its cycles; where it does not, the leak is foretold to the object.
#include "workloads/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/engine/bind.hpp"
#include "strategies/atomic.hpp"
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_graph {
namespace {

using tally::testing::run_steps;
using tally::workloads::graph;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;

TEST(graph, broken_cycles_are_freed_by_every_way_to_run_it) {
  for (const char* scope : {"lane", "shared"}) {
    for (const char* replace : {"0", "0.1", "1"}) {
      for (const char* window : {"2", "64"}) {
        const std::map<std::string, std::string> set{{"scope", scope}, {"replace", replace}, {"window", window}};
        const auto one = run_steps<plain, graph>({.set = set, .steps = 5000});
        EXPECT_EQ(one.verdict(), "") << scope << replace << window;
        EXPECT_EQ(one.leaked, 0);
        for (int lanes : {1, 2, 3}) {
          EXPECT_EQ((run_steps<atomic, graph>({.set = set, .lanes = lanes, .steps = 5000}).verdict()), "");
        }
      }
    }
  }
}

TEST(graph, the_leak_is_foretold_to_the_object) {
  for (const char* degree : {"1", "3"}) {
    for (std::uint64_t seed : {1U, 2U, 3U}) {
      const std::map<std::string, std::string> set{{"mode", "leak"}, {"degree", degree}, {"window", "32"}};
      const auto one = run_steps<plain, graph>({.set = set, .steps = 20000, .seed = seed});
      EXPECT_EQ(one.verdict(), "");
      EXPECT_GT(one.leaked, 0);
      for (int lanes : {2, 3}) {
        const auto more = run_steps<atomic, graph>({.set = set, .lanes = lanes, .steps = 20000, .seed = seed});
        EXPECT_EQ(more.verdict(), "");
        EXPECT_GT(more.leaked, one.leaked);  // lane 0 draws the same, the others leak too
      }
    }
  }
}

TEST(graph, a_cycle_collector_leaks_nothing_whoever_made_the_cycle) {
  using gil = tally::strategies::gil_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
  for (const char* scope : {"lane", "shared"}) {
    for (int lanes : {1, 2, 4}) {
      const std::map<std::string, std::string> set{{"mode", "leak"}, {"scope", scope}};
      const auto r = run_steps<gil, graph>({.set = set, .lanes = lanes, .steps = 10000});
      EXPECT_EQ(r.verdict(), "") << scope << lanes;
      EXPECT_EQ(r.leaked, 0);
    }
  }
}

// The model against graphs small enough to count by hand.
TEST(graph, the_model_counts_what_counting_leaks) {
  using action = graph::action;
  const auto edge = [](std::uint32_t from, std::uint32_t slot, std::uint32_t to) { return action{false, from, slot, to}; };
  const auto renew = [](std::uint32_t place) { return action{true, place, 0, 0}; };
  graph::model chain(3, 2);
  for (const auto& a : {edge(0, 0, 1), edge(1, 0, 2), renew(0), renew(1), renew(2)}) chain.apply(a);
  EXPECT_EQ(chain.leaked(), 0);
  graph::model itself(2, 1);
  for (const auto& a : {edge(0, 0, 0), renew(0)}) itself.apply(a);
  EXPECT_EQ(itself.leaked(), 1);
  graph::model mended(2, 1);
  for (const auto& a : {edge(0, 0, 0), edge(0, 0, 1), renew(0)}) mended.apply(a);
  EXPECT_EQ(mended.leaked(), 0);
  graph::model tail(3, 2);  // 0 <-> 1, and 1 leads to 2, which leads nowhere: all three leak
  for (const auto& a : {edge(0, 0, 1), edge(1, 0, 0), edge(1, 1, 2), renew(0), renew(1), renew(2)}) tail.apply(a);
  EXPECT_EQ(tail.leaked(), 3);
  graph::model late(2, 1);  // still in the window when all is let go
  for (const auto& a : {edge(0, 0, 1), edge(1, 0, 0)}) late.apply(a);
  EXPECT_EQ(late.leaked(), 2);
}

// A heap that says it collects cycles owes nothing in mode=leak, and one that does not collect is then caught.
struct boasting_heap : tally::testing::sound_heap {
  using tally::testing::sound_heap::sound_heap;
  struct context : tally::testing::sound_heap::context {
    using tally::testing::sound_heap::context::context;
    void collect() {}
  };
};

TEST(graph, a_heap_that_only_says_it_collects_cycles_is_caught) {
  const auto r = run_steps<boasting_heap, graph>({.set = {{"mode", "leak"}}, .steps = 5000});
  EXPECT_EQ(r.check, "");
  EXPECT_EQ(r.leaked, 0);
  EXPECT_GT(r.left, 0);
  EXPECT_NE(r.verdict(), "");
}

TEST(graph, leaks_of_a_shared_graph_are_for_heaps_that_collect_cycles) {
  const tally::parameters leak(graph::info, {{"mode", "leak"}, {"scope", "shared"}});
  EXPECT_THAT((tally::bind_cell<atomic, graph>().unmet_for(leak)), ::testing::HasSubstr("leaks cycles"));
  EXPECT_EQ((tally::bind_cell<boasting_heap, graph>().unmet_for(leak)), "");
  EXPECT_THROW((run_steps<atomic, graph>({.set = {{"mode", "leak"}, {"scope", "shared"}}})), tally::usage_error);
}

TEST(graph, a_heap_that_forgets_drops_is_caught) {
  for (const char* scope : {"lane", "shared"}) {
    for (const char* mode : {"broken", "leak"}) {
      if (scope == std::string("shared") && mode == std::string("leak")) continue;
      const std::map<std::string, std::string> set{{"scope", scope}, {"mode", mode}};
      const auto r = run_steps<tally::testing::leaky_heap, graph>({.set = set, .steps = 5000});
      EXPECT_EQ(r.check, "");
      EXPECT_GT(r.live, r.expected) << scope << mode;
    }
  }
}

TEST(graph, a_heap_that_frees_early_is_caught_behind_an_edge) {
  const auto r = run_steps<tally::testing::hasty_heap, graph>({.steps = 5000});
  EXPECT_THAT(r.check, ::testing::HasSubstr("damaged"));
}

}  // namespace
}  // namespace unit_workload_graph
