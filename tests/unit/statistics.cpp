// The statistics against closed forms and against synthetic data whose truth is known.
#include "harness/measure/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "harness/base/random.hpp"
#include "tests/support/made_up_windows.hpp"

namespace tally::unit_statistics {
namespace {

using testing::normal;

// Processes that differ from each other, windows that differ in each.
replicated drawn(random_source& random, int processes, int blocks, double truth, double between, double within) {
  replicated values;
  for (int p = 0; p < processes; ++p) {
    const double level = truth + between * normal(random);
    values.emplace_back();
    for (int b = 0; b < blocks; ++b) values.back().push_back(level + within * normal(random));
  }
  return values;
}

bool holds(const interval& it, double truth) { return it.low <= truth && truth <= it.high; }

TEST(statistics, the_median_of_an_even_number_is_the_mean_of_the_middle_two) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_DOUBLE_EQ(median({7}), 7);
}

TEST(statistics, quantiles_are_linear_between_neighbours) {
  EXPECT_DOUBLE_EQ(quantile({10, 20, 30, 40, 50}, 0.25), 20);
  EXPECT_DOUBLE_EQ(quantile({10, 20}, 0.3), 13);
  EXPECT_DOUBLE_EQ(quantile({10, 20}, 1), 20);
}

TEST(statistics, students_distribution_agrees_with_its_tables) {
  EXPECT_NEAR(student_quantile(0.975, 1), 12.7062, 1e-4);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.30265, 1e-5);
  EXPECT_NEAR(student_quantile(0.975, 4), 2.77645, 1e-5);
  EXPECT_NEAR(student_quantile(0.975, 9), 2.26216, 1e-5);
  EXPECT_NEAR(student_quantile(0.95, 30), 1.69726, 1e-5);
}

TEST(statistics, the_centre_does_not_let_one_bad_window_speak_for_its_process) {
  EXPECT_DOUBLE_EQ(centre({{1, 1, 100}, {3, 3, 3}}), 2);
}

TEST(statistics, an_interval_is_students_t_of_the_medians_of_processes) {
  // Medians -1, 0, 1: variance 1, and t of two degrees of freedom.
  const double reach = student_quantile(0.975, 2) / std::sqrt(3);
  const interval plain = interval_of({{-1, -1, 50}, {0}, {1, 1, -50}});
  EXPECT_NEAR(plain.low, -reach, 1e-12);
  EXPECT_NEAR(plain.high, reach, 1e-12);
}

TEST(statistics, an_interval_of_what_is_above_0_stays_there) {
  const double e = std::numbers::e, factor = std::exp(student_quantile(0.975, 2) / std::sqrt(3));
  const interval scattered = interval_of({{1 / e}, {1}, {e}});
  const double middle = (1 / e + 1 + e) / 3;
  EXPECT_NEAR(scattered.low, middle / factor, 1e-12);
  EXPECT_NEAR(scattered.high, middle * factor, 1e-12);
  const interval shares = interval_of({{0}, {0}, {0.3}});
  EXPECT_EQ(shares.low, 0);
  EXPECT_NEAR(shares.high, 0.1 + student_quantile(0.975, 2) * 0.1, 1e-12);
}

TEST(statistics, an_interval_of_constant_data_is_a_point) {
  const interval i = interval_of({{2, 2}, {2, 2}, {2, 2}});
  EXPECT_DOUBLE_EQ(i.low, 2);
  EXPECT_DOUBLE_EQ(i.high, 2);
}

// 1000 experiments with a known truth: a 95 % interval holds it in 95 % of them, up to three errors of 1000 draws (2.1 %), be the
// scatter between processes or windows.
TEST(statistics, a_95_percent_interval_covers_the_truth_as_often_as_it_says) {
  struct {
    double between, within;
  } constexpr scatters[]{{0.1, 0}, {0, 0.1}, {0.1, 0.1}, {0.03, 0.1}};
  for (const auto& scatter : scatters) {
    for (const int processes : {5, 10}) {
      random_source random(20'000, static_cast<std::uint64_t>(processes));
      int covered = 0;
      constexpr int experiments = 1000;
      for (int i = 0; i < experiments; ++i) {
        auto values = drawn(random, processes, 3, 0.3, scatter.between, scatter.within);
        covered += holds(interval_of(values), 0.3) ? 1 : 0;
      }
      EXPECT_GE(covered, experiments * 929 / 1000) << scatter.between << " " << scatter.within << " " << processes;
      EXPECT_LE(covered, experiments * 971 / 1000) << scatter.between << " " << scatter.within << " " << processes;
    }
  }
}

// The same where one process in ten scatters six times as much as the others, and of a figure with a long tail upwards, of which five
// processes have not seen all: there an interval may hold somewhat less than it promises.
TEST(statistics, intervals_cover_nearly_as_often_where_nothing_is_normal) {
  for (const int processes : {5, 10}) {
    random_source random(40'000, static_cast<std::uint64_t>(processes));
    int contaminated = 0, skewed = 0;
    constexpr int experiments = 1000;
    for (int i = 0; i < experiments; ++i) {
      replicated far, tailed;
      for (int p = 0; p < processes; ++p) {
        far.push_back({(random.chance(0.1) ? 6 : 1) * normal(random)});
        tailed.push_back({std::exp(0.5 * normal(random))});
      }
      contaminated += holds(interval_of(far), 0) ? 1 : 0;
      skewed += holds(interval_of(tailed), std::exp(0.125)) ? 1 : 0;
    }
    EXPECT_GE(contaminated, experiments * 929 / 1000) << processes;
    EXPECT_GE(skewed, experiments * 90 / 100) << processes;
  }
}

TEST(statistics, an_interval_holds_1_where_p_is_above_5_percent_and_nowhere_else) {
  random_source random(50'000, 0);
  int apart = 0;
  for (int i = 0; i < 200; ++i) {
    replicated a = drawn(random, 5, 3, 0.1, 0.1, 0.05);
    for (auto& process : a) {
      for (double& v : process) v = std::exp(v);
    }
    const replicated ones(5, std::vector<double>(3, 1.0));
    const auto paired = ratio_of(a, ones, 5);
    const auto two = unpaired_ratio_of(a, {{1, 1.1}, {0.9}, {1}, {1.2}, {1}}, 5);
    EXPECT_EQ(holds(*paired->confidence, 1), paired->p >= 0.05) << i;
    EXPECT_EQ(holds(*two->confidence, 1), two->p >= 0.05) << i;
    apart += paired->p < 0.05 ? 1 : 0;
  }
  EXPECT_GT(apart, 20);
  EXPECT_LT(apart, 180);
}

TEST(statistics, windows_of_a_process_are_not_taken_for_independent) {
  // All the variation is between processes: more windows must not make the interval narrower.
  random_source random(3, 0);
  replicated few = drawn(random, 6, 1, 0, 1, 0), many = few;
  for (auto& process : many) process.assign(50, process.front());
  const interval a = interval_of(few), b = interval_of(many);
  EXPECT_EQ(b.high - b.low, a.high - a.low);
}

TEST(statistics, a_ratio_is_paired_window_by_window) {
  // Both rows drift by a factor of four from block to block; their ratio is 2 in every one.
  const auto r = ratio_of({{2, 8}, {4, 16}}, {{1, 4}, {2, 8}}, 5);
  ASSERT_TRUE(r);
  EXPECT_DOUBLE_EQ(r->ratio, 2);
  EXPECT_DOUBLE_EQ(r->spread.low, 2);
  EXPECT_DOUBLE_EQ(r->spread.high, 2);
}

TEST(statistics, fewer_processes_than_are_needed_give_no_interval) {
  const replicated two{{2, 2.1}, {2, 1.9}}, ones{{1, 1}, {1, 1}};
  EXPECT_FALSE(ratio_of(two, ones, 5)->confidence);
  EXPECT_TRUE(ratio_of(two, ones, 2)->confidence);
}

TEST(statistics, a_lost_window_is_left_out_on_both_sides) {
  const auto r = ratio_of({{2, NAN}, {2, 2}}, {{1, 1}, {1}}, 5);
  ASSERT_TRUE(r);
  EXPECT_DOUBLE_EQ(r->ratio, 2);
  EXPECT_FALSE(ratio_of({{NAN}}, {{1}}, 5));
  EXPECT_FALSE(ratio_of({}, {{1}}, 5));
}

TEST(statistics, runs_that_share_no_block_are_not_paired) {
  // Logs 0, 1, 2 and 0, 2: centres 1 and 1, variances 1 and 2.
  const double e = std::numbers::e;
  const auto r = unpaired_ratio_of({{1}, {e}, {e * e}}, {{1}, {e * e}}, 5);
  ASSERT_TRUE(r);
  EXPECT_DOUBLE_EQ(r->ratio, 1);
  EXPECT_FALSE(r->confidence);
  EXPECT_NEAR(r->log_error, std::sqrt(1.0 / 3 + 2.0 / 2), 1e-12);
  EXPECT_NEAR(r->freedom, std::pow(4.0 / 3, 2) / (1.0 / 9 / 2 + 1.0), 1e-12);
  EXPECT_DOUBLE_EQ(r->p, 1);
  EXPECT_EQ(r->least_processes, 2);
  EXPECT_FALSE(unpaired_ratio_of({{NAN, 0}}, {{1}}, 5));
}

TEST(statistics, an_unpaired_interval_covers_the_truth_with_sides_of_different_size_and_scatter) {
  random_source random(30'000, 0);
  int covered = 0;
  constexpr int experiments = 400;
  for (int i = 0; i < experiments; ++i) {
    auto a = drawn(random, 5, 3, 0.3, 0.1, 0.1), b = drawn(random, 10, 3, 0, 0.03, 0.05);
    for (auto* side : {&a, &b}) {
      for (auto& process : *side) {
        for (double& v : process) v = std::exp(v);
      }
    }
    const auto it = unpaired_ratio_of(a, b, 5);
    covered += it->confidence->low <= std::exp(0.3) && std::exp(0.3) <= it->confidence->high ? 1 : 0;
  }
  EXPECT_GE(covered, experiments * 91 / 100);
  EXPECT_LE(covered, experiments * 98 / 100);
}

TEST(statistics, holms_correction_steps_down_and_never_orders_anew) {
  const std::vector<double> adjusted = holm_adjusted(std::vector<double>{0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected{0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted.at(i), expected[i], 1e-12) << i;
  EXPECT_DOUBLE_EQ(holm_adjusted(std::vector<double>{0.7, 0.9}).front(), 1);
  EXPECT_TRUE(holm_adjusted({}).empty());
}

TEST(statistics, the_bound_of_the_correction_is_between_what_it_leaves_and_what_it_does_not) {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005};
  EXPECT_DOUBLE_EQ(holm_bound(p), 0.025);  // two are left, and the third would have to be below 0.05 / 2
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_EQ(p[i] < holm_bound(p), adjusted.at(i) < significance) << i;
  EXPECT_DOUBLE_EQ(holm_bound(std::vector<double>{0.001}), significance);
  EXPECT_DOUBLE_EQ(holm_bound({}), significance);
}

TEST(statistics, a_paired_ratio_has_students_p_of_its_processes) {
  // Logs 1, 2, 3: mean 2, error 1/sqrt(3), and with two degrees of freedom p is 1 - t / sqrt(2 + t^2).
  const double e = std::numbers::e, t = 2 * std::sqrt(3.0);
  const auto r = ratio_of({{e}, {e * e}, {e * e * e}}, {{1}, {1}, {1}}, 5);
  ASSERT_TRUE(r);
  EXPECT_NEAR(r->log_error, 1 / std::sqrt(3.0), 1e-12);
  EXPECT_NEAR(r->p, 1 - t / std::sqrt(2 + t * t), 1e-9);
  EXPECT_DOUBLE_EQ(ratio_of({{2}}, {{1}}, 5)->p, 1);
  EXPECT_DOUBLE_EQ(ratio_of({{2}, {2}}, {{2}, {2}}, 5)->p, 1);
  EXPECT_DOUBLE_EQ(ratio_of({{2}, {2}}, {{1}, {1}}, 5)->p, 0);
}

TEST(statistics, the_least_difference_is_the_quantile_of_the_strictest_step) {
  EXPECT_NEAR(least_seen(0.01, 4, 1), 0.0277645, 1e-6);
  EXPECT_NEAR(least_seen(0.01, 4, 5), 0.0460409, 1e-6);  // t of 0.995
}

// Of 400 series that do not change at most 5 % and the error of the draws are marked; a step or a drift of several times the scatter is.
TEST(statistics, halves_of_a_series_that_changes_differ_and_others_hardly_ever) {
  random_source random(40'000, 0);
  int still = 0, steps = 0, drifts = 0;
  constexpr int experiments = 400;
  for (int i = 0; i < experiments; ++i) {
    replicated values = drawn(random, 8, 3, 0.3, 0.02, 0.02);
    still += halves_of(values)->unstable() ? 1 : 0;
    replicated drifting = values;
    for (std::size_t p = 0; p < values.size(); ++p) {
      for (double& v : drifting[p]) v += 0.02 * static_cast<double>(p);
      if (p >= 4) {
        for (double& v : values[p]) v += 0.2;
      }
    }
    steps += halves_of(values)->unstable() ? 1 : 0;
    drifts += halves_of(drifting)->unstable() ? 1 : 0;
  }
  EXPECT_LE(still, experiments * 8 / 100);
  EXPECT_GE(steps, experiments * 98 / 100);
  EXPECT_GE(drifts, experiments * 50 / 100);
}

TEST(statistics, halves_are_of_processes_in_their_order) {
  const auto h = halves_of({{0}, {0.01}, {1}, {1.01}, {1}});
  ASSERT_TRUE(h);
  EXPECT_NEAR(h->ratio, std::exp(3.01 / 3 - 0.005), 1e-12);
  EXPECT_TRUE(h->unstable());
  EXPECT_FALSE(halves_of({{0}, {0}, {1}}));
  EXPECT_FALSE(halves_of({{0.1}, {0.1}, {0.1}, {0.1}})->unstable());
}

TEST(statistics, outliers_are_beyond_tukeys_fences) {
  // Quartiles 0 and 1: mild beyond 2.5 and -1.5, severe beyond 4 and -3.
  const outlier_count found = outliers_of({{-1, -1, 0, 0, 0}, {0, 1, 1, 3, 20}});
  EXPECT_EQ(found.mild, 1U);
  EXPECT_EQ(found.severe, 1U);
  const outlier_count none = outliers_of({{2, 2}, {2, 2 + 1e-15}});  // rounding is none
  EXPECT_EQ(none.mild + none.severe, 0U);
  EXPECT_EQ(outliers_of({}).severe, 0U);
}

TEST(statistics, the_rank_sum_test_agrees_with_its_exact_tables) {
  const std::vector<double> low{1, 2, 3, 4, 5}, high{6, 7, 8, 9, 10}, mixed{1.5, 2.5, 3.5, 4.5, 5.5};
  EXPECT_NEAR(mann_whitney_p(low, high), 2.0 / 252, 1e-12);  // 1 of C(10,5) arrangements on either side
  EXPECT_NEAR(mann_whitney_p(low, mixed), 0.690476, 1e-6);   // U = 10
  EXPECT_DOUBLE_EQ(mann_whitney_p(low, {}), 1);
}

TEST(statistics, the_rank_sum_test_knows_ties) {
  const std::vector<double> same(30, 1.0);
  EXPECT_DOUBLE_EQ(mann_whitney_p(same, same), 1);
  std::vector<double> low(30, 1.0), high(30, 2.0);
  EXPECT_LT(mann_whitney_p(low, high), 1e-9);
}

}  // namespace
}  // namespace tally::unit_statistics
