// cycles' oracle: schemes that only count leak what the draws made cyclic, to the object; a collector leaks nothing.
#include "workloads/cycles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/engine/bind.hpp"
#include "strategies/atomic.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_cycles {
namespace {

using tally::testing::run_steps;
using tally::workloads::cycles;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;
using collected = tally::strategies::plain_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using gil = tally::strategies::gil_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using mark_sweep = tally::strategies::mark_sweep_heap<tally::native>;
using settings = std::map<std::string, std::string>;

TEST(cycles, counting_leaks_what_was_drawn_cyclic_and_a_collector_nothing) {
  for (const char* shape : {"parent_child", "list", "closure"}) {
    for (const char* turnover : {"one", "all"}) {
      for (const char* size : {"2", "3", "9"}) {
        for (const char* cyclic : {"0", "0.3", "1"}) {
          const settings set{{"shape", shape}, {"turnover", turnover}, {"size", size}, {"cyclic", cyclic}, {"window", "10"}};
          const std::string what = std::string(shape) + turnover + size + cyclic;
          const auto counted = run_steps<plain, cycles>({.set = set, .steps = 1000});
          EXPECT_EQ(counted.verdict(), "") << what;
          EXPECT_EQ(counted.leaked == 0, cyclic == std::string("0")) << what;
          EXPECT_EQ((run_steps<atomic, cycles>({.set = set, .lanes = 2, .steps = 1000}).verdict()), "") << what;
          const auto freed = run_steps<collected, cycles>({.set = set, .steps = 1000});
          EXPECT_EQ(freed.verdict(), "") << what;
          EXPECT_EQ(freed.leaked, 0) << what;
          EXPECT_EQ((run_steps<gil, cycles>({.set = set, .lanes = 3, .steps = 1000}).verdict()), "") << what;
        }
      }
    }
  }
}

// 1000 steps and a window of 10 that are all cyclic: as many structures leak as were made.
TEST(cycles, all_that_is_cyclic_leaks_with_what_it_holds) {
  for (const char* shape : {"parent_child", "list", "closure"}) {
    EXPECT_EQ(
        (run_steps<plain, cycles>({.set = {{"shape", shape}, {"size", "5"}, {"cyclic", "1"}, {"window", "10"}}, .steps = 1000})
             .left),
        5 * 1010);
  }
}

TEST(cycles, tracing_frees_all_shapes) {
  for (const char* shape : {"parent_child", "list", "closure"}) {
    EXPECT_EQ((run_steps<mark_sweep, cycles>({.set = {{"shape", shape}, {"cyclic", "1"}}, .lanes = 2, .steps = 2000}).verdict()),
              "");
  }
}

// Between two steps what is alive is a window and the garbage that no collection has come to.
TEST(cycles, a_collection_that_is_asked_for_bounds_what_is_held_back) {
  const settings often{{"cyclic", "1"}, {"window", "10"}, {"collect_every", "80"}};
  const auto r = run_steps<collected, cycles>({.set = often, .steps = 5000});
  EXPECT_EQ(r.verdict(), "");
  const std::int64_t structures = 10 + 80 / 8, bytes_per_object = 128;
  EXPECT_LT(r.most_bytes, structures * 8 * bytes_per_object);
  EXPECT_GT((run_steps<collected, cycles>({.set = {{"cyclic", "1"}, {"window", "10"}}, .steps = 5000}).most_bytes), r.most_bytes);
}

TEST(cycles, only_what_collects_can_be_asked_for_it) {
  const tally::parameters asks(cycles::info, {{"collect_every", "100"}});
  EXPECT_THAT((tally::bind_cell<plain, cycles>().unmet_for(asks)), ::testing::HasSubstr("collect_every"));
  EXPECT_EQ((tally::bind_cell<collected, cycles>().unmet_for(asks)), "");
  EXPECT_EQ((tally::bind_cell<mark_sweep, cycles>().unmet_for(asks)), "");
}

TEST(cycles, payload_bytes_is_the_peak_to_the_byte) {
  using heap = tally::testing::sound_heap;
  for (const char* shape : {"parent_child", "list", "closure"}) {
    const tally::parameters params(cycles::info, {{"shape", shape}, {"size", "5"}, {"cyclic", "0"}, {"window", "7"}});
    const tally::run_env env{params, 1, 1};
    heap h(tally::heap_config{});
    cycles::program<heap> p(h, env);
    heap::context c(h);
    cycles::program<heap>::lane l(p, c, {});
    for (int i = 0; i < 50; ++i) p.step(c, l);
    EXPECT_EQ(h.most_payload, static_cast<std::int64_t>(cycles::program<heap>::payload_bytes(env))) << shape;
    p.leave(c, l);
  }
}

TEST(cycles, a_heap_that_forgets_drops_is_caught) {
  const auto r = run_steps<tally::testing::leaky_heap, cycles>({.steps = 1000});
  EXPECT_EQ(r.check, "");
  EXPECT_GT(r.live, r.expected);
}

// Of two objects that hold each other the first has two references, so that a drop that counts twice frees what should leak.
TEST(cycles, a_heap_that_frees_early_is_caught) {
  for (const char* shape : {"parent_child", "list", "closure"}) {
    const settings set{{"shape", shape}, {"cyclic", "1"}, {"size", "2"}};
    const auto r = run_steps<tally::testing::hasty_heap, cycles>({.set = set, .steps = 5000});
    EXPECT_LT(r.left, r.leaked) << shape;
  }
}

}  // namespace
}  // namespace unit_workload_cycles
