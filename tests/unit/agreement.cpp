// When observed hand-offs and simulated transfers agree, differ, or can't be compared.
#include "harness/measure/agreement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tally {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

observed_transfers seen(double per_op, double operations = 1e6) {
  return {per_op, operations, 1, {"contended", "contended"}, false};
}

TEST(agreement, within_a_factor_of_two_they_agree_whichever_is_larger) {
  const auto a = compare_transfers(seen(0.8), {1.0, 0.1, 2.0});
  EXPECT_EQ(a.kind, agreement_kind::agree);
  EXPECT_EQ(a.words, "agree within 1.2x");
  EXPECT_TRUE(a.within_band);
  EXPECT_DOUBLE_EQ(a.factor, 1.25);
  EXPECT_EQ(compare_transfers(seen(1.0), {0.8, {}, {}}).factor, 1.25);
  EXPECT_EQ(compare_transfers(seen(2.0), {1.0, {}, {}}).kind, agreement_kind::agree);
  EXPECT_EQ(compare_transfers(seen(0.5), {1.0, {}, {}}).kind, agreement_kind::agree);
}

TEST(agreement, beyond_it_they_differ_and_the_band_is_mentioned_but_saves_nothing) {
  const auto a = compare_transfers(seen(0.4), {1.0, 0.1, 2.0});
  EXPECT_EQ(a.kind, agreement_kind::differ);
  EXPECT_EQ(a.words, "differ: 2.5x (observed 0.4, simulated 1 an operation, within the band over schedules)");
  EXPECT_FALSE(compare_transfers(seen(0.05), {1.0, 0.1, 2.0}).within_band);
  EXPECT_EQ(compare_transfers(seen(2.01), {1.0, {}, {}}).kind, agreement_kind::differ);
}

TEST(agreement, none_and_none_agree_and_none_and_some_differ) {
  EXPECT_EQ(compare_transfers(seen(0), {0, {}, {}}).words, "agree: no transfers");
  EXPECT_EQ(compare_transfers(seen(0.0004), {0, {}, {}}).kind, agreement_kind::agree);
  EXPECT_EQ(compare_transfers(seen(0), {0.5, {}, {}}).kind, agreement_kind::differ);
  EXPECT_EQ(compare_transfers(seen(0.5), {0, {}, {}}).kind, agreement_kind::differ);
}

TEST(agreement, a_row_that_was_not_contended_is_not_comparable) {
  auto o = seen(1);
  o.verdicts = {"contended", "partly"};
  EXPECT_EQ(compare_transfers(o, {1, {}, {}}).words, "not comparable: row not contended (partly)");
  o.verdicts = {"not"};
  EXPECT_EQ(compare_transfers(o, {1, {}, {}}).kind, agreement_kind::not_comparable);
  o.verdicts = {};
  EXPECT_THAT(compare_transfers(o, {1, {}, {}}).words, HasSubstr("no window"));
  o = seen(1);
  o.oversubscribed = true;
  EXPECT_EQ(compare_transfers(o, {1, {}, {}}).kind, agreement_kind::not_comparable);
}

TEST(agreement, figures_that_rest_on_too_little_are_not_comparable) {
  EXPECT_THAT(compare_transfers(seen(0.01, 5000), {0.015, {}, {}}).words, StartsWith("not comparable: 75 hand-offs"));
  auto o = seen(1);
  o.known_share = 0.3;
  EXPECT_THAT(compare_transfers(o, {1, {}, {}}).words, HasSubstr("30 % of the RMWs"));
}

TEST(agreement, the_observed_side_is_read_from_records_by_field) {
  const auto record = [](const char* role, const char* status, double operations, double handoffs) {
    return nlohmann::ordered_json{
        {"role", role},
        {"status", status},
        {"config", {{"oversubscribed", false}}},
        {"quality", {{"verdict", "contended"}}},
        {"metrics", {{"operations", {{"value", operations}}}}},
        {"handoffs",
         {{"fields",
           {{{"name", "count"}, {"rmws", 2 * operations}, {"known", 2 * operations}, {"handoffs", handoffs}},
            {{"name", "slot"}, {"rmws", operations}, {"known", 0}, {"handoffs", 0}}}}}}};
  };
  const std::vector<nlohmann::ordered_json> rows{record("observed", "ok", 100, 50), record("observed", "ok", 300, 50),
                                                 record("observed", "error", 1e9, 0), record("measured", "ok", 1e9, 0)};
  const auto all = observed_from(rows), count = observed_from(rows, "count"), slot = observed_from(rows, "slot");
  EXPECT_EQ(all.operations, 400);
  EXPECT_EQ(all.handoffs_per_op, 0.25);
  EXPECT_DOUBLE_EQ(all.known_share, 2.0 / 3);
  EXPECT_EQ(all.verdicts.size(), 2U);
  EXPECT_EQ(count.known_share, 1);
  EXPECT_EQ(slot.known_share, 0);
}

}  // namespace
}  // namespace tally
