// tree_churn's oracle: exact under right heaps, and it notices leaks, early frees and nodes out of place.
#include "workloads/tree_churn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/errors.hpp"
#include "strategies/atomic.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_tree_churn {
namespace {

using tally::testing::run_steps;
using tally::workloads::tree_churn;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;

TEST(tree_churn, the_sum_of_a_tree_is_the_closed_form) {
  EXPECT_EQ(tree_churn::nodes(0), 1);
  EXPECT_EQ(tree_churn::nodes(4), 31);
  EXPECT_EQ(tree_churn::sum(0, 1), 1U + 2 + 3);
  EXPECT_EQ(tree_churn::sum(5, 1), 6U + 3 * (5ULL << 32));
}

TEST(tree_churn, every_way_to_run_it_is_sound) {
  for (const char* long_lived : {"lane", "shared"}) {
    for (const char* walk : {"peek", "load"}) {
      for (const char* survivors : {"0", "0.5", "1"}) {
        const std::map<std::string, std::string> set{{"depth", "3"}, {"long_depth", "8"},      {"long_lived", long_lived},
                                                     {"walk", walk}, {"survivors", survivors}, {"array_kib", "3"}};
        const std::int64_t shared = long_lived == std::string("shared") ? 512 : 0;
        const auto one = run_steps<plain, tree_churn>({.set = set, .steps = 500});
        EXPECT_EQ(one.verdict(), "") << long_lived << walk << survivors;
        EXPECT_EQ(one.expected, shared);
        for (int lanes : {1, 2, 3}) {
          EXPECT_EQ((run_steps<atomic, tree_churn>({.set = set, .lanes = lanes, .steps = 500}).verdict()), "");
        }
      }
    }
  }
}

TEST(tree_churn, a_long_tree_just_above_the_short_one_works) {
  for (const char* long_lived : {"lane", "shared"}) {
    EXPECT_EQ((run_steps<atomic, tree_churn>(
                   {.set = {{"depth", "4"}, {"long_depth", "5"}, {"survivors", "0.7"}, {"long_lived", long_lived}},
                    .lanes = 2,
                    .steps = 2000})
                   .verdict()),
              "");
  }
  const std::map<std::string, std::string> least{{"depth", "0"}, {"long_depth", "1"}, {"survivors", "1"}};
  EXPECT_EQ((run_steps<plain, tree_churn>({.set = least}).verdict()), "");
}

TEST(tree_churn, defaults_are_gcbench_and_sound) {
  const auto r = run_steps<plain, tree_churn>({.steps = 300});
  EXPECT_EQ(r.verdict(), "");
  EXPECT_EQ(r.counted, 300);
}

TEST(tree_churn, a_short_tree_as_deep_as_the_long_one_is_refused) {
  EXPECT_THROW((run_steps<plain, tree_churn>({.set = {{"depth", "5"}, {"long_depth", "5"}}})), tally::usage_error);
  EXPECT_THROW((run_steps<plain, tree_churn>({.set = {{"walk", "run"}}})), tally::usage_error);
}

TEST(tree_churn, payload_bytes_is_the_peak_to_the_byte) {
  using heap = tally::testing::sound_heap;
  for (const char* survivors : {"0", "0.3"}) {
    const tally::parameters params(tree_churn::info,
                                   {{"depth", "4"}, {"long_depth", "7"}, {"survivors", survivors}, {"array_kib", "2"}});
    const tally::run_env env{params, 1, 1};
    heap h(tally::heap_config{});
    tree_churn::program<heap> p(h, env);
    heap::context c(h);
    p.setup(c);
    tree_churn::program<heap>::lane l(p, c, {});
    for (int i = 0; i < 50; ++i) p.step(c, l);
    EXPECT_EQ(h.most_payload, static_cast<std::int64_t>(tree_churn::program<heap>::payload_bytes(env)));
    EXPECT_EQ(h.most_payload, 24 * (255 + 31) + 2048);
    p.leave(c, l);
  }
}

TEST(tree_churn, a_heap_that_forgets_drops_is_caught) {
  const auto r = run_steps<tally::testing::leaky_heap, tree_churn>({.set = {{"long_depth", "8"}}});
  EXPECT_EQ(r.check, "");  // nothing is damaged
  EXPECT_NE(r.verdict(), "");
  EXPECT_GT(r.live, r.expected);
}

TEST(tree_churn, a_heap_that_frees_early_is_caught_by_the_sums) {
  // Counted twice, the drops of walk=load kill nodes while their tree lives.
  const auto r = run_steps<tally::testing::hasty_heap, tree_churn>({.set = {{"long_depth", "8"}, {"walk", "load"}}});
  EXPECT_THAT(r.check, ::testing::HasSubstr("damaged while they lived"));
}

}  // namespace
}  // namespace unit_workload_tree_churn
