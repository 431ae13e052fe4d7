// What a heap's collector says of itself reaches the row: collections, pauses, and which operations had something inside them.
#include "harness/contract/collector.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "harness/engine/bind.hpp"
#include "harness/results/metrics.hpp"
#include "strategies/atomic.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "tests/support/counted_steps.hpp"
#include "workloads/cycles.hpp"
#include "workloads/finalizers.hpp"
#include "workloads/observers.hpp"

namespace unit_collector {
namespace {

using namespace tally;
using collected = strategies::plain_heap<native, {.cycles = cycle_kind::generational}>;
using gil = strategies::gil_heap<native, {.cycles = cycle_kind::generational}>;
using settings = std::map<std::string, std::string>;

struct ran {
  std::optional<collector_window> collector;
  std::array<int, delays> seen{};
  metric_list metrics;
  std::string message;
};

template <class H, class W>
ran run(const settings& set, int steps = 5000, std::string_view rule = {}) {
  body_spec spec;
  spec.params = parameters(W::info, set);
  for (std::size_t i = 0; i < cycle_rules.size(); ++i) {
    if (cycle_rules[i].name == rule) spec.tunables.emplace_back("rule", static_cast<double>(i));
  }
  const auto body = bind_cell<H, W>().make(spec);
  tally::testing::counted_steps driver(steps);
  ran r;
  r.message = tally::testing::driven(*body, driver);
  r.collector = body->collected();
  r.seen = driver.seen;
  body->report(r.metrics);
  return r;
}
std::uint64_t all(const collector_totals& t) {
  return std::accumulate(t.collections.begin(), t.collections.end(), std::uint64_t{0});
}
int seen(const ran& r, delay d) { return r.seen[static_cast<std::size_t>(d)]; }

TEST(collector, a_generational_one_tells_of_each_collection) {
  const ran r = run<collected, workloads::cycles>({{"cyclic", "1"}, {"window", "10"}});
  EXPECT_EQ(r.message, "");
  ASSERT_TRUE(r.collector);
  const collector_totals& t = r.collector->totals;
  EXPECT_GT(t.collections[0], 10U);  // 40,000 objects, 2000 in each
  EXPECT_GT(t.collections[1], 0U);
  EXPECT_EQ(t.pauses.total(), all(t));
  EXPECT_GT(t.unreachable, 30'000U);
  EXPECT_GE(t.looked_at, t.unreachable);
  EXPECT_LE(t.pauses.sum(), r.collector->lanes_ns);
  EXPECT_EQ(static_cast<std::uint64_t>(seen(r, delay::collection)), all(t));
  EXPECT_EQ(seen(r, delay::finalizer), 0);
}

// An increment has a share of the heap, and nothing says that little of it is new; docs/collectors.md has the figures.
TEST(collector, a_heap_that_grows_is_looked_at_more_often_in_increments) {
  const settings grow{{"turnover", "all"}, {"size", "2"}, {"cyclic", "0"}, {"window", "40000"}};
  const auto totals = [&](std::string_view rule) {
    return run<collected, workloads::cycles>(grow, 39'999, rule).collector->totals;
  };
  const collector_totals generations = totals("3.13"), increments = totals("incremental");
  EXPECT_EQ(all(generations), all(increments));
  EXPECT_GT(increments.looked_at, 3 * generations.looked_at);
}

TEST(collector, without_garbage_it_finds_none) {
  const ran r = run<gil, workloads::cycles>({{"cyclic", "0"}, {"collect_every", "1000"}});
  EXPECT_EQ(r.collector->totals.unreachable, 0U);
  EXPECT_EQ(r.collector->totals.collections[collector_totals::full], 40U);
}

TEST(collector, tracing_and_deferred_tell_too) {
  const settings set{{"cyclic", "1"}, {"collect_every", "1000"}};
  for (const ran& r : {run<strategies::mark_sweep_heap<native>, workloads::cycles>(set),
                       run<strategies::deferred_heap<native>, workloads::cycles>(set)}) {
    ASSERT_TRUE(r.collector);
    EXPECT_GE(r.collector->totals.collections[collector_totals::full], 40U);
    EXPECT_EQ(r.collector->totals.pauses.total(), all(r.collector->totals));
    EXPECT_GT(r.collector->totals.unreachable, 20'000U);
  }
}

TEST(collector, what_has_none_says_nothing) {
  EXPECT_FALSE((run<strategies::atomic_heap<native>, workloads::cycles>({{"cyclic", "0"}}).collector));
}

TEST(collector, an_operation_that_runs_a_finaliser_is_known) {
  for (const char* share : {"0", "0.5", "1"}) {
    const settings set{{"share", share}, {"window", "1"}};
    for (const ran& r : {run<collected, workloads::finalizers>(set, 1000),
                         run<strategies::atomic_heap<native>, workloads::finalizers>(set, 1000)}) {
      EXPECT_EQ(r.message, "");
      // The last one's runs when the lane leaves.
      EXPECT_NEAR(seen(r, delay::finalizer), r.metrics.at(0).value, 1) << share;
    }
  }
}

TEST(collector, an_operation_that_tells_observers_is_known) {
  EXPECT_GT(seen(run<collected, workloads::observers>({{"callbacks", "on"}, {"window", "4"}}), delay::finalizer), 10);
  EXPECT_EQ(seen(run<collected, workloads::observers>({}), delay::finalizer), 0);
}

// From a window to the metrics' values.
TEST(collector, a_row_has_its_metrics) {
  row_spec row;
  row.mode = measure_mode::latency;
  window_result window;
  const window_context context;
  const auto value = [&](std::string_view name) {
    const measured_window seen_window(row, window, context);
    for (const auto& m : measured_metrics()) {
      if (m.name == name) return m.of(seen_window);
    }
    throw std::runtime_error(std::string(name));
  };
  for (const char* name : {"collections_young", "collections_full", "objects_collected", "pause_max", "pause_share"}) {
    EXPECT_FALSE(value(name)) << name;
  }
  auto& totals = window.collector.emplace().totals;
  window.collector->lanes_ns = 1000;
  EXPECT_EQ(value("collections_full"), 0);
  EXPECT_FALSE(value("pause_p50"));
  EXPECT_FALSE(value("objects_looked_at"));
  totals.collections = {7, 2, 1};
  totals.looked_at = 50;
  totals.unreachable = 20;
  for (const std::uint64_t ns : {10, 20, 70}) totals.pauses.record(ns);
  EXPECT_EQ(value("collections_young"), 7);
  EXPECT_EQ(value("collections_middle"), 2);
  EXPECT_EQ(value("collections_full"), 1);
  EXPECT_EQ(value("objects_looked_at"), 50);
  EXPECT_EQ(value("objects_collected"), 20);
  EXPECT_EQ(value("pause_p50"), 20);
  EXPECT_EQ(value("pause_max"), 70);
  EXPECT_EQ(value("pause_share"), 0.1);
  EXPECT_FALSE(value("latency_finalizer_p50"));
  for (int i = 0; i < 8; ++i) window.latencies.record(5);
  for (int i = 0; i < 2; ++i) {
    window.latencies.record(100);
    window.delayed[static_cast<std::size_t>(delay::finalizer)].record(100);
  }
  EXPECT_EQ(value("latency_finalizer_p50"), 100);
  EXPECT_EQ(value("latency_finalizer_share"), 0.2);
  EXPECT_FALSE(value("latency_collection_max"));
}

TEST(collector, totals_begin_anew) {
  collector_totals t;
  t.collections = {1, 2, 3};
  t.looked_at = t.unreachable = 4;
  t.pauses.record(5);
  t.clear();
  EXPECT_EQ(all(t) + t.looked_at + t.unreachable + t.pauses.total() + t.pauses.sum() + t.pauses.max(), 0U);
}

}  // namespace
}  // namespace unit_collector
