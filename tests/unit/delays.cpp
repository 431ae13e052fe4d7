// What delays an operation is noted on its thread, read with it, and kept with the longest.
#include "harness/memory/delays.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "harness/engine/bind.hpp"
#include "harness/engine/lane.hpp"
#include "harness/results/metrics.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "tests/support/counted_steps.hpp"
#include "workloads/cycles.hpp"
#include "workloads/tree_churn.hpp"

namespace unit_delays {
namespace {

using namespace tally;
using tally::testing::counted_steps;
using settings = std::map<std::string, std::string>;

// Returns the collections that the heap made meanwhile.
template <class H, class W>
std::uint64_t run(counted_steps& driver, const settings& set) {
  body_spec spec;
  spec.params = parameters(W::info, set);
  const auto body = bind_cell<H, W>().make(spec);
  EXPECT_EQ(tally::testing::driven(*body, driver), "");
  const collector_window seen = body->collected().value_or(collector_window{});
  const auto& by_generation = seen.totals.collections;
  return by_generation[0] + by_generation[1] + by_generation[2];
}

const settings collecting{{"cyclic", "1"}, {"collect_every", "1000"}};

TEST(delays, a_stop_is_its_makers_collection_or_reconciliation) {
  counted_steps traced(5000), deferred(5000);
  const auto collections = run<strategies::mark_sweep_heap<native>, workloads::cycles>(traced, collecting);
  EXPECT_GE(collections, 40U);
  EXPECT_EQ(static_cast<std::uint64_t>(traced.of(delay::collection)), collections);
  EXPECT_EQ(traced.of(delay::stop), traced.of(delay::collection));
  EXPECT_EQ(traced.of(delay::reconciliation), 0);
  const auto reconciliations = run<strategies::deferred_heap<native>, workloads::cycles>(deferred, collecting);
  EXPECT_GE(reconciliations, 40U);
  EXPECT_EQ(static_cast<std::uint64_t>(deferred.of(delay::reconciliation)), reconciliations);
  EXPECT_EQ(deferred.of(delay::collection), 0);
}

TEST(delays, a_cascade_is_many_frees_in_a_step) {
  const auto cascades = [](const char* depth) {
    counted_steps driver(100);
    run<strategies::atomic_heap<native>, workloads::tree_churn>(driver,
                                                                {{"survivors", "0"}, {"long_depth", "8"}, {"depth", depth}});
    return driver.of(delay::cascade);
  };
  EXPECT_EQ(cascades("6"), 99) << "127 nodes each, and the first step says nothing";
  EXPECT_EQ(cascades("3"), 0) << "15 nodes";
}

template <class H>
struct leaf {
  void each_slot(auto&&) {}
};

TEST(delays, a_merge_is_the_mergers) {
  using heap = strategies::biased_heap<native>;
  heap h({});
  heap::context owner(h), other(h);
  auto r = owner.make<leaf<heap>>({});
  (void)take_delays();
  other.drop(r);
  EXPECT_FALSE(take_delays().any()) << "queued, and not merged";
  owner.poll();
  EXPECT_TRUE(take_delays().has(delay::merge));
  EXPECT_EQ(h.live(), 0);
  owner.poll();
  EXPECT_FALSE(take_delays().any());
}

TEST(delays, who_waits_for_the_lock_says_so) {
  using heap = strategies::gil_heap<native>;
  heap h({});
  heap::context holder(h);
  EXPECT_FALSE(take_delays().has(delay::lock)) << "it was free";
  bool waited = false;
  std::thread second([&] {
    heap::context c(h);
    waited = take_delays().has(delay::lock);
  });
  while (!h.gil().requested()) std::this_thread::yield();
  holder.poll();
  second.join();
  EXPECT_TRUE(waited);
}

TEST(delays, a_stopped_thread_says_so) {
  world<native> w;
  std::atomic<int> there{0};
  delay_bits stopped, stopper;
  std::thread second([&] {
    world<native>::mutator m(w);
    there = 1;
    while (!m.asked()) std::this_thread::yield();
    (void)m.attend();
    stopped = take_delays();
  });
  {
    world<native>::mutator m(w);
    while (there == 0) std::this_thread::yield();
    (void)take_delays();
    w.stop(m, [] {});
    stopper = take_delays();
    m.blocked([&] { second.join(); });
  }
  EXPECT_TRUE(stopped.has(delay::stop));
  EXPECT_TRUE(stopper.has(delay::stop));
}

// Ten nanoseconds a step, but for the fifth, which merges.
struct made_up_steps {
  static inline std::uint64_t clock = 0;
  conductor_words words;
  int done = 0;
  static std::uint64_t now() { return clock; }
  static std::uint64_t run(void* at, std::uint64_t) {
    auto& self = *static_cast<made_up_steps*>(at);
    const bool long_one = ++self.done == 5;
    clock += long_one ? 1000 : 10;
    if (long_one) native::note_delay<delay::merge>();
    if (self.done >= 100) self.words.phase = static_cast<int>(phase::stop);
    return 1;
  }
};

TEST(delays, an_operation_is_recorded_with_what_delayed_it) {
  made_up_steps steps;
  steps.words.phase = static_cast<int>(phase::window);
  lane_control control;
  control.shared = &steps.words;
  control.latency = true;
  control.operate({&steps, made_up_steps::run, made_up_steps::now});
  EXPECT_EQ(control.latencies.total(), static_cast<std::uint64_t>(steps.done));
  EXPECT_EQ(control.latencies.max(), 1000U);
  for (std::size_t d = 0; d < delays; ++d) {
    EXPECT_EQ(control.delayed[d].total(), d == static_cast<std::size_t>(delay::merge) ? 1U : 0U);
  }
  const auto longest = control.longest.by_time();
  ASSERT_EQ(longest.size(), 1U);
  EXPECT_EQ(longest[0].ns, 1000U);
  EXPECT_EQ(longest[0].at_ns, 1040U);
  EXPECT_TRUE(longest[0].inside.has(delay::merge));
}

TEST(delays, the_longest_are_kept) {
  delayed_operations kept;
  kept.allocate();
  constexpr std::uint64_t all = 3 * delayed_operations::most;
  for (std::uint64_t i = 0; i < all; ++i) kept.note({i, (i * 7919) % all, {}});  // each length once
  const auto found = kept.by_time();
  ASSERT_EQ(found.size(), delayed_operations::most);
  EXPECT_TRUE(std::ranges::is_sorted(found, {}, &delayed_operation::at_ns));
  EXPECT_EQ(std::ranges::min(found, {}, &delayed_operation::ns).ns, all - delayed_operations::most);
}

TEST(delays, each_cause_has_its_metrics) {
  row_spec row;
  row.mode = measure_mode::latency;
  window_result window;
  const window_context context;
  const auto value = [&](const std::string& name) {
    const measured_window seen(row, window, context);
    const auto all = measured_metrics();
    const auto found = std::ranges::find(all, name, &metric_info::name);
    if (found == all.end()) throw std::runtime_error(name);
    return found->of(seen);
  };
  for (int i = 0; i < 8; ++i) window.latencies.record(5);
  for (std::size_t d = 0; d < delays; ++d) {
    const std::string name = "latency_" + std::string(delay_table[d].name);
    EXPECT_FALSE(value(name + "_share")) << name;
    for (int i = 0; i < 2; ++i) {
      window.latencies.record(100 + d);
      window.delayed[d].record(100 + d);
    }
    EXPECT_EQ(value(name + "_share"), 2.0 / static_cast<double>(8 + 2 * (d + 1)));
    for (const char* what : {"_p50", "_p99", "_max"}) EXPECT_EQ(value(name + what), 100 + d) << name << what;
  }
}

}  // namespace
}  // namespace unit_delays
