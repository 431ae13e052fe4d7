// A lane's stack begins elsewhere in each block of a run, and in the same place for all of a block's rows.
#include "harness/engine/stack_offset.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "harness/engine/engine.hpp"
#include "harness/engine/lane.hpp"

namespace tally::unit_stack_offset {
namespace {

[[gnu::noinline]] std::uintptr_t here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

std::uintptr_t with_offset(std::size_t bytes) {
  std::uintptr_t at = 0;
  with_stack_offset(bytes, [&] { at = here(); });
  return at;
}

// Sanitizers put zones of their own around what is taken from a stack: up to so many bytes more.
constexpr std::uintptr_t zones = 128;

TEST(stack_offset, frames_are_lower_by_so_many_bytes) {
  const std::uintptr_t highest = with_offset(0);
  for (const std::size_t bytes : {64, 1024, 4080}) {
    const std::uintptr_t at = with_offset(bytes);
    EXPECT_GE(highest - at, bytes);
    EXPECT_LE(highest - at, bytes + zones);
    EXPECT_EQ((highest - at) % stack_alignment, 0U);
  }
}

TEST(stack_offset, draws_all_places_of_a_page_alike) {
  std::set<std::uint32_t> drawn;
  double sum = 0;
  constexpr int draws = 10'000;
  for (std::uint64_t seed = 1; seed <= draws; ++seed) {
    const std::uint32_t bytes = stack_offset_of(seed);
    ASSERT_LT(bytes, stack_page);
    ASSERT_EQ(bytes % stack_alignment, 0U);
    drawn.insert(bytes);
    sum += bytes;
  }
  EXPECT_EQ(drawn.size(), stack_page / stack_alignment);
  EXPECT_NEAR(sum / draws, stack_page / 2.0, 5 * 1182.0 / 100) << "five standard errors of a uniform draw";
  EXPECT_EQ(stack_offset_of(7), stack_offset_of(7));
}

// A row whose lanes do nothing but tell where their frames are.
class telling_body final : public run_body {
 public:
  void prepare() override {}
  oracle_verdict run(const std::function<void()>& lanes) override {
    lanes();
    return {};
  }
  void lane(int index, lane_control&) override { at[static_cast<std::size_t>(index)] = here(); }
  [[nodiscard]] std::int64_t live() const override { return 0; }
  [[nodiscard]] std::int64_t live_bytes() const override { return 0; }
  void report(metric_list&) const override {}
  std::vector<std::uintptr_t> at = std::vector<std::uintptr_t>(2);
};

std::vector<std::uintptr_t> lanes_with(std::uint32_t bytes) {
  telling_body body;
  window_spec window;
  window.lanes = 2;
  window.ramp_ns = window.window_ns = 0;
  window.stack_offset = bytes;
  EXPECT_EQ(run_window(body, window).failure, "");
  return body.at;
}

TEST(stack_offset, every_lane_has_it) {
  const auto without = lanes_with(0), with = lanes_with(1024);
  for (std::size_t i = 0; i < without.size(); ++i) {
    const std::uintptr_t lower = (without[i] - with[i]) % stack_page;  // stacks are whole pages
    EXPECT_GE(lower, 1024U) << "lane " << i;
    EXPECT_LE(lower, 1024 + zones) << "lane " << i;
  }
}

}  // namespace
}  // namespace tally::unit_stack_offset
