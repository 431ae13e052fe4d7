// chain's oracle; ten million objects; and heaps that can't free a long chain are skipped with the reason.
#include "workloads/chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/engine/bind.hpp"
#include "strategies/atomic.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_chain {
namespace {

using tally::testing::run_steps;
using tally::workloads::chain;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;

TEST(chain, every_way_to_run_it_is_sound) {
  for (const char* build : {"prepend", "append"}) {
    for (const char* length : {"1", "2", "1000"}) {
      const std::map<std::string, std::string> set{{"build", build}, {"length", length}};
      EXPECT_EQ((run_steps<plain, chain>({.set = set}).verdict()), "") << build << length;
      for (int lanes : {1, 2, 3}) EXPECT_EQ((run_steps<atomic, chain>({.set = set, .lanes = lanes}).verdict()), "");
    }
  }
}

TEST(chain, ten_million_objects_are_freed_without_recursion) {
  EXPECT_EQ((run_steps<plain, chain>({.set = {{"length", "10000000"}}, .steps = 1}).verdict()), "");
  EXPECT_EQ((run_steps<atomic, chain>({.set = {{"length", "10000000"}, {"build", "append"}}, .steps = 1}).verdict()), "");
}

struct recursive_heap : tally::testing::sound_heap {
  using tally::testing::sound_heap::sound_heap;
  static constexpr std::size_t max_chain = 100'000;
};

TEST(chain, a_heap_that_frees_recursively_is_skipped_above_its_limit_with_the_reason) {
  const auto cell = tally::bind_cell<recursive_heap, chain>();
  EXPECT_EQ(cell.unmet, "");
  EXPECT_EQ(cell.unmet_for(tally::parameters(chain::info, {{"length", "100000"}})), "");
  EXPECT_EQ(cell.unmet_for(tally::parameters(chain::info, {{"length", "100001"}})),
            "frees recursively: a chain of 100001 could overflow the stack (at most 100000)");
  EXPECT_THROW((run_steps<recursive_heap, chain>({.set = {{"length", "100001"}}})), tally::usage_error);
  const auto any = tally::bind_cell<plain, chain>();
  EXPECT_EQ(any.unmet_for(tally::parameters(chain::info, {{"length", "10000000"}})), "");
}

TEST(chain, payload_bytes_is_the_peak_to_the_byte) {
  using heap = tally::testing::sound_heap;
  const tally::parameters params(chain::info, {{"length", "77"}});
  heap h(tally::heap_config{});
  chain::program<heap> p(h, {params, 1, 1});
  heap::context c(h);
  chain::program<heap>::lane l(p, c, {});
  for (int i = 0; i < 5; ++i) p.step(c, l);
  EXPECT_EQ(h.most_payload, static_cast<std::int64_t>(chain::program<heap>::payload_bytes({params, 1, 1})));
  EXPECT_EQ(h.most_payload, 77 * 16);
}

TEST(chain, a_heap_that_forgets_drops_is_caught) {
  const auto r = run_steps<tally::testing::leaky_heap, chain>({});
  EXPECT_EQ(r.check, "");
  EXPECT_GT(r.live, r.expected);
}

// A store that loses the rest of the chain: the walk comes up short.
struct cutting_heap : tally::testing::sound_heap {
  using tally::testing::sound_heap::sound_heap;
  struct context : tally::testing::sound_heap::context {
    using base = tally::testing::sound_heap::context;
    using base::base;
    long stores = 0;
    template <class T>
    void store(slot<T>& s, ref<T> r) {
      base::store(s, r);
      if (++stores % 97 == 0) base::drop(base::take(s));
    }
  };
};

TEST(chain, a_lost_link_is_caught_by_the_walk) {
  const auto r = run_steps<cutting_heap, chain>({});
  EXPECT_THAT(r.check, ::testing::HasSubstr("damaged"));
  EXPECT_EQ(r.live, 0);
}

}  // namespace
}  // namespace unit_workload_chain
