// Deaths and frees as the stamped policy records them: by counts, never by a time.
#include "harness/contract/promptness.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness/engine/bind.hpp"
#include "harness/engine/engine.hpp"
#include "harness/memory/stamped.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/none.hpp"
#include "workloads/chain.hpp"
#include "workloads/cycles.hpp"
#include "workloads/handoff.hpp"
#include "workloads/server.hpp"
#include "workloads/tree_churn.hpp"

namespace tally::unit_promptness {
namespace {

using strategies::biased_merge;
using strategies::biased_options;
template <class H>
using item = workloads::handoff::item<H>;
using settings = std::map<std::string, std::string>;

static_assert(sizeof(item<strategies::atomic_heap<native>>) == 16 && sizeof(item<strategies::atomic_heap<stamped>>) == 24);
static_assert(sizeof(item<strategies::mark_sweep_heap<stamped>>) == 16, "what is freed in stops is as large as it is elsewhere");
static_assert(std::is_trivially_destructible_v<item<strategies::deferred_heap<stamped>>>);

TEST(promptness, a_death_is_a_word_that_remembers_when_and_how_large) {
  EXPECT_FALSE(death().known());
  const std::uint64_t now = (std::uint64_t{7} << 43) - 10;  // the clock's low bits are about to come round
  const death in(now, true, 21), out(now, false, 1 << 30);
  EXPECT_TRUE(in.known() && in.in_window());
  EXPECT_EQ(in.bytes(), 24U);
  EXPECT_EQ(in.until(now), 0U);
  EXPECT_EQ(in.until(now + 25), 25U);
  EXPECT_TRUE(out.known() && !out.in_window());
  EXPECT_EQ(out.bytes(), (std::size_t{8} << 20) - 8) << "as much as there is room for";
  EXPECT_TRUE(death(0, false, 0).known());
}

TEST(promptness, what_is_awaited_is_removed_once_and_its_memory_used_again) {
  std::vector<int> objects(20'000);
  awaited_deaths awaited;
  std::size_t removed = 0;
  for (int round = 0; round < 3; ++round) {
    for (int& o : objects) awaited.add(&o, death(1, true, 8));
    const auto remove = [&](auto&& which) {
      awaited.remove_if([&](void* o, death d) {
        EXPECT_TRUE(d.in_window());
        const bool gone = which(static_cast<int*>(o) - objects.data());
        removed += gone ? 1 : 0;
        return gone;
      });
    };
    remove([](std::ptrdiff_t i) { return i % 2 == 0; });
    EXPECT_EQ(removed, objects.size() / 2);
    remove([](std::ptrdiff_t i) { return i % 2 == 0; });
    EXPECT_EQ(removed, objects.size() / 2) << "those are gone";
    remove([](std::ptrdiff_t) { return true; });
    EXPECT_EQ(removed, objects.size());
    removed = 0;
  }
}

template <class H, class W>
window_result run(int lanes, const settings& set) {
  body_spec spec;
  spec.params = parameters(W::info, set);
  spec.lanes = lanes;
  bound_run<H, W> body(spec);
  window_spec window;
  window.lanes = lanes;
  window.mode = measure_mode::promptness;
  window.ramp_ns = 2'000'000;
  window.window_ns = 20'000'000;
  window_result w = run_window(body, window);
  EXPECT_EQ(w.failure, "");
  EXPECT_TRUE(w.oracle.ok) << w.oracle.message;
  EXPECT_FALSE(w.held_back.empty());
  EXPECT_TRUE(w.memory.empty());
  return w;
}

const settings small{{"long_depth", "8"}, {"survivors", "0.5"}, {"depth", "3"}};

// A window opens and closes between a lane's operations, and each of them frees all that it drops.
TEST(promptness, an_atomic_count_frees_inside_the_drop) {
  using heap = strategies::atomic_heap<stamped>;
  for (const window_result& w : {run<heap, workloads::tree_churn>(1, small), run<heap, workloads::chain>(1, {{"length", "50"}}),
                                 run<heap, workloads::handoff>(2, {{"foreign", "0"}})}) {
    EXPECT_GT(w.deaths.objects, 0U);
    EXPECT_EQ(w.deaths.delays.total(), w.deaths.objects);
    EXPECT_EQ(w.deaths.censored(), 0U);
  }
}

TEST(promptness, all_nodes_of_a_tree_and_of_a_chain_die_with_it) {
  using heap = strategies::atomic_heap<stamped>;
  EXPECT_EQ((run<heap, workloads::tree_churn>(1, small).deaths.objects % 15), 0U)
      << "trees of 15 nodes, also those that are replaced";
  EXPECT_EQ((run<heap, workloads::chain>(1, {{"length", "50"}}).deaths.objects % 50), 0U);
}

TEST(promptness, all_of_a_structure_dies_with_its_first_object_and_a_requests_parts_with_it) {
  using heap = strategies::atomic_heap<stamped>;
  for (const char* shape : {"parent_child", "list", "closure"}) {
    for (const char* turnover : {"one", "all"}) {
      const window_result w =
          run<heap, workloads::cycles>(1, {{"shape", shape}, {"size", "5"}, {"cyclic", "0"}, {"turnover", turnover}});
      EXPECT_GT(w.deaths.objects, 0U) << shape;
      EXPECT_EQ(w.deaths.objects % 5, 0U) << shape;
      EXPECT_EQ(w.deaths.censored(), 0U) << shape;
    }
  }
  const window_result served = run<heap, workloads::server>(2, {{"parts", "6"}, {"handoff", "0.5"}});
  EXPECT_GT(served.deaths.objects, 0U);
  EXPECT_EQ(served.deaths.objects % 7, 0U);
  EXPECT_EQ(served.deaths.censored(), 0U);
}

// What holds itself is left to a collector; all of it is freed by the end of the run, or by nobody.
template <class H>
std::int64_t left_of_cycles(int lanes, const char* shape) {
  const window_result w = run<H, workloads::cycles>(lanes, {{"shape", shape}, {"cyclic", "1"}, {"size", "5"}});
  EXPECT_GT(w.deaths.objects, 0U);
  return death_book::held_back().objects;
}

TEST(promptness, garbage_that_holds_itself_waits_for_a_collector_and_without_one_for_ever) {
  using strategies::gil_options;
  for (const char* shape : {"parent_child", "list", "closure"}) {
    EXPECT_GT((left_of_cycles<strategies::atomic_heap<stamped>>(1, shape)), 0) << shape;
    EXPECT_EQ((left_of_cycles<strategies::gil_heap<stamped, gil_options{.cycles = cycle_kind::generational}>>(2, shape)), 0)
        << shape;
    EXPECT_EQ((left_of_cycles<strategies::gil_heap<stamped, gil_options{.cycles = cycle_kind::trial}>>(1, shape)), 0) << shape;
    EXPECT_EQ((left_of_cycles<
                  strategies::biased_heap<stamped, biased_options{.heap = object_source::block, .cycles = cycle_kind::stop}>>(
                  2, shape)),
              0)
        << shape;
    EXPECT_EQ((left_of_cycles<strategies::mark_sweep_heap<stamped>>(2, shape)), 0) << shape;
  }
}

TEST(promptness, what_is_never_freed_is_censored_and_not_left_out) {
  const window_result w = run<strategies::none_heap<stamped>, workloads::handoff>(2, {{"foreign", "0.5"}});
  EXPECT_GT(w.deaths.objects, 0U);
  EXPECT_EQ(w.deaths.censored(), w.deaths.objects);
  EXPECT_EQ(w.deaths.delays.total(), 0U);
  for (std::size_t i = 1; i < w.held_back.size(); ++i) {
    EXPECT_GE(w.held_back[i].objects, w.held_back[i - 1].objects) << "nothing is ever given back";
  }
  const objects_and_bytes left = death_book::held_back();
  EXPECT_GE(left.objects, static_cast<std::int64_t>(w.deaths.objects)) << "ramps, too";
  EXPECT_EQ(left.bytes, 32 * left.objects) << "a stamp and a seal, and 16 bytes behind";
}

TEST(promptness, what_is_freed_in_stops_is_counted_by_each_stop) {
  for (const window_result& w : {run<strategies::deferred_heap<stamped>, workloads::tree_churn>(2, small),
                                 run<strategies::mark_sweep_heap<stamped>, workloads::tree_churn>(2, small),
                                 run<strategies::deferred_heap<stamped>, workloads::handoff>(
                                     2, {{"foreign", "1"}, {"owner", "gone"}, {"batch", "100"}})}) {
    EXPECT_GT(w.deaths.objects, 0U);
    EXPECT_LE(w.deaths.delays.total(), w.deaths.objects);
  }
}

// Another thread drops the last references to `n` objects of an owner that is somewhere else.
constexpr std::int64_t n = 1000;

template <class H>
std::vector<typename H::template parcel<item<H>>> made(typename H::context& c) {
  std::vector<typename H::template parcel<item<H>>> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(c.pack(make<item<H>>(c, {.bytes = 16})));
  return all;
}
template <class H>
void drop_elsewhere(H& heap, const std::vector<typename H::template parcel<item<H>>>& all) {
  std::thread([&] {
    typename H::context c(heap);
    for (const auto& p : all) {
      auto r = c.unpack(p);
      last_drop<H>().of(c.get(r), 16);
      c.drop(r);
    }
  }).join();
}
std::int64_t held() { return death_book::held_back().objects; }

// What is held back while the owner is in a blocked region, and after it has returned.
template <biased_options O>
std::pair<std::int64_t, std::int64_t> while_blocked_and_after() {
  using heap = strategies::biased_heap<stamped, O>;
  death_book::begin();
  std::int64_t meanwhile = -1;
  {
    heap h(heap_config{});
    typename heap::context owner(h);
    const auto all = made<heap>(owner);
    EXPECT_EQ(held(), 0);
    owner.blocked([&] {
      drop_elsewhere(h, all);
      meanwhile = held();
    });
    owner.quiesce();
    return {meanwhile, held()};
  }
}

TEST(promptness, a_blocked_owner_holds_back_all_that_others_drop_until_it_returns) {
  using both = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(while_blocked_and_after<biased_options{}>(), both(n, 0));
  EXPECT_EQ(while_blocked_and_after<biased_options{.merge = biased_merge::detached}>(), both(0, 0));
}

TEST(promptness, an_owner_that_is_gone_holds_back_nothing) {
  using heap = strategies::biased_heap<stamped>;
  death_book::begin();
  heap h(heap_config{});
  std::optional<heap::context> owner(h);
  const auto all = made<heap>(*owner);
  owner.reset();
  drop_elsewhere(h, all);
  EXPECT_EQ(held(), 0);
}

template <class H>
void holds_back_until_a_stop() {
  death_book::begin();
  H h(heap_config{});
  {
    typename H::context owner(h);
    const auto all = made<H>(owner);
    owner.blocked([&] { drop_elsewhere(h, all); });
    EXPECT_EQ(held(), n) << "no stop has been yet";
    EXPECT_EQ(death_book::held_back().bytes, 32 * n);
  }
  h.settle();
  EXPECT_EQ(held(), 0);
  EXPECT_EQ(h.live(), 0);
}

TEST(promptness, deferred_and_tracing_hold_back_until_a_stop) {
  holds_back_until_a_stop<strategies::deferred_heap<stamped>>();
  holds_back_until_a_stop<strategies::mark_sweep_heap<stamped>>();
}

// What died before a window opened, or is freed after it closed, is in no histogram; what is held back has all.
TEST(promptness, a_window_counts_its_own_deaths) {
  using heap = strategies::deferred_heap<stamped>;
  death_book::begin();
  heap h(heap_config{});
  const auto drop_some = [&] {
    heap::context c(h);
    for (std::int64_t i = 0; i < n; ++i) {
      auto r = make<item<heap>>(c, {});
      last_drop<heap>().of(c.get(r));
      c.drop(r);
    }
  };
  drop_some();
  death_record::mine().open();
  drop_some();
  h.settle();
  drop_some();
  death_record::mine().close();
  drop_some();
  EXPECT_EQ(held(), 2 * n);
  h.settle();
  const window_deaths seen = death_book::of_window();
  EXPECT_EQ(seen.objects, static_cast<std::uint64_t>(2 * n));
  EXPECT_EQ(seen.delays.total(), static_cast<std::uint64_t>(n));
  EXPECT_EQ(seen.censored(), static_cast<std::uint64_t>(n));
  EXPECT_EQ(held(), 0);
}

}  // namespace
}  // namespace tally::unit_promptness
