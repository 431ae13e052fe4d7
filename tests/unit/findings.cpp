// Published findings: what their files may say, and the verdicts that come of ratios.
#include "harness/run/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "harness/base/errors.hpp"
#include "harness/report/findings_report.hpp"

namespace tally::unit_findings {
namespace {

using enum finding_verdict;
using ::testing::HasSubstr;

constexpr std::string_view sound =
    "# Two threads get no more done\n# than one.\n\npublished = the same [A]\nmachine = a machine, 1999 [A]\ncores = 2 [A]\n"
    "row.one = gil copy_drop 1\nrow.two = gil:heap=block copy_drop:sharing=shared 2 latency\n"
    "check.speedup = two / one ops_per_second in 0.85 .. 1.1, refuted above 1.25, below 0.2 [B]\ninterpreters = fib, "
    "private_list\n"
    "explained = so it is\n";

std::string refusal(std::string_view from, std::string_view to) {
  std::string text(sound);
  text.replace(text.find(from), from.size(), to);
  try {
    (void)parse_finding(text, "dir/it.finding");
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(findings, a_file_is_a_claim_with_rows_and_checks) {
  const finding f = parse_finding(sound, "dir/it.finding");
  EXPECT_EQ(f.slug, "it");
  EXPECT_EQ(f.claim, "Two threads get no more done than one.");
  EXPECT_EQ(f.cores, 2);
  ASSERT_EQ(f.rows.size(), 2U);
  EXPECT_EQ(f.row("two").strategy, "gil:heap=block");
  EXPECT_EQ(f.row("two").mode, measure_mode::latency);
  EXPECT_EQ(f.row("two").group().threads.counts, std::vector{2});
  ASSERT_EQ(f.checks.size(), 1U);
  EXPECT_EQ(f.checks[0].over + "/" + f.checks[0].under + " " + f.checks[0].metric, "two/one ops_per_second");
  EXPECT_EQ(f.checks[0].expected(), "0.85 to 1.1; refuted above 1.25 or below 0.2");
  EXPECT_EQ(f.checks[0].subject(), "two / one, ops_per_second");
  EXPECT_EQ(f.interpreters, (std::vector<std::string>{"fib", "private_list"}));
  EXPECT_EQ(f.explained, "so it is");
}

TEST(findings, what_a_simulation_does_not_answer_is_said_of_each_row) {
  finding f = parse_finding(sound, "it.finding");
  EXPECT_EQ(f.not_simulated(f.row("one")), "");
  EXPECT_EQ(f.not_simulated(f.row("two")), "latency is not modelled");
  f.cores = 1;
  EXPECT_EQ(f.not_simulated(f.row("one")), "instructions are not modelled");
  const finding said = parse_finding(std::string(sound) + "simulated = no\n", "it.finding");
  EXPECT_EQ(said.not_simulated(said.row("one")), "instructions are not modelled");
}

TEST(findings, what_is_wrong_is_told_with_its_line) {
  const struct {
    std::string_view from, to, says;
  } wrong[] = {
      {"published = the same [A]\n", "", "dir/it.finding: published is missing"},
      {"the same [A]", "the same", "dir/it.finding:4: published has no source: KEY = VALUE [SOURCE]"},
      {"cores = 2 [A]", "cores = two [A]", "dir/it.finding:6: cores: two is no number above 0"},
      {"gil copy_drop 1", "gil copy_drop", "dir/it.finding:7: row.one is not STRATEGY WORKLOAD THREADS [MODE]"},
      {"2 latency", "2 lateness", "dir/it.finding:8: row.two: no such mode: lateness"},
      {"two / one", "two / three", "dir/it.finding:9: check.speedup: there is no row.three before it"},
      {"0.85 .. 1.1", "1.1 .. 0.85", "dir/it.finding:9: check.speedup: what refutes it is outside of its band"},
      {"above 1.25", "above 1.05", "dir/it.finding:9: check.speedup: what refutes it is outside of its band"},
      {", refuted above 1.25, below 0.2", "",
       "dir/it.finding:9: check.speedup is not A / B METRIC in LOW .. HIGH, refuted above X, below Y, or A METRIC in ..."},
      {"two / one ops", "two one ops",
       "dir/it.finding:9: check.speedup is not A / B METRIC in LOW .. HIGH, refuted above X, below Y, or A METRIC in ..."},
      {"0.85 .. 1.1", "0 .. 1.1", "dir/it.finding:9: check.speedup: 0 is no number above 0"},
      {"two / one", "three", "dir/it.finding:9: check.speedup: there is no row.three before it"},
      {"two / one ops_per_second in 0.85", "two ops_per_second in -1",
       "dir/it.finding:9: check.speedup: -1 is no number from 0 on"},
      {"explained", "explains", "dir/it.finding:11: explains has no source: KEY = VALUE [SOURCE]"},
      {"explained = so it is", "simulated = yes", "dir/it.finding:11: simulated: yes is not no"},
      {"explained = so it is", "explains = so it is [A]", "dir/it.finding:11: no such key: explains"},
  };
  for (const auto& w : wrong) EXPECT_EQ(refusal(w.from, w.to), w.says);
}

finding_verdict verdict(double ratio, double low, double high) {
  const finding f = parse_finding(sound, "it.finding");
  return verdict_of(f.checks[0], {.value = ratio, .around = {low, high}});
}

TEST(findings, refuted_is_what_lies_beyond_with_its_whole_interval) {
  EXPECT_EQ(verdict(1.0, 0.9, 1.05), reproduced);
  EXPECT_EQ(verdict(1.0, 0.9, 1.3), direction_only) << "it may be 1.3";
  EXPECT_EQ(verdict(1.2, 1.15, 1.24), direction_only);
  EXPECT_EQ(verdict(1.15, 1.05, 1.24), reproduced) << "it may be 1.1";
  EXPECT_EQ(verdict(0.8, 0.7, 0.86), reproduced) << "it may be 0.85";
  EXPECT_EQ(verdict(0.8, 0.7, 0.84), direction_only);
  EXPECT_EQ(verdict(1.0, 0.5, 1.24), reproduced) << "the band is in it";
  EXPECT_EQ(verdict(1.3, 1.2, 1.4), direction_only) << "it may be 1.2";
  EXPECT_EQ(verdict(1.3, 1.26, 1.4), refuted);
  EXPECT_EQ(verdict(0.5, 0.4, 0.6), direction_only);
  EXPECT_EQ(verdict(0.1, 0.05, 0.19), refuted);
}

// Of a finding with these two checks as they came out; what refutes the first one is above 1.25 and below 0.2, the second is in its band
// from 0.5 to 2 and refuted above 3.
std::set<std::string> open_rows(check_figure first, check_figure second) {
  const finding f = parse_finding(
      "# It is so.\npublished = so [A]\nrow.a = gil copy_drop 1\nrow.b = gil copy_drop 2\nrow.c = atomic copy_drop 1\n"
      "check.first = a / b ns_per_op in 0.85 .. 1.1, refuted above 1.25, below 0.2 [A]\n"
      "check.second = c / a ns_per_op in 0.5 .. 2, refuted above 3 [A]\n",
      "it.finding");
  judged_finding judged{&f, {}, {}, false};
  for (std::size_t i = 0; i < 2; ++i) {
    const check_figure& here = i == 0 ? first : second;
    judged.checks.push_back({&f.checks[i], here, verdict_of(f.checks[i], here), ""});
  }
  for (const auto& c : judged.checks) judged.verdict = std::max(judged.verdict, c.verdict);
  return judged.open_rows();
}

TEST(findings, rows_are_open_whose_interval_is_on_both_sides_of_what_refutes) {
  using rows = std::set<std::string>;
  const check_figure fine{1.0, {0.9, 1.1}}, open{1.2, {1.0, 1.4}}, outside{1.2, {1.15, 1.22}}, refuting{1.5, {1.3, 1.6}};
  EXPECT_EQ(open_rows(fine, fine), rows());
  EXPECT_EQ(open_rows(open, fine), (rows{"a", "b"}));
  EXPECT_EQ(open_rows(fine, {2.5, {1.9, 3.5}}), (rows{"a", "c"}));
  EXPECT_EQ(open_rows(open, {2.5, {1.9, 3.5}}), (rows{"a", "b", "c"}));
  EXPECT_EQ(open_rows(refuting, {2.5, {1.9, 3.5}}), rows()) << "it is refuted, whatever they say";
  EXPECT_EQ(open_rows(outside, {2.5, {1.9, 3.5}}), rows()) << "it is never reproduced, and these are not likely to refute it";
  EXPECT_EQ(open_rows(outside, {3.2, {1.9, 3.5}}), (rows{"a", "c"})) << "they may refute it";
}

TEST(findings, rows_are_open_whose_figure_is_outside_of_the_band_and_their_interval_not) {
  using rows = std::set<std::string>;
  const check_figure fine{1.0, {0.9, 1.1}}, at_the_edge{1.15, {1.05, 1.2}};
  EXPECT_EQ(open_rows(at_the_edge, fine), (rows{"a", "b"})) << "narrower, it is in the band or is not";
  EXPECT_EQ(open_rows({1.05, {1.0, 1.2}}, fine), rows()) << "the figure is in the band";
  EXPECT_EQ(open_rows(at_the_edge, {2.5, {2.2, 2.7}}), rows()) << "it is never reproduced";
}

// As many findings with one check each as there are p-values, all beyond what refutes them.
std::vector<judged_finding> refuted_with(const finding& f, const std::vector<double>& p) {
  std::vector<judged_finding> all;
  for (const double v : p) {
    judged_finding j{&f, {{&f.checks[0], check_figure{1.3, {1.26, 1.34}, v}, refuted, ""}}, refuted, false};
    all.push_back(std::move(j));
  }
  correct_refutations(all);
  return all;
}

TEST(findings, a_refutation_that_may_be_chance_among_all_checks_is_none) {
  const finding f = parse_finding(sound, "it.finding");
  EXPECT_EQ(refuted_with(f, {0.02})[0].verdict, refuted) << "one check alone";
  const auto two = refuted_with(f, {0.02, 0.03});
  EXPECT_EQ(two[0].verdict, refuted);
  EXPECT_EQ(two[1].verdict, refuted) << "the second of two has 0.05 to itself";
  std::vector<double> many(100, 1);
  many[7] = 0.02, many[8] = 1e-4;
  const auto all = refuted_with(f, many);
  EXPECT_EQ(all[7].verdict, direction_only);
  EXPECT_TRUE(all[7].checks[0].corrected);
  EXPECT_EQ(all[8].verdict, refuted);
  EXPECT_THAT(findings_table(all), HasSubstr("direction only +\n"));
  EXPECT_THAT(findings_table(all), HasSubstr("chance among so many checks"));
  EXPECT_THAT(all[7].open_rows(), ::testing::SizeIs(2)) << "a second look may settle it";
  EXPECT_EQ(findings_json({all[7]})[0]["checks"][0]["corrected"], true);
  EXPECT_EQ(findings_json({all[8]})[0]["checks"][0]["corrected"], false);
}

// Windows of both rows with these operations per second.
std::vector<result> windows(double one, double two) {
  std::vector<result> all;
  for (int process = 0; process < 5; ++process) {
    for (const auto& [row, value] : {std::pair{std::string("one|s"), one}, std::pair{std::string("two|s"), two}}) {
      result r;
      r.row = row;
      r.scene = "s";
      r.strategy = row.substr(0, 3);
      r.workload = "w";
      r.mode = "throughput";
      r.process = process;
      r.metrics.push_back({"ops_per_second", "1/s", "measured", value, {}, {}, ""});
      all.push_back(std::move(r));
    }
  }
  return all;
}

TEST(findings, a_row_that_is_missing_is_not_testable_and_says_why) {
  const finding f = parse_finding(sound, "it.finding");
  const estimator statistics(true);
  const auto results = windows(100, 101);
  const auto scenes = group_scenes(results, {});
  finding_keys keys{{"one", {"one", "w", 1, "throughput", ""}}, {"two", {"two", "w", 1, "throughput", ""}}};
  const judged_finding both = judge(f, keys, scenes, statistics);
  EXPECT_EQ(both.verdict, reproduced);
  ASSERT_TRUE(both.checks[0].here);
  EXPECT_NEAR(both.checks[0].here->value, 1.01, 1e-9);
  EXPECT_THAT(findings_table({both}), HasSubstr("1.01 [1.01, 1.01]"));

  keys["two"] = {"", "", 0, "", "needs 8 cores"};
  const judged_finding lacking = judge(f, keys, scenes, statistics);
  EXPECT_EQ(lacking.verdict, not_testable);
  EXPECT_THAT(findings_table({lacking}), HasSubstr("two: needs 8 cores"));

  // The figure of one row alone.
  const finding alone = parse_finding(
      "# It takes its time.\npublished = 5 [A]\nrow.one = gil copy_drop 1\n"
      "check.rate = one ops_per_second in 0 .. 110, refuted above 150 [A]\n",
      "it.finding");
  const judged_finding slow = judge(alone, keys, scenes, statistics);
  EXPECT_EQ(slow.verdict, reproduced);
  EXPECT_THAT(findings_table({slow}), HasSubstr("100 [100, 100]"));
  EXPECT_EQ(alone.checks[0].subject(), "one, ops_per_second");
  const auto hasty = windows(160, 1);
  EXPECT_EQ(judge(alone, keys, group_scenes(hasty, {}), statistics).verdict, refuted);

  const auto faster = windows(100, 190);
  keys["two"] = {"two", "w", 1, "throughput", ""};
  EXPECT_EQ(judge(f, keys, group_scenes(faster, {}), statistics).verdict, refuted);
}

}  // namespace
}  // namespace tally::unit_findings
