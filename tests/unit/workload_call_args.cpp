// call_args' oracle, the count operations that each convention makes, and that its calls stay calls.
#include "workloads/call_args.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/errors.hpp"
#include "strategies/atomic.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_call_args {
namespace {

using tally::testing::run_steps;
using tally::workloads::call_args;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;

TEST(call_args, every_way_to_run_it_is_sound) {
  for (const char* passing : {"copy", "move", "borrow"}) {
    for (const char* fresh : {"0", "1"}) {
      for (const char* depth : {"1", "8", "1000"}) {
        const std::map<std::string, std::string> set{{"passing", passing}, {"fresh", fresh}, {"depth", depth}};
        EXPECT_EQ((run_steps<plain, call_args>({.set = set, .steps = 200}).verdict()), "") << passing << fresh << depth;
        for (int lanes : {1, 2, 3}) {
          EXPECT_EQ((run_steps<atomic, call_args>({.set = set, .lanes = lanes, .steps = 200}).verdict()), "");
        }
      }
    }
  }
}

TEST(call_args, a_word_that_is_no_convention_is_refused) {
  EXPECT_THROW((run_steps<plain, call_args>({.set = {{"passing", "beg"}}})), tally::usage_error);
}

// Drops of a step as info.step says: one for the argument, and with copy one more for each call.
TEST(call_args, a_step_makes_the_calls_that_its_description_says) {
  using heap = tally::testing::sound_heap;
  for (const auto& [passing, drops] : std::map<std::string, long>{{"copy", 6}, {"move", 1}, {"borrow", 1}}) {
    for (const char* fresh : {"0", "1"}) {
      const tally::parameters params(call_args::info, {{"passing", passing}, {"depth", "5"}, {"fresh", fresh}});
      heap h(tally::heap_config{});
      call_args::program<heap> p(h, {params, 1, 1});
      heap::context c(h);
      call_args::program<heap>::lane l(p, c, {});
      const long before = h.drops;
      p.step(c, l);
      EXPECT_EQ(h.drops - before, drops) << passing << fresh;
      p.leave(c, l);
      EXPECT_EQ(h.live(), 0);
    }
  }
}

TEST(call_args, a_heap_that_forgets_drops_is_caught) {
  for (const char* fresh : {"0", "1"}) {
    const auto r = run_steps<tally::testing::leaky_heap, call_args>({.set = {{"fresh", fresh}}});
    EXPECT_EQ(r.check, "");
    EXPECT_GT(r.live, r.expected);
  }
}

TEST(call_args, a_heap_that_frees_early_is_caught_by_the_callees) {
  for (const char* fresh : {"0", "1"}) {
    const auto r = run_steps<tally::testing::hasty_heap, call_args>({.set = {{"fresh", fresh}}});
    EXPECT_THAT(r.check, ::testing::HasSubstr("another object"));
  }
}

}  // namespace
}  // namespace unit_workload_call_args
