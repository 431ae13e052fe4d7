// finalizers' oracle: every finaliser runs once, whatever it does.
#include "workloads/finalizers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/engine/bind.hpp"
#include "strategies/atomic.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "strategies/rc_arc.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_finalizers {
namespace {

using tally::testing::run_steps;
using tally::workloads::finalizers;
using atomic = tally::strategies::atomic_heap<tally::native>;
using epochs = tally::strategies::atomic_heap<tally::native, {.slot = tally::slot_kind::epoch}>;
using unique = tally::strategies::atomic_heap<tally::native, {.unique = tally::strategies::unique_path::on}>;
using typed = tally::strategies::rc_arc_typed_heap<tally::native>;
using mark_sweep = tally::strategies::mark_sweep_heap<tally::native>;
using collected = tally::strategies::plain_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using gil = tally::strategies::gil_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using settings = std::map<std::string, std::string>;

TEST(finalizers, each_runs_once_whatever_it_does) {
  for (const char* work : {"none", "allocate", "revive"}) {
    for (const char* window : {"1", "50"}) {
      for (const char* objects : {"1", "40"}) {
        const settings set{{"work", work}, {"window", window}, {"objects", objects}};
        EXPECT_EQ((run_steps<collected, finalizers>({.set = set, .steps = 5000}).verdict()), "") << work << window;
        EXPECT_EQ((run_steps<gil, finalizers>({.set = set, .lanes = 3, .steps = 5000}).verdict()), "") << work << window;
        EXPECT_EQ((run_steps<atomic, finalizers>({.set = set, .lanes = 3, .steps = 5000}).verdict()), "") << work << window;
        EXPECT_EQ((run_steps<unique, finalizers>({.set = set, .lanes = 3, .steps = 5000}).verdict()), "") << work << window;
        EXPECT_EQ((run_steps<typed, finalizers>({.set = set, .lanes = 3, .steps = 5000}).verdict()), "") << work << window;
      }
    }
  }
}

TEST(finalizers, as_many_run_as_objects_have_one) {
  const auto ran = [](const char* share) {
    const auto r = run_steps<collected, finalizers>({.set = {{"share", share}}, .steps = 1000});
    EXPECT_EQ(r.verdict(), "");
    return r.metrics.at(0).value;
  };
  EXPECT_EQ(ran("1"), 1000);
  EXPECT_EQ(ran("0"), 0);
  EXPECT_NEAR(ran("0.5"), 500, 100);
}

TEST(finalizers, heaps_without_them_are_refused_with_the_reason) {
  EXPECT_EQ((tally::bind_cell<epochs, finalizers>().unmet), "needs finalisers");
  EXPECT_EQ((tally::bind_cell<mark_sweep, finalizers>().unmet), "needs finalisers");
  EXPECT_EQ((tally::bind_cell<gil, finalizers>().unmet), "");
}

// Heaps that say they have finalisers: one runs none, one runs one again in 100.
template <bool Twice>
struct wrong_heap : collected {
  using collected::collected;
  struct context : collected::context {
    explicit context(wrong_heap& h) : collected::context(h) {}
    void drop(const auto& r) {
      auto& object = this->get(r);
      if constexpr (requires { object.ends; }) {
        if (Twice && ++drops % 100 == 0) object.finalize(*this, r);
        if (!Twice) object.ran.store(1), r.at->word.set_finalized();
      }
      collected::context::drop(r);
    }
    std::uint64_t drops = 0;
  };
};

TEST(finalizers, one_that_does_not_run_and_one_that_runs_again_are_caught) {
  EXPECT_THAT((run_steps<wrong_heap<false>, finalizers>({.steps = 1000}).check), ::testing::HasSubstr("did not run"));
  EXPECT_THAT((run_steps<wrong_heap<true>, finalizers>({.steps = 1000}).check),
              ::testing::StartsWith("0 finalisers did not run"));
}

}  // namespace
}  // namespace unit_workload_finalizers
