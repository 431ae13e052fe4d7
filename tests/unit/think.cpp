// Work between operations: how it is asked for, named and recorded, and where a lane does it.
#include "harness/engine/think.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/engine/lane.hpp"
#include "harness/run/plan.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_think {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(think_lists, are_numbers_and_scans_in_order) {
  EXPECT_THAT(think_list::read("--think", "200,0,50,50").ns, ElementsAre(0, 50, 200));
  EXPECT_THAT(think_list::read("--think", "10..10000*10").ns, ElementsAre(10, 100, 1000, 10000));
  EXPECT_EQ(think_list::read("--think", "0,10..30+10").text(), "0,10,20,30");
  for (const char* wrong : {"-1", "1us", "0.5", "1000001", "x"}) {
    try {
      (void)think_list::read("--think", wrong);
      ADD_FAILURE() << wrong;
    } catch (const usage_error& e) {
      EXPECT_THAT(e.what(), HasSubstr(std::string("--think ") + wrong + ": nanoseconds between 0 and 1000000")) << wrong;
    }
  }
}

run_plan planned(const char* thinks) {
  static const registry all = testing::fake_registry();
  run_request r;
  r.strategies = {"gil"};
  r.workloads = {"spin"};
  r.sets = {"sharing=private,shared"};
  r.threads = "2";
  r.seed = 1;
  if (thinks != nullptr) r.thinks = thinks;
  return make_plan(all, r, testing::fake_machine(2));
}

std::vector<std::string> scenes(const run_plan& p) {
  std::vector<std::string> found;
  for (const auto& r : p.rows) {
    if (found.empty() || found.back() != r.scene()) found.push_back(r.scene());
  }
  return found;
}

TEST(thinking_rows, have_a_scene_of_their_own_with_its_baselines) {
  const run_plan p = planned("0,100");
  EXPECT_THAT(scenes(p), ElementsAre("spin|2|throughput", "spin think=100ns|2|throughput", "spin sharing=shared|2|throughput",
                                     "spin sharing=shared think=100ns|2|throughput"));
  EXPECT_EQ(p.rows.size(), 12U) << "gil, and the baseline twice";
  for (const auto& r : p.rows) EXPECT_EQ(r.think_ns, r.workload_label.ends_with("think=100ns") ? 100U : 0U) << r.key();
}

TEST(thinking_rows, without_work_are_what_they_were) {
  const auto keys = [](const run_plan& p) {
    std::vector<std::string> all;
    for (const auto& r : p.rows) all.push_back(r.key());
    return all;
  };
  EXPECT_EQ(keys(planned("0")), keys(planned(nullptr)));
  EXPECT_FALSE(to_json(run_item{planned("0").rows.front()}).at("config").contains("think_ns"));
}

TEST(thinking_rows, survive_the_way_to_the_worker) {
  const run_plan p = planned("100");
  const run_item back = item_from(to_json(run_item{p.rows.front()}));
  EXPECT_EQ(back.row.think_ns, 100U);
  EXPECT_EQ(back.row.key(), p.rows.front().key());
}

TEST(thinking_rows, of_a_suite_are_replaced_by_those_that_were_typed) {
  suite_info suite{"made-up", "", {}, {{"", {"gil"}, {"spin"}, {}, "1", {measure_mode::throughput}, {}}}};
  suite.groups.front().thinks = "0,10";
  run_request r;
  r.suite = &suite;
  r.seed = 1;
  const registry all = testing::fake_registry();
  EXPECT_THAT(scenes(make_plan(all, r, testing::fake_machine(2))),
              ElementsAre("spin|1|throughput", "spin think=10ns|1|throughput"));
  r.thinks = "500";
  EXPECT_THAT(scenes(make_plan(all, r, testing::fake_machine(2))), ElementsAre("spin think=500ns|1|throughput"));
}

TEST(think, is_calibrated_once_and_does_at_least_a_step) {
  const think_calibration& c = calibrated_think();
  EXPECT_GT(c.least_ns, 0);
  EXPECT_LE(c.least_ns, c.step_ns);
  EXPECT_LE(c.step_ns, c.most_ns);
  EXPECT_EQ(&c, &calibrated_think());
  EXPECT_EQ(think_of(0).steps, 0U);
  EXPECT_EQ(think_of(0).took_ns, 0);
  EXPECT_GE(think_of(1).steps, 1U);
  EXPECT_GT(think_of(1).took_ns, 0);
  const auto many = static_cast<double>(think_of(1'000'000).steps), few = static_cast<double>(think_of(1000).steps);
  EXPECT_NEAR(many / few, 1000, 500 / few + 1) << "rounded to the nearest step, of one calibration";
}

// A lane's steps, whose clock is a count of what was done: a look at it is 1, a step is 100.
struct counted_lane {
  static inline std::uint64_t clock = 0, looks = 0;
  conductor_words words;
  std::uint64_t calls = 0, steps = 0;
  std::vector<std::uint64_t> batches;
  lane_control control;

  explicit counted_lane(std::uint64_t think_steps, bool latency) {
    clock = looks = 0;
    control.shared = &words;
    control.latency = latency;
    control.think_steps = think_steps;
    words.phase = static_cast<int>(phase::ramp_up);
    control.operate({this, run, look, nullptr, nullptr});
  }
  static std::uint64_t look() { return ++looks, ++clock; }
  static std::uint64_t run(void* at, std::uint64_t batch) {
    auto& self = *static_cast<counted_lane*>(at);
    self.batches.push_back(batch);
    self.steps += batch;
    clock += 100 * batch;
    if (++self.calls == 40) self.words.phase = static_cast<int>(phase::window);
    if (self.calls == 400) self.words.phase = static_cast<int>(phase::stop);
    return batch;
  }
};

TEST(lanes, think_after_single_steps) {
  const counted_lane lane(1, false);
  EXPECT_THAT(lane.batches, Each(1U));
  EXPECT_EQ(lane.control.all_operations, lane.steps);
  EXPECT_GT(lane.control.operations, 0U);
}

TEST(lanes, without_work_run_whole_batches) {
  const counted_lane lane(0, false);
  EXPECT_GT(std::ranges::max(lane.batches), 1U);
  EXPECT_EQ(lane.control.all_operations, lane.steps);
}

TEST(lanes, do_not_count_work_into_latencies) {
  for (const std::uint64_t think_steps : {std::uint64_t{0}, std::uint64_t{1}}) {
    const counted_lane lane(think_steps, true);
    EXPECT_GT(lane.control.latencies.total(), 0U);
    EXPECT_EQ(lane.control.latencies.max(), 101U) << "a step, and the look at the clock behind it";
    EXPECT_THAT(lane.batches, Each(1U));
    const std::uint64_t of_window = 2;
    if (think_steps != 0) {
      EXPECT_EQ(counted_lane::looks, 2 * lane.steps + of_window) << "before each step, and behind it";
    }
  }
}

}  // namespace
}  // namespace tally::unit_think
