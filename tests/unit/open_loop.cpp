// The open loop: intended starts, what a stall does to latencies, how a lane waits, and what is said of a rate that is not reached.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <thread>
#include <vector>

#include "harness/engine/arrivals.hpp"
#include "harness/engine/bind.hpp"
#include "harness/engine/lane.hpp"
#include "harness/measure/open_loop.hpp"
#include "harness/measure/quality.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "workloads/tree_churn.hpp"

namespace unit_open_loop {
namespace {

using namespace tally;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t us = 1'000, ms = 1'000'000, second = 1'000'000'000;

std::vector<std::uint64_t> starts(const open_loop& of, int lane, int lanes, std::size_t n, std::uint64_t origin = 0) {
  arrival_schedule s(of, lane, lanes, origin);
  std::vector<std::uint64_t> all;
  for (; all.size() < n; s.advance()) all.push_back(s.next());
  return all;
}

TEST(arrivals, are_evenly_spaced_and_the_lanes_share_them) {
  EXPECT_THAT(starts({.per_second = 1000}, 0, 1, 4, 7), ElementsAre(7U, ms + 7, 2 * ms + 7, 3 * ms + 7));
  EXPECT_THAT(starts({.per_second = 1000}, 0, 2, 3), ElementsAre(0U, 2 * ms, 4 * ms));
  EXPECT_THAT(starts({.per_second = 1000}, 1, 2, 3), ElementsAre(ms, 3 * ms, 5 * ms));
}

TEST(arrivals, that_are_no_whole_nanoseconds_apart_do_not_drift) {
  constexpr std::size_t n = 3'000'001;
  EXPECT_NEAR(static_cast<double>(starts({.per_second = 3e6}, 0, 1, n).back()), 1e9, 1);
}

TEST(arrivals, of_poisson_have_the_rate_and_exponential_gaps_and_follow_the_seed) {
  const open_loop of{.per_second = 1e6, .arrivals = arrival_kind::poisson, .seed = 5};
  constexpr std::size_t n = 100'000;
  const auto at = starts(of, 0, 1, n);
  EXPECT_NEAR(static_cast<double>(at.back()) / (n * us), 1, 0.02);
  std::size_t longer = 0;
  for (std::size_t i = 1; i < n; ++i) longer += at[i] - at[i - 1] > us;
  EXPECT_NEAR(static_cast<double>(longer) / n, 0.3679, 0.01);  // 1/e of them are longer than the mean
  EXPECT_EQ(at, starts(of, 0, 1, n));
  EXPECT_NE(starts(of, 0, 2, 10), starts(of, 1, 2, 10));
  EXPECT_NE(starts({.per_second = 1e6, .arrivals = arrival_kind::poisson, .seed = 6}, 0, 1, 10), starts(of, 0, 1, 10));
}

TEST(arrivals, that_are_due_are_counted_without_being_taken) {
  arrival_schedule s({.per_second = 1000}, 0, 1, 0);
  EXPECT_EQ(s.due_before(0), 0U);
  EXPECT_EQ(s.due_before(1), 1U);
  EXPECT_EQ(s.due_before(5 * ms), 5U);
  s.advance();
  EXPECT_EQ(s.due_before(5 * ms), 4U);
  EXPECT_EQ(s.next(), ms);
}

// A machine of one thread. Its clock moves where it is read, in sleeps, and while a step runs; the phases follow it.
class fake_machine {
 public:
  fake_machine() { current = this; }
  ~fake_machine() { current = nullptr; }
  fake_machine(const fake_machine&) = delete;
  fake_machine& operator=(const fake_machine&) = delete;

  std::uint64_t ramp = 10 * ms, window = 4 * second, oversleep = 0, step_ns = us, stall_ns = 0, read_ns = 20;
  std::uint64_t stalled = 1500;  // the step that takes stall_ns more
  // What was seen.
  std::uint64_t steps = 0, blocks = 0, sleeps = 0, sleeps_elsewhere = 0;

  const lane_control& run(std::optional<open_loop> open) {
    lane_.latency = true;
    lane_.open = open;
    lane_.shared = &words_;
    words_.origin_ns = now_;
    words_.phase = static_cast<int>(phase::ramp_up);
    batch_runner b{this, step, clock};
    b.blocked = blocked;
    b.sleep = sleep;
    lane_.operate(b);
    return lane_;
  }
  [[nodiscard]] window_result result() const {
    window_result w;
    w.open = lane_.open;
    w.lanes.resize(1);
    w.lanes[0].steps = lane_.steps;
    w.lanes[0].operations = lane_.operations;
    w.lanes[0].opened_ns = lane_.opened_ns, w.lanes[0].closed_ns = lane_.closed_ns;
    w.lanes[0].paced = lane_.paced;
    return w;
  }

 private:
  void pass(std::uint64_t ns) {
    now_ += ns;
    const std::uint64_t t = now_ - begun;
    const phase p = t < ramp                ? phase::ramp_up
                    : t < ramp + window     ? phase::window
                    : t < 2 * ramp + window ? phase::ramp_down
                                            : phase::stop;
    words_.phase = static_cast<int>(p);
  }
  static std::uint64_t clock() {
    current->pass(current->read_ns);
    return current->now_;
  }
  static std::uint64_t step(void* at, std::uint64_t batch) {
    auto& m = *static_cast<fake_machine*>(at);
    EXPECT_EQ(m.inside_, 0);
    for (std::uint64_t i = 0; i < batch; ++i) m.pass(m.step_ns + (++m.steps == m.stalled ? m.stall_ns : 0));
    return batch;
  }
  static void blocked(void*, void (*f)(void*), void* argument) {
    ++current->blocks, ++current->inside_;
    f(argument);
    --current->inside_;
  }
  static void sleep(std::uint64_t ns) {
    ++current->sleeps;
    current->sleeps_elsewhere += current->inside_ == 0;
    current->pass(ns + current->oversleep);
  }

  static constexpr std::uint64_t begun = 5 * second;
  static inline fake_machine* current = nullptr;
  std::uint64_t now_ = begun;
  int inside_ = 0;
  conductor_words words_;
  lane_control lane_;
};

std::uint64_t longer_than(const histogram& h, std::uint64_t ns) {
  std::uint64_t n = 0;
  h.each([&](std::uint64_t lower, std::uint64_t, std::uint64_t count) { n += lower >= ns ? count : 0; });
  return n;
}

TEST(open_loop, a_stall_is_in_every_operation_that_came_due_in_it_and_they_fall_linearly) {
  fake_machine m;
  m.stall_ns = second;
  const lane_control& lane = m.run(open_loop{.per_second = 1000});
  EXPECT_NEAR(static_cast<double>(lane.steps), 4000, 2);
  EXPECT_EQ(lane.latencies.total(), lane.steps);
  EXPECT_NEAR(static_cast<double>(lane.latencies.max()), 1e9, 1e7);
  for (const auto& [ns, n] : {std::pair(ms, 999), {250 * ms, 750}, {500 * ms, 500}, {750 * ms, 250}}) {
    EXPECT_NEAR(static_cast<double>(longer_than(lane.latencies, ns)), n, 8) << ns;  // a bucket is up to 1/128 wide
  }
  EXPECT_EQ(longer_than(lane.service, ms), 1U);
  EXPECT_NEAR(static_cast<double>(lane.paced.late), 1000, 5);
  EXPECT_EQ(lane.paced.backlog_at_closing, 0U);
  EXPECT_FALSE(outcome_of(m.result()).saturated);
}

TEST(open_loop, in_a_closed_loop_the_same_stall_is_one_operation) {
  fake_machine m;
  m.stall_ns = second;
  m.step_ns = ms;
  m.ramp = 0;
  const lane_control& lane = m.run(std::nullopt);
  EXPECT_EQ(longer_than(lane.latencies, 2 * ms), 1U);
  EXPECT_EQ(lane.service.total(), 0U);
  EXPECT_NEAR(static_cast<double>(lane.steps), 3000, 70);
}

TEST(open_loop, a_lane_waits_in_blocked_regions_and_spins_only_at_their_end) {
  fake_machine m;
  const lane_control& lane = m.run(open_loop{.per_second = 1000});
  EXPECT_NEAR(static_cast<double>(m.blocks), 4020, 10);
  EXPECT_GE(m.sleeps, m.blocks - 1);
  EXPECT_EQ(m.sleeps_elsewhere, 0U);
  EXPECT_LE(lane.paced.spun_ns, lane.steps * 51 * us);
  EXPECT_GE(lane.paced.spun_ns, lane.steps * 45 * us);
  EXPECT_EQ(lane.paced.overslept, 0U);
  EXPECT_EQ(lane.paced.late, 0U);
  EXPECT_LT(lane.latencies.max(), 2 * us);
}

TEST(open_loop, time_off_the_processor_is_not_spun) {
  fake_machine m;
  m.read_ns = 6 * us;  // each look at the clock finds that it has jumped
  const lane_control& lane = m.run(open_loop{.per_second = 1000});
  EXPECT_GT(lane.steps, 3900U);
  EXPECT_EQ(lane.paced.spun_ns, 0U);
}

TEST(open_loop, to_an_operation_that_is_near_a_lane_stays_attached) {
  fake_machine m;
  m.window = 20 * ms;
  const lane_control& lane = m.run(open_loop{.per_second = 500'000});  // 2 us apart, of which a step takes more than one
  EXPECT_EQ(m.blocks, 0U);
  EXPECT_EQ(m.sleeps, 0U);
  EXPECT_NEAR(static_cast<double>(lane.steps), 10'000, 3);
}

TEST(open_loop, who_is_woken_too_late_says_so) {
  fake_machine m;
  m.oversleep = 300 * us;
  const lane_control& lane = m.run(open_loop{.per_second = 1000});
  EXPECT_GE(lane.paced.overslept, lane.steps - 2);
  EXPECT_EQ(lane.paced.late, 0U);
  EXPECT_GT(lane.latencies.quantile(0.5), 200 * us);
  EXPECT_LT(lane.service.quantile(0.5), 2 * us);
}

TEST(open_loop, a_window_ends_though_the_next_start_is_far) {
  fake_machine m;
  m.window = 40 * ms;
  const lane_control& lane = m.run(open_loop{.per_second = 0.01});
  EXPECT_EQ(lane.steps, 0U);
  EXPECT_EQ(m.steps, 1U);  // the one at the origin
  EXPECT_NEAR(static_cast<double>(lane.closed_ns - lane.opened_ns), 40e6, 6e6);
}

TEST(open_loop, a_rate_that_is_not_reached_is_saturated_and_nothing_is_skipped) {
  fake_machine m;
  m.step_ns = 2 * ms;
  const lane_control& lane = m.run(open_loop{.per_second = 1000});
  const open_loop_outcome o = outcome_of(m.result());
  EXPECT_TRUE(o.saturated);
  EXPECT_NEAR(o.reached, 500, 2);
  EXPECT_EQ(o.asked, 1000);
  EXPECT_NEAR(static_cast<double>(o.backlog), 2005, 5);
  EXPECT_NEAR(static_cast<double>(lane.steps + o.backlog - lane.paced.backlog_at_opening), 4000, 3);
  EXPECT_GT(o.late_share, 0.99);
  EXPECT_GT(lane.latencies.max(), 1900 * ms);
  const row_quality q = judge(m.result(), {});
  EXPECT_THAT(q.reasons, Contains(HasSubstr("saturated: 1000 operations per second were asked for and 500")));
}

TEST(open_loop, a_few_starts_more_or_less_are_not_saturation) {
  fake_machine m;
  m.window = 40 * ms;  // 40 starts: one is 2.5 %
  m.step_ns = 900 * us;
  (void)m.run(open_loop{.per_second = 1000});
  EXPECT_FALSE(outcome_of(m.result()).saturated);
  window_result two = m.result();
  two.lanes.push_back(two.lanes[0]);
  for (auto& l : two.lanes) l.paced.backlog_at_closing = l.paced.backlog_at_opening + 1;
  EXPECT_FALSE(outcome_of(two).saturated);
  two.lanes[0].paced.backlog_at_closing += 1;
  EXPECT_TRUE(outcome_of(two).saturated);
}

// A number of steps instead of a time; then it ends the run.
struct steps_and_stop : lane_driver {
  explicit steps_and_stop(conductor_words& w) : words(w) {}
  void operate(lane_control&, const batch_runner& b) override {
    for (int i = 0; i < 20'000; ++i) b.run(b.state, 1);
    words.phase = static_cast<int>(phase::stop);
  }
  conductor_words& words;
};

template <class H>
class idle_lane : public ::testing::Test {};
using stoppers =
    ::testing::Types<strategies::deferred_heap<native>, strategies::mark_sweep_heap<native>, strategies::gil_heap<native>>;
TYPED_TEST_SUITE(idle_lane, stoppers);

// One lane waits for a start that never comes, without polling; the other needs stops of the world, or the lock. Where the idle one
// held it up this would not end.
TYPED_TEST(idle_lane, holds_up_nobody) {
  body_spec spec;
  spec.params = parameters(workloads::tree_churn::info, {{"long_depth", "8"}, {"array_kib", "1"}});
  spec.lanes = 2;
  if constexpr (limits_heap<TypeParam>) spec.heap_limit_bytes = 8U << 20;
  const auto body = bind_cell<TypeParam, workloads::tree_churn>().make(spec);
  conductor_words words;
  words.phase = static_cast<int>(phase::ramp_up);
  words.origin_ns = native::now() + 3600 * second;
  lane_control idle, busy;
  steps_and_stop driver(words);
  idle.shared = busy.shared = &words;
  idle.latency = true;
  idle.open = open_loop{.per_second = 1};
  busy.driver = &driver;
  const oracle_verdict verdict = body->run([&] {
    std::thread waits([&] { body->lane(0, idle); });
    std::thread works([&] { body->lane(1, busy); });
    works.join();
    waits.join();
  });
  EXPECT_EQ(verdict.message, "");
  EXPECT_EQ(idle.failure + busy.failure, "");
  EXPECT_EQ(idle.all_operations, 0U);
  if constexpr (reports_collections<TypeParam> && limits_heap<TypeParam>) {
    const auto& counts = body->collected()->totals.collections;
    EXPECT_GT(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), 0U);
  }
}

}  // namespace
}  // namespace unit_open_loop
