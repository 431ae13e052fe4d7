// server's oracle with one lane and several, with and without misses, swaps and hand-off.
#include "workloads/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strategies/atomic.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_server {
namespace {

using tally::testing::outcome;
using tally::testing::run_steps;
using tally::workloads::server;
using atomic = tally::strategies::atomic_heap<tally::native>;

double metric_of(const outcome& r, const std::string& name) {
  for (const auto& m : r.metrics) {
    if (m.name == name) return m.value;
  }
  ADD_FAILURE() << "no metric " << name;
  return -1;
}

TEST(server, every_way_to_run_it_is_sound) {
  for (const char* handoff : {"0", "0.5", "1"}) {
    for (const char* swap : {"0", "1000000"}) {
      for (const char* users : {"1", "64", "100000"}) {
        for (int lanes : {1, 2, 3}) {
          const std::map<std::string, std::string> set{
              {"handoff", handoff}, {"swap_per_million", swap}, {"users", users}, {"sessions", "64"}, {"shards", "3"}};
          EXPECT_EQ((run_steps<atomic, server>({.set = set, .lanes = lanes, .steps = 2000}).verdict()), "")
              << handoff << " " << swap << " " << users << " " << lanes;
        }
      }
    }
  }
}

TEST(server, misses_and_hand_offs_happen_as_often_as_the_parameters_say) {
  const auto fits = run_steps<atomic, server>({.set = {{"users", "1"}}, .steps = 1000});
  EXPECT_DOUBLE_EQ(metric_of(fits, "session_misses"), 0.001);  // the first request
  EXPECT_DOUBLE_EQ(metric_of(fits, "handed_off"), 0);          // nobody to hand to
  EXPECT_EQ(fits.expected, 2 + 16 + 1);
  const auto never = run_steps<atomic, server>({.set = {{"users", "16000000"}}, .steps = 1000});
  EXPECT_GT(metric_of(never, "session_misses"), 0.99);
  const auto all = run_steps<atomic, server>({.set = {{"handoff", "1"}}, .lanes = 2, .steps = 5000});
  EXPECT_DOUBLE_EQ(metric_of(all, "handed_off") + metric_of(all, "inbox_full"), 1);
}

TEST(server, a_heap_that_forgets_drops_is_caught) {
  const auto r = run_steps<tally::testing::leaky_heap, server>({.steps = 1000});
  EXPECT_EQ(r.check, "");
  EXPECT_GT(r.live, r.expected);
}

// Requests that die on the way: one place of the cache, so that sessions are dropped all the time.
TEST(server, a_heap_that_frees_early_is_caught) {
  const auto r =
      run_steps<tally::testing::hasty_heap, server>({.set = {{"sessions", "8"}, {"shards", "1"}, {"users", "8"}}, .steps = 3000});
  EXPECT_NE(r.verdict(), "");
}

}  // namespace
}  // namespace unit_workload_server
