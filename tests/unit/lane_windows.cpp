// A lane's window and its batches, by a clock that is a count of what was done: where the lane waits for its turn, and where not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "harness/engine/lane.hpp"

namespace tally::unit_lane_windows {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Gt;

constexpr std::uint64_t step_ns = 10, turn_ns = 5'000'000;

// What happens in the n-th call of the workload's loop, from 0, beside its steps.
struct scripted_lane {
  static inline std::uint64_t clock = 0;
  conductor_words words;
  std::vector<std::uint64_t> batches;
  lane_control control;

  scripted_lane(bool in_turns, std::function<void(scripted_lane&, std::size_t)> happens) : happens_(std::move(happens)) {
    clock = 0;
    control.shared = &words;
    control.in_turns = in_turns;
    set(phase::ramp_up);
    control.operate({this, run, look, nullptr, nullptr});
  }
  void set(phase p) {
    words.since_ns[static_cast<std::size_t>(p)] = clock;
    words.phase = static_cast<int>(p);
  }
  void wait(std::uint64_t ns) { clock += ns; }
  static std::uint64_t look() { return clock; }
  static std::uint64_t run(void* at, std::uint64_t batch) {
    auto& self = *static_cast<scripted_lane*>(at);
    self.happens_(self, self.batches.size());
    self.batches.push_back(batch);
    clock += step_ns * batch;
    return batch;
  }

 private:
  std::function<void(scripted_lane&, std::size_t)> happens_;
};

// Waits for its turn while the others ramp up, and again in the 100th batch.
void waits_through_the_ramp(scripted_lane& lane, std::size_t call) {
  if (call == 0) {
    lane.wait(turn_ns / 2);
    lane.set(phase::window);
    lane.wait(turn_ns / 2);
  }
  if (call == 100) lane.wait(turn_ns);
  if (call == 200) lane.set(phase::ramp_down);
  if (call == 300) lane.set(phase::stop);
}

TEST(lane_batches, grow_in_the_window_where_the_ramp_was_a_wait) {
  const scripted_lane lane(true, waits_through_the_ramp);
  const std::vector settled(lane.batches.begin() + 20, lane.batches.end());
  EXPECT_THAT(settled, Each(settled.front())) << "and a wait does not change them any more";
  EXPECT_GE(settled.front() * step_ns, 20'000U);
  EXPECT_LT(settled.front() * step_ns, 40'000U);
  EXPECT_EQ(lane.batches.front(), 1U);
}

TEST(lane_batches, are_as_they_were_where_a_batch_is_long_by_a_wait) {
  const scripted_lane lane(true, [](scripted_lane& l, std::size_t call) {
    if (call % 3 == 0 && call < 30) l.wait(turn_ns);
    if (call == 50) l.set(phase::stop);
  });
  EXPECT_GE(lane.batches.back() * step_ns, 20'000U) << "one wait in three batches";
}

TEST(lane_batches, are_single_steps_of_a_workload_whose_steps_are_long) {
  const scripted_lane lane(false, [](scripted_lane& l, std::size_t call) {
    l.wait(turn_ns);
    if (call == 50) l.set(phase::stop);
  });
  EXPECT_THAT(lane.batches, Each(1U));
}

TEST(lane_windows, of_turns_are_from_change_to_change_and_others_from_look_to_look) {
  const scripted_lane turns(true, waits_through_the_ramp), own(false, waits_through_the_ramp);
  EXPECT_EQ(turns.control.opened_ns, turn_ns / 2);
  EXPECT_EQ(own.control.opened_ns, turn_ns + step_ns) << "after the wait and the step behind it";
  EXPECT_EQ(own.control.operations, turns.control.operations);
  EXPECT_EQ(turns.control.closed_ns, turns.words.since_ns[static_cast<std::size_t>(phase::ramp_down)]);
  EXPECT_GT(own.control.closed_ns, turns.control.closed_ns) << "when the batch was over";
}

TEST(lane_windows, without_a_turn_in_them_have_no_operation) {
  const auto sleeps = [](scripted_lane& l, std::size_t call) {
    if (call != 10) return;
    l.wait(turn_ns);
    l.set(phase::window);
    l.wait(turn_ns);
    l.set(phase::ramp_down);
    l.wait(turn_ns);
    l.set(phase::stop);
  };
  const scripted_lane turns(true, sleeps), own(false, sleeps);
  EXPECT_EQ(turns.control.closed_ns - turns.control.opened_ns, turn_ns);
  EXPECT_EQ(turns.control.operations, 0U);
  EXPECT_EQ(own.control.opened_ns, 0U) << "it never saw the window";
}

TEST(lane_windows, of_a_run_that_was_broken_off_before_them_do_not_open) {
  const scripted_lane turns(true, [](scripted_lane& l, std::size_t call) {
    if (call == 10) l.words.phase = static_cast<int>(phase::stop);
  });
  EXPECT_EQ(turns.control.opened_ns, 0U);
  EXPECT_EQ(turns.control.closed_ns, 0U);
  EXPECT_THAT(turns.batches, Contains(Gt(1U)));
}

}  // namespace
}  // namespace tally::unit_lane_windows
