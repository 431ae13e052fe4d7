// Two runs against each other, from windows whose truth is known: how often a difference is seen where there is one and where there
// is none.
#include "harness/results/comparison.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "harness/base/random.hpp"
#include "harness/base/text.hpp"
#include "harness/report/comparison_report.hpp"
#include "tests/support/made_up_windows.hpp"

namespace tally::unit_comparison {
namespace {

using ::testing::HasSubstr;
using testing::normal;
using ::testing::Not;

// What a machine does to the windows: a level for each process, a drift for each block that hits all rows alike, and each window's own
// noise.
struct noise_of {
  double process = 0.02, block = 0.02, window = 0.02;
};

struct spun_row {
  std::string strategy;
  double ns = 10;
  row_role role = row_role::measured;
};
using row_list = std::vector<spun_row>;

// The baseline twice, and three rows more; `slower` is how many times as long the first of them takes.
row_list usual_rows(double slower) {
  return {{"atomic", 10, row_role::baseline}, {"atomic", 10, row_role::again}, {"biased", 4 * slower}, {"gil", 7}, {"plain", 2}};
}

std::vector<result> run(const row_list& rows, random_source& random, int processes, const noise_of& noise) {
  std::vector<result> all;
  std::vector<double> levels(rows.size());
  for (int p = 0; p < processes; ++p) {
    for (auto& level : levels) level = noise.process * normal(random);
    for (int b = 0; b < 3; ++b) {
      const double drift = noise.block * normal(random);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const double ns = rows[i].ns * std::exp(levels[i] + drift + noise.window * normal(random));
        all.push_back(testing::spin_window(rows[i].strategy, rows[i].role, p, b, ns));
      }
    }
  }
  return all;
}

run_comparison compared(const std::vector<result>& before, const std::vector<result>& after, comparison_options o = {}) {
  return compare_runs(group_scenes(before, {}), group_scenes(after, {}), o);
}

const compared_figure* figure_of(const run_comparison& c, std::string_view label, std::string_view metric = "ns_per_op") {
  for (const auto& f : c.figures) {
    if (f.label == label && f.metric == metric) return &f;
  }
  return nullptr;
}

told_comparison told(run_comparison c, std::optional<double> gate = {}) {
  return {{"a", {}, 5}, {"b", {}, 5}, {}, std::move(c), 5, gate};
}

// 1000 comparisons of four rows in which nothing changed. A table with a difference in it may be one in twenty; that the words are right is
// Holm's correction and not luck: without it there are more than twice as many.
TEST(comparison, nothing_planted_is_seen_in_no_more_comparisons_than_is_stated) {
  random_source random(1, 0);
  int wrong = 0, uncorrected = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto before = run(usual_rows(1), random, 5, {}), after = run(usual_rows(1), random, 5, {});
    const run_comparison c = compared(before, after);
    ASSERT_EQ(c.tests, 4U);
    wrong += std::ranges::any_of(c.figures, [](const auto& f) { return f.verdict != change::none; }) ? 1 : 0;
    uncorrected += std::ranges::any_of(c.figures, [](const auto& f) { return f.ratio.p < significance; }) ? 1 : 0;
  }
  EXPECT_LE(wrong, 50);
  EXPECT_GT(uncorrected, 100);
}

// The same without an A/A pair, so that the correction alone decides. 50 are expected, give or take 7.
TEST(comparison, the_correction_alone_keeps_the_stated_share) {
  random_source random(2, 0);
  row_list rows = usual_rows(1);
  rows.erase(rows.begin() + 1);
  int wrong = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto before = run(rows, random, 5, {}), after = run(rows, random, 5, {});
    const run_comparison c = compared(before, after);
    ASSERT_FALSE(c.figures.front().noise);
    wrong += std::ranges::any_of(c.figures, [](const auto& f) { return f.verdict != change::none; }) ? 1 : 0;
  }
  EXPECT_LE(wrong, 50 + 3 * 7);
}

TEST(comparison, ten_per_cent_are_seen_and_nothing_else_is) {
  random_source random(3, 0);
  int seen = 0, others = 0, covered = 0;
  constexpr int experiments = 400;
  for (int i = 0; i < experiments; ++i) {
    const auto before = run(usual_rows(1), random, 10, {}), after = run(usual_rows(1.1), random, 10, {});
    const run_comparison c = compared(before, after);
    const compared_figure& f = *figure_of(c, "biased");
    seen += f.verdict == change::worse ? 1 : 0;
    covered += f.ratio.confidence->low <= 1.1 && 1.1 <= f.ratio.confidence->high ? 1 : 0;
    others +=
        std::ranges::any_of(c.figures, [](const auto& o) { return o.label != "biased" && o.verdict != change::none; }) ? 1 : 0;
  }
  EXPECT_GE(seen, experiments * 95 / 100);
  EXPECT_LE(others, experiments * 5 / 100);
  EXPECT_GE(covered, experiments * 91 / 100);
}

// With five processes on either side the least p of ranks is 2 in 252: every one of one side is above every one of the other.
TEST(comparison, ranks_are_a_second_opinion) {
  random_source random(9, 0);
  const noise_of quiet{0.001, 0.001, 0.001};
  const auto before = run(usual_rows(1), random, 5, quiet);
  const run_comparison all = compared(before, run(usual_rows(1.1), random, 5, quiet));
  const compared_figure& f = *figure_of(all, "biased");
  EXPECT_EQ(f.verdict, change::worse);
  EXPECT_NEAR(f.ratio.rank_p, 2.0 / 252, 1e-9);
  EXPECT_FALSE(f.doubted_by_ranks());
  EXPECT_THAT(comparison_text(told(all)), HasSubstr("(Mann-Whitney), agrees with the difference."));
  compared_figure doubted = f;
  doubted.ratio.rank_p = 0.06;
  EXPECT_TRUE(doubted.doubted_by_ranks());
  run_comparison one = all;
  *std::ranges::find(one.figures, "biased", &compared_figure::label) = doubted;
  EXPECT_THAT(comparison_text(told(one)), HasSubstr("does not see 1 of 1 difference; it is said beside them."));
  EXPECT_THAT(comparison_text(told(std::move(one))), HasSubstr("slower (not by ranks)"));
}

TEST(comparison, says_what_it_could_have_seen) {
  random_source random(4, 0);
  int seen = 0, expected = 0;
  for (int i = 0; i < 200; ++i) {
    const auto before = run(usual_rows(1), random, 5, {});
    const compared_figure f = *figure_of(compared(before, run(usual_rows(1), random, 5, {})), "biased");
    ASSERT_TRUE(f.least_seen);
    EXPECT_GE(*f.least_seen, *f.noise);
    // Half as much again is seen more often than not.
    const auto after = run(usual_rows((1 + *f.least_seen) * 1.05), random, 5, {});
    seen += figure_of(compared(before, after), "biased")->verdict == change::worse ? 1 : 0;
    ++expected;
  }
  EXPECT_GT(2 * seen, expected);
}

TEST(comparison, a_difference_within_the_noise_of_the_pair_is_none) {
  random_source random(5, 0);
  const noise_of still{0.0005, 0.02, 0.0005};
  row_list before = usual_rows(1), after = usual_rows(1.05);
  const auto verdict = [&] {
    return figure_of(compared(run(before, random, 5, still), run(after, random, 5, still)), "biased")->verdict;
  };
  EXPECT_EQ(verdict(), change::worse);
  after[1].ns = 10.8;  // the second measurement of the baseline, in one of the two runs
  EXPECT_EQ(verdict(), change::none);
}

TEST(comparison, fewer_than_five_processes_on_a_side_give_no_interval_and_no_word) {
  random_source random(6, 0);
  const auto before = run(usual_rows(1), random, 4, {}), after = run(usual_rows(3), random, 5, {});
  for (const bool turned : {false, true}) {
    const run_comparison c = turned ? compared(after, before) : compared(before, after);
    EXPECT_EQ(c.tests, 0U);
    for (const auto& f : c.figures) {
      EXPECT_EQ(f.verdict, change::few);
      EXPECT_FALSE(f.ratio.confidence);
    }
    for (const std::string& text : {comparison_text(told(c)), comparison_markdown(told(c))}) {
      for (const char* word : {"faster", "slower", "no difference", "[", "with 95 % intervals"})
        EXPECT_THAT(text, Not(HasSubstr(word)));
      EXPECT_THAT(text, HasSubstr("from fewer than 5 processes on a side: no interval, and no verdict"));
    }
  }
}

TEST(comparison, words_follow_the_metrics_better_side) {
  random_source random(7, 0);
  comparison_options o;
  o.metrics = {"ops_per_second"};
  const noise_of still{0.001, 0.01, 0.001};
  const auto before = run(usual_rows(1), random, 5, still), after = run(usual_rows(2), random, 5, still);
  const run_comparison c = compared(before, after, o);
  EXPECT_GT(figure_of(c, "biased")->ratio.ratio, 1.9);
  EXPECT_LT(figure_of(c, "biased", "ops_per_second")->ratio.ratio, 0.6);
  for (const char* metric : {"ns_per_op", "ops_per_second"}) EXPECT_EQ(verdict_word(*figure_of(c, "biased", metric)), "slower");
  const run_comparison turned = compared(after, before, o);
  for (const char* metric : {"ns_per_op", "ops_per_second"})
    EXPECT_EQ(verdict_word(*figure_of(turned, "biased", metric)), "faster");
  EXPECT_THAT(comparison_text(told(c)), HasSubstr("2 slower, 6 no difference"));
  EXPECT_EQ(regressions(c, 50).size(), 2U);
  EXPECT_EQ(regressions(c, 150).size(), 0U);
  EXPECT_EQ(regressions(turned, 0).size(), 0U);
}

TEST(comparison, a_gate_wants_the_whole_interval_beyond_it) {
  random_source random(8, 0);
  const run_comparison c = compared(run(usual_rows(1), random, 10, {}), run(usual_rows(1.2), random, 10, {}));
  const compared_figure& f = *figure_of(c, "biased");
  ASSERT_EQ(f.verdict, change::worse);
  const double low = 100 * (f.ratio.confidence->low - 1), value = 100 * (f.ratio.ratio - 1);
  ASSERT_LT(low, value);
  EXPECT_EQ(regressions(c, 0.99 * low).size(), 1U);
  EXPECT_EQ(regressions(c, (low + value) / 2).size(), 0U);
  EXPECT_THAT(comparison_text(told(c, 0.99 * low)), HasSubstr("a regression, biased|spin|1|throughput (ns_per_op)"));
}

TEST(comparison, doubtful_rows_get_no_verdict_and_are_not_counted_in_the_correction) {
  random_source random(9, 0);
  const auto before = run(usual_rows(1), random, 5, {});
  auto after = run(usual_rows(3), random, 5, {});
  for (auto& r : after) r.doubtful = r.strategy == "biased" && r.block != 0;
  const run_comparison c = compared(before, after);
  EXPECT_EQ(figure_of(c, "biased")->verdict, change::doubtful);
  EXPECT_EQ(c.tests, 3U);
  EXPECT_TRUE(regressions(c, 0).empty());
}

TEST(comparison, rows_of_one_side_failed_ones_and_ones_that_are_not_the_same_are_listed) {
  random_source random(10, 0);
  auto before = run({{"atomic", 10, row_role::baseline}, {"gone", 3}, {"broken", 3}, {"other", 3}}, random, 5, {});
  auto after = run({{"atomic", 10, row_role::baseline}, {"new", 3}, {"broken", 3}, {"other", 3}}, random, 5, {});
  for (auto& r : before) r.setup = {"window_ns 100", "pin \"cores\""};
  for (auto& r : after) {
    r.setup = {fmt::format("window_ns {}", r.strategy == "other" ? 200 : 100), "pin \"cores\""};
    if (r.strategy != "broken") continue;
    r.metrics.clear();
    r.status = row_status::error;
    r.reason = "3 objects are alive";
  }
  const run_comparison c = compared(before, after);
  EXPECT_EQ(c.figures.size(), 1U);
  ASSERT_EQ(c.only_before.size(), 2U);
  EXPECT_TRUE(c.only_before[1].failed);
  const std::string text = comparison_text(told(c));
  EXPECT_THAT(
      text,
      HasSubstr("Only in the old run:\n  gone|spin|1|throughput\n  broken|spin|1|throughput: failed: 3 objects are alive\n"));
  EXPECT_THAT(text, HasSubstr("Only in the new run:\n  new|spin|1|throughput\n"));
  EXPECT_THAT(text, HasSubstr("other|spin|1|throughput: set up with window_ns 200, it was window_ns 100\n"));
  comparison_options forced;
  forced.unlike_rows = true;
  EXPECT_EQ(compared(before, after, forced).figures.size(), 2U);
}

TEST(comparison, simulated_figures_are_exact_and_need_no_processes) {
  auto row = testing::spin_window("atomic", row_role::measured, 0, 0, 10);
  row.simulated = true;
  auto slower = row;
  slower.metrics[0].value = 10.1;
  EXPECT_EQ(verdict_word(compared({row}, {row}).figures.front()), "the same");
  EXPECT_EQ(verdict_word(compared({row}, {slower}).figures.front()), "slower");
  EXPECT_EQ(regressions(compared({row}, {slower}), 0.5).size(), 1U);
}

TEST(comparison, markdown_keeps_its_columns) {
  random_source random(11, 0);
  auto before = run(usual_rows(1), random, 5, {}), after = run(usual_rows(2), random, 5, {});
  for (auto* side : {&before, &after}) {
    for (auto& r : *side) r.workload = "trace file=a|b";
  }
  const std::string text = comparison_markdown(told(compared(before, after), 5));
  for (const auto& line : split(text, '\n')) {
    if (!line.starts_with("| ")) continue;
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    EXPECT_EQ(bars, 8U) << line;
  }
  EXPECT_THAT(text, HasSubstr("file=a\\|b"));
  EXPECT_THAT(text, HasSubstr("<details><summary>All 4 figures</summary>"));
}

TEST(origins, that_agree_in_all_but_the_revision_are_compared_and_others_are_named) {
  const auto record = [](const char* git, const char* flags, const char* kernel) {
    return json{{"binary", {{"git", git}, {"dirty", false}, {"flags", flags}, {"executable", git}}},
                {"machine", {{"machine_id", "0123456789abcdef"}, {"kernel", kernel}, {"timer", {{"cost_ns", 20}}}}}};
  };
  const row_origin one = origin_of(record("aaaaaaaaaa", "-O2", "6.1"));
  EXPECT_TRUE(differences(one, origin_of(record("bbbbbbbbbb", "-O2", "6.1"))).empty());
  EXPECT_NE(one.name(), origin_of(record("bbbbbbbbbb", "-O2", "6.1")).name());
  EXPECT_THAT(one.name(), ::testing::StartsWith("aaaaaaa@0123-"));
  const auto found = differences(one, origin_of(record("bbbbbbbbbb", "-O3", "6.2")));
  EXPECT_EQ(differences_text(found, "A", "B"), "  binary.flags: -O2 in A, -O3 in B\n  machine.kernel: 6.1 in A, 6.2 in B\n");
}

}  // namespace
}  // namespace tally::unit_comparison
