// The counting share, from records whose truth is known.
#include "harness/report/think_summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "harness/results/row.hpp"

namespace tally::unit_think_summary {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

json record(const std::string& strategy, std::uint64_t think_ns, int process, double ns) {
  const std::string scene = with_think("spin", think_ns) + "|2|throughput";
  json r{{"schema", 1},
         {"row", strategy + "|" + scene},
         {"scene", scene},
         {"role", "measured"},
         {"process", process},
         {"block", 0},
         {"status", "ok"},
         {"config",
          {{"strategy", {{"label", strategy}}},
           {"workload", {{"label", with_think("spin", think_ns)}}},
           {"threads", 2},
           {"mode", "throughput"}}},
         {"metrics", {{"ns_per_op", {{"value", ns}}}}},
         {"oracle", {{"class", strategy == "none" ? "never_frees" : "exact"}}}};
  if (think_ns != 0) r["config"]["think_ns"] = think_ns;
  return r;
}

// An operation takes the work, 10 ns of its own, and counting's 90; the machine drifts, and hits both alike.
std::string told(const std::vector<std::uint64_t>& works, bool citable, bool with_floor = true) {
  std::vector<result> results;
  for (const std::uint64_t ns : works) {
    for (int p = 0; p < 5; ++p) {
      const double drift = 1 + 0.1 * p;
      if (with_floor) results.push_back(result_from(record("none", ns, p, drift * static_cast<double>(10 + ns))));
      results.push_back(result_from(record("atomic", ns, p, drift * static_cast<double>(100 + ns))));
    }
  }
  return think_summary(group_scenes(results, {}), estimator(citable));
}

TEST(think_summary, is_what_the_floor_does_not_take) {
  const std::string text = told({0, 900}, true);
  EXPECT_THAT(text, HasSubstr("  spin, 2 threads\n"));
  EXPECT_THAT(text, HasSubstr("                           0 ns            900 ns\n")) << text;
  EXPECT_THAT(text, HasSubstr("    atomic  90.0 % [90.0, 90.0]  9.0 % [9.0, 9.0]\n"));
  EXPECT_THAT(text, Not(HasSubstr("none")));
}

TEST(think_summary, of_a_smoke_run_has_no_interval) {
  EXPECT_THAT(told({0, 900}, false), HasSubstr("    atomic  90.0 %   9.0 %\n"));
}

TEST(think_summary, needs_several_amounts_of_work_and_a_floor) {
  EXPECT_EQ(told({0}, true), "");
  EXPECT_EQ(told({900}, true), "");
  EXPECT_EQ(told({0, 900}, true, false), "");
}

}  // namespace
}  // namespace tally::unit_think_summary
