// A slow-down that is put into a lane on purpose: by how much, whose rows have it, and that their results can't be taken for others.
#include "harness/engine/planted.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/results/binary.hpp"
#include "harness/results/origin.hpp"

namespace tally::unit_planted {
namespace {

// A clock that is read in a nanosecond, and batches whose steps take a thousand each.
struct made_up_lane {
  static std::uint64_t clock() { return ++now; }
  static std::uint64_t run(void* self, std::uint64_t batch) {
    auto& lane = *static_cast<made_up_lane*>(self);
    if (lane.ended != 0) lane.gaps.push_back(static_cast<double>(now - lane.ended) / static_cast<double>(lane.took));
    lane.took = 1000 * batch;
    now += lane.took;
    lane.ended = now;
    if (++lane.batches == 20) lane.words.phase = static_cast<int>(phase::stop);
    return batch;
  }
  // What each batch is followed by, as a share of its time.
  std::vector<double> gaps_with(std::optional<double> share) {
    words.phase = static_cast<int>(phase::ramp_up);
    lane_control control;
    control.shared = &words;
    std::optional<planted_delay> planted;
    if (share) control.driver = &planted.emplace(*share);
    control.operate({this, run, clock, nullptr, nullptr});
    EXPECT_EQ(batches, 20);
    return gaps;
  }

  static inline std::uint64_t now = 0;
  conductor_words words;
  std::uint64_t ended = 0, took = 0;
  int batches = 0;
  std::vector<double> gaps;
};

TEST(planted, each_batch_is_followed_by_its_share_of_waiting) {
  for (const double share : {0.1, 0.5}) {
    for (const double gap : made_up_lane().gaps_with(share)) {
      EXPECT_GE(gap, share);
      EXPECT_LT(gap, share + 0.01) << "and by a few readings of the clock";
    }
  }
  for (const double gap : made_up_lane().gaps_with(0)) EXPECT_LT(gap, 0.01);
  for (const double gap : made_up_lane().gaps_with({})) EXPECT_LT(gap, 0.01);
}

TEST(planted, only_the_strategys_rows_have_it_and_the_second_measurement_has_nothing_of_it) {
  EXPECT_EQ(planted_share("atomic=10", "atomic", false), 0.1);
  EXPECT_EQ(planted_share("atomic=10", "atomic", true), 0.0);
  EXPECT_EQ(planted_share("atomic=0", "atomic", false), 0.0);
  EXPECT_EQ(planted_share("atomic=10", "biased", false), std::nullopt);
  EXPECT_EQ(planted_share("biased:merge=detached=2.5", "biased:merge=detached", false), 0.025);
  EXPECT_EQ(planted_share("", "atomic", false), std::nullopt);
  EXPECT_EQ(planted_share(built_as().planted, "atomic", false), std::nullopt) << "in a build for tests of something else";
}

TEST(planted, results_of_such_a_build_are_not_compared_with_others) {
  const json plain{{"binary", {{"git", "0"}, {"compiler", "GNU"}}}, {"machine", {{"machine_id", "0"}}}};
  json planted = plain;
  planted["binary"]["planted"] = "atomic=10";
  EXPECT_TRUE(differences(origin_of(plain), origin_of(plain)).empty());
  const auto found = differences(origin_of(plain), origin_of(planted));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().field, "binary.planted");
  EXPECT_EQ(found.front().here, "not recorded");
  EXPECT_EQ(found.front().there, "atomic=10");
  EXPECT_NE(origin_of(plain).name(), origin_of(planted).name());
}

}  // namespace
}  // namespace tally::unit_planted
