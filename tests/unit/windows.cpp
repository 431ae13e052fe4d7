// What the conductor waits for: that a lane has looked, and never for one that is gone.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "harness/engine/engine.hpp"
#include "harness/engine/lane.hpp"
#include "harness/memory/native.hpp"

namespace tally::unit_windows {
namespace {

constexpr std::uint64_t operation_ns = 20'000'000, window_ns = 1'000'000;

// Each lane's work is a function of it.
class told_body final : public run_body {
 public:
  explicit told_body(std::function<void(int index, lane_control&)> work) : work_(std::move(work)) {}
  void prepare() override {}
  oracle_verdict run(const std::function<void()>& lanes) override {
    lanes();
    return {};
  }
  void lane(int index, lane_control& control) override { work_(index, control); }
  [[nodiscard]] std::int64_t live() const override { return 0; }
  [[nodiscard]] std::int64_t live_bytes() const override { return 0; }
  void report(metric_list&) const override {}

 private:
  std::function<void(int, lane_control&)> work_;
};

window_result window_of(int lanes, std::function<void(int, lane_control&)> work) {
  told_body body(std::move(work));
  window_spec window;
  window.lanes = lanes;
  window.ramp_ns = window.window_ns = window_ns;
  return run_window(body, window);
}

void wait_for_start(lane_control& control) {
  control.arrive();
  while (control.waiting()) std::this_thread::yield();
}

// As a consumer that gets nothing, or a lane without a turn.
void waiting_lane(lane_control& control) {
  wait_for_start(control);
  while (control.now() != phase::stop) std::this_thread::yield();
}

std::uint64_t sleep_operations(void*, std::uint64_t batch) {
  for (std::uint64_t i = 0; i < batch; ++i) native::sleep(operation_ns);
  return batch;
}

void sleeping_lane(lane_control& control) {
  wait_for_start(control);
  control.operate({nullptr, sleep_operations, native::now, nullptr, nullptr});
}

TEST(windows, are_seen_by_a_lane_whose_operations_are_longer) {
  const window_result seen = window_of(1, [](int, lane_control& control) { sleeping_lane(control); });
  EXPECT_EQ(seen.failure, "");
  const lane_result& lane = seen.lanes.front();
  EXPECT_GE(lane.operations, 1U);
  EXPECT_GE(lane.closed_ns - lane.opened_ns, operation_ns * lane.operations);
}

TEST(windows, are_closed_where_a_lane_never_looks) {
  for (const bool in_turns : {false, true}) {
    const window_result seen = window_of(2, [=](int index, lane_control& control) {
      control.in_turns = in_turns;
      return index == 0 ? sleeping_lane(control) : waiting_lane(control);
    });
    EXPECT_EQ(seen.failure, "");
    EXPECT_GE(seen.lanes[0].operations, 1U);
    EXPECT_EQ(seen.lanes[1].operations, 0U);
  }
}

TEST(windows, begin_without_a_lane_that_failed_before) {
  const window_result seen = window_of(2, [](int index, lane_control& control) {
    if (index == 0) throw std::runtime_error("no memory for its objects");
    sleeping_lane(control);
  });
  EXPECT_EQ(seen.failure, "no memory for its objects");
}

TEST(windows, are_closed_where_one_waits_for_a_lane_that_failed_in_the_ramp) {
  const window_result seen = window_of(2, [](int index, lane_control& control) {
    if (index == 1) return waiting_lane(control);
    wait_for_start(control);
    throw std::runtime_error("no memory for its first operation");
  });
  EXPECT_EQ(seen.failure, "no memory for its first operation");
}

}  // namespace
}  // namespace tally::unit_windows
