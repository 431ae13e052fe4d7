// When observed and simulated hand-offs agree, differ, or can't be compared.
#include "harness/results/agreement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tally::unit_agreement {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

observed_handoffs seen(double per_op, double operations = 1e6) {
  observed_handoffs o;
  o.per_op = o.least = o.most = per_op;
  o.operations = operations;
  o.rmws = 2 * operations;
  o.windows = 2;
  return o;
}

TEST(agreement, within_a_factor_of_two_they_agree_whichever_is_larger) {
  const auto a = compare_handoffs(seen(0.8), {1.0, 0.1, 2.0});
  EXPECT_EQ(a.kind, agreement_kind::agree);
  EXPECT_EQ(a.words, "agree within 1.2x");
  EXPECT_TRUE(a.within_band);
  EXPECT_DOUBLE_EQ(a.factor, 1.25);
  EXPECT_EQ(compare_handoffs(seen(1.0), {0.8, {}, {}}).factor, 1.25);
  EXPECT_EQ(compare_handoffs(seen(2.0), {1.0, {}, {}}).kind, agreement_kind::agree);
  EXPECT_EQ(compare_handoffs(seen(0.5), {1.0, {}, {}}).kind, agreement_kind::agree);
}

TEST(agreement, beyond_it_they_differ_and_the_band_is_mentioned_but_saves_nothing) {
  const auto a = compare_handoffs(seen(0.4), {1.0, 0.1, 2.0});
  EXPECT_EQ(a.kind, agreement_kind::differ);
  EXPECT_EQ(a.words, "differ: 2.5x (observed 0.4, simulated 1 per operation, within the band over schedules)");
  EXPECT_FALSE(compare_handoffs(seen(0.05), {1.0, 0.1, 2.0}).within_band);
  EXPECT_EQ(compare_handoffs(seen(2.01), {1.0, {}, {}}).kind, agreement_kind::differ);
}

TEST(agreement, none_and_none_agree_and_none_and_some_differ) {
  EXPECT_EQ(compare_handoffs(seen(0), {0, {}, {}}).words, "agree: no hand-offs");
  EXPECT_EQ(compare_handoffs(seen(0.0004), {0, {}, {}}).kind, agreement_kind::agree);
  EXPECT_EQ(compare_handoffs(seen(0), {0.5, {}, {}}).kind, agreement_kind::differ);
  EXPECT_EQ(compare_handoffs(seen(0.5), {0, {}, {}}).kind, agreement_kind::differ);
}

TEST(agreement, a_row_that_was_not_contended_is_not_comparable) {
  observed_handoffs o = seen(1);
  o.windows = 0;
  o.left_out = 2;
  o.verdict = "partly";
  EXPECT_EQ(compare_handoffs(o, {1, {}, {}}).words, "not comparable: row not contended (partly)");
  EXPECT_THAT(compare_handoffs({}, {1, {}, {}}).words, HasSubstr("no window"));
  o = seen(1);
  o.oversubscribed = true;
  EXPECT_EQ(compare_handoffs(o, {1, {}, {}}).kind, agreement_kind::not_comparable);
}

TEST(agreement, where_nothing_is_watched_no_hand_offs_are_no_agreement) {
  observed_handoffs o = seen(0);
  o.rmws = 0;
  EXPECT_EQ(compare_handoffs(o, {0, {}, {}}).words, "not comparable: no read-modify-write was watched");
}

TEST(agreement, figures_that_rest_on_too_little_are_not_comparable) {
  EXPECT_THAT(compare_handoffs(seen(0.01, 5000), {0.015, {}, {}}).words, StartsWith("not comparable: 75 hand-offs"));
  observed_handoffs o = seen(1);
  o.known_share = 0.3;
  EXPECT_THAT(compare_handoffs(o, {1, {}, {}}).words, HasSubstr("30 % of the RMWs"));
}

result window(const char* role, const char* status, const char* verdict, double operations, double handoffs) {
  const auto value = [](double v) { return nlohmann::ordered_json{{"value", v}}; };
  return result_from(
      {{"row", "r"},
       {"role", role},
       {"status", status},
       {"config", {{"oversubscribed", false}}},
       {"quality", {{"verdict", verdict}}},
       {"metrics",
        {{"operations", value(operations)}, {"handoffs_per_op", value(handoffs / operations)}, {"handoff_latency", value(50)}}},
       {"handoffs",
        {{"fields",
          {{{"name", "slot"}, {"rmws", operations}, {"known", 0}, {"handoffs", 0}},
           {{"name", "count"}, {"rmws", 2 * operations}, {"known", 2 * operations}, {"handoffs", handoffs}}}}}}});
}

TEST(agreement, the_observed_side_is_the_median_of_the_contended_windows) {
  const auto all =
      observed_from({window("observed", "ok", "contended", 100, 50), window("observed", "ok", "contended", 300, 60),
                     window("observed", "ok", "contended", 200, 180), window("observed", "ok", "not", 1e9, 1),
                     window("observed", "error", "contended", 1e9, 0), window("measured", "ok", "contended", 1e9, 0)});
  EXPECT_EQ(all.windows, 3U);
  EXPECT_EQ(all.left_out, 1U);
  EXPECT_EQ(all.verdict, "not");
  EXPECT_EQ(all.operations, 600);
  EXPECT_DOUBLE_EQ(all.per_op, 0.5);
  EXPECT_DOUBLE_EQ(all.least, 0.2);
  EXPECT_DOUBLE_EQ(all.most, 0.9);
  EXPECT_DOUBLE_EQ(all.known_share, 2.0 / 3);
  EXPECT_DOUBLE_EQ(all.latency_ns, 50);
  EXPECT_THAT(all.fields, ElementsAre("count", "slot"));
}

}  // namespace
}  // namespace tally::unit_agreement
