// When a run has enough processes: the rule's arithmetic with made-up clocks and widths, and runs whose windows are drawn.
#include "harness/run/stopping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/random.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/run/plan.hpp"
#include "harness/session/config_file.hpp"
#include "tests/support/made_up_windows.hpp"

namespace tally::unit_stopping {
namespace {

using ::testing::HasSubstr;
using testing::normal;
using testing::spin_window;

const interval_width two_percent{0.02};
const time_budget a_minute{std::chrono::minutes(1)};

std::vector<row_width> widths(std::vector<double> shares) {
  std::vector<row_width> all;
  for (const double share : shares) all.push_back({"row", share});
  return all;
}

template <class T>
std::string refusal(const char* text) {
  try {
    (void)T::read("--flag", text);
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(stopping, widths_and_budgets_are_read_and_told) {
  for (const char* text : {"2%", "0.5%", "12.25%", "100%"}) EXPECT_EQ(interval_width::read("--until", text).text(), text);
  EXPECT_DOUBLE_EQ(interval_width::read("--until", "2%").share, 0.02);
  EXPECT_EQ(refusal<interval_width>("2"), "--flag 2: per cent between 0.01% and 100%, such as 2%");
  for (const char* text : {"0%", "-1%", "101%", "x%", "%", "nan%"}) EXPECT_NE(refusal<interval_width>(text), "accepted") << text;
  EXPECT_DOUBLE_EQ(time_budget::read("--budget", "5m").seconds(), 300);
  EXPECT_DOUBLE_EQ(time_budget::read("--budget", "1.5h").seconds(), 5400);
  EXPECT_EQ(time_budget::read("--budget", "90s").text(), "90s");
  for (const char* text : {"5", "0h", "-1h", "2000h", "h"}) EXPECT_NE(refusal<time_budget>(text), "accepted") << text;
}

TEST(stopping, without_a_rule_the_number_of_processes_is_known) {
  const stop_rule rule = make_stop_rule(3, 5, {}, {}, 1);
  EXPECT_FALSE(rule.open());
  EXPECT_FALSE(decide(rule, 2, 1, {}).why);
  EXPECT_EQ(decide(rule, 3, 1, {}).why, stop_reason::number);
  EXPECT_EQ(make_stop_rule({}, 5, {}, {}, 1).text(), "5 processes");
}

TEST(stopping, the_number_that_is_asked_for_is_the_least_of_until_and_the_most_of_a_budget) {
  const auto limits = [](const stop_rule& r) { return std::array{r.least, r.most, r.planned}; };
  using three = std::array<int, 3>;
  EXPECT_EQ(limits(make_stop_rule({}, 5, two_percent, {}, 1)), (three{5, most_until, most_until}));
  EXPECT_EQ(limits(make_stop_rule(8, 5, two_percent, {}, 1)), (three{8, most_until, most_until}));
  EXPECT_EQ(limits(make_stop_rule(2, 5, two_percent, {}, 1)), (three{citable_processes, most_until, most_until}));
  EXPECT_EQ(limits(make_stop_rule(50, 5, two_percent, {}, 1)), (three{50, 50, 50}));
  EXPECT_EQ(limits(make_stop_rule({}, 5, {}, a_minute, 7)), (three{1, most_processes, 8})) << "as is predicted, 8 of 7 s";
  EXPECT_EQ(limits(make_stop_rule(4, 5, {}, a_minute, 7)), (three{1, 4, 4}));
  EXPECT_EQ(limits(make_stop_rule({}, 5, {}, a_minute, 100)), (three{1, most_processes, 1})) << "one, however long";
  EXPECT_EQ(limits(make_stop_rule({}, 5, two_percent, a_minute, 1)), (three{5, most_processes, 60}));
}

TEST(stopping, until_goes_on_as_long_as_one_ratio_is_too_wide) {
  const stop_rule rule = make_stop_rule({}, 5, two_percent, {}, 1);
  EXPECT_FALSE(decide(rule, 4, 1, widths({0.001})).why) << "not before five";
  EXPECT_FALSE(decide(rule, 7, 1, widths({0.021, 0.001})).why);
  EXPECT_EQ(decide(rule, 7, 1, widths({0.02, 0.001})).why, stop_reason::width);
  EXPECT_FALSE(decide(rule, 7, 1, widths({INFINITY, 0.001})).why) << "no interval yet";
  EXPECT_EQ(decide(rule, 30, 1, widths({0.5})).why, stop_reason::most);
  EXPECT_EQ(decide(rule, 5, 1, {}).why, stop_reason::width) << "nothing that could become narrower";
}

TEST(stopping, what_is_expected_follows_the_root_of_the_number) {
  const stop_rule rule = make_stop_rule({}, 5, two_percent, {}, 1);
  EXPECT_EQ(decide(rule, 5, 1, widths({0.04})).expected, 20);
  EXPECT_EQ(decide(rule, 5, 1, widths({0.4})).expected, 30) << "no more than the most";
  EXPECT_EQ(decide(rule, 3, 1, widths({INFINITY})).expected, 5);
  EXPECT_EQ(decide(rule, 9, 1, widths({0.0201})).expected, 10);
}

// A clock that is made up: processes of ten seconds, a budget of 55.
TEST(stopping, a_budget_ends_before_the_process_that_would_not_fit) {
  const stop_rule rule = make_stop_rule({}, 5, {}, time_budget{std::chrono::seconds(55)}, 1);
  for (int processes = 1; processes < 5; ++processes) {
    const stop_decision said = decide(rule, processes, 10.0 * processes, {});
    EXPECT_FALSE(said.why) << processes;
    EXPECT_EQ(said.expected, 5) << "told from the first process on";
  }
  EXPECT_EQ(decide(rule, 5, 50, {}).why, stop_reason::budget);
  EXPECT_EQ(decide(rule, 4, 45, {}).why, stop_reason::budget) << "slower than the first ones were";
  EXPECT_EQ(decide(rule, 1, 100, {}).why, stop_reason::budget) << "the first took more than all the time";
  EXPECT_FALSE(decide(rule, 5, 45, {}).why);
}

TEST(stopping, of_width_and_budget_what_comes_first_ends_it) {
  const stop_rule rule = make_stop_rule({}, 5, two_percent, a_minute, 1);
  EXPECT_EQ(decide(rule, 5, 10, widths({0.01})).why, stop_reason::width);
  EXPECT_EQ(decide(rule, 6, 58, widths({0.05})).why, stop_reason::budget);
  EXPECT_EQ(decide(rule, 3, 58, widths({0.01})).why, stop_reason::budget) << "before five there is no interval to end it";
  EXPECT_FALSE(decide(rule, 40, 40, widths({0.05})).why) << "the budget is the most";
}

TEST(stopping, a_plan_without_a_baseline_has_nothing_to_become_narrow) {
  run_plan plan;
  plan.blocks = 1;
  plan.rows.resize(1);
  plan.request.until = two_percent;
  EXPECT_THROW(settle_processes(plan, 5), usage_error);
  plan.rows.front().role = row_role::baseline;
  settle_processes(plan, 5);
  EXPECT_EQ(plan.processes, most_until);
  EXPECT_THAT(plan.stop.text(), HasSubstr("5 to 30 processes, until each ratio is within 2%"));
  EXPECT_THAT(plan.takes_text(), HasSubstr(" for 5, "));
}

TEST(stopping, widths_are_of_every_row_that_is_compared_and_the_widest_is_first) {
  random_source random(5, 0);
  std::vector<result> all;
  for (int p = 0; p < 6; ++p) {
    all.push_back(spin_window("atomic", row_role::baseline, p, 0, 10));
    all.push_back(spin_window("atomic", row_role::again, p, 0, 10 * std::exp(0.001 * normal(random))));
    all.push_back(spin_window("loud", row_role::measured, p, 0, 4 * std::exp(0.1 * normal(random))));
    if (p < 3) all.push_back(spin_window("lost", row_role::measured, p, 0, 4));
  }
  const auto found = ratio_widths(all, {});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].row, "lost|spin|1|throughput");
  EXPECT_TRUE(std::isinf(found[0].share));
  EXPECT_EQ(found[1].row, "loud|spin|1|throughput");
  EXPECT_NEAR(found[1].share, 2.57 * 0.1 / std::sqrt(6), 0.06) << "Student's t times the error";
  EXPECT_EQ(found[2].row, "atomic|spin|1|throughput|aa");
  EXPECT_LT(found[2].share, 0.003);
}

// Process by process, as a run goes on: it ends at the first number of which all that is said is narrow, and no sooner.
TEST(stopping, a_run_ends_at_the_first_process_after_which_all_is_narrow) {
  random_source random(11, 0);
  const stop_rule rule = make_stop_rule({}, 5, two_percent, {}, 1);
  std::vector<result> all;
  int ended = 0, first_narrow = 0;
  for (int p = 0; p < 30 && ended == 0; ++p) {
    all.push_back(spin_window("atomic", row_role::baseline, p, 0, 10));
    all.push_back(spin_window("atomic", row_role::again, p, 0, 10 * std::exp(0.01 * normal(random))));
    all.push_back(spin_window("fast", row_role::measured, p, 0, 4 * std::exp(0.035 * normal(random))));
    const auto said = ratio_widths(all, {});
    if (first_narrow == 0 && p + 1 >= 5 && said.front().share <= 0.02) first_narrow = p + 1;
    if (decide(rule, p + 1, p, said).why) ended = p + 1;
  }
  EXPECT_EQ(ended, first_narrow);
  EXPECT_GT(ended, 5) << "with a scatter of 3.5 % five processes say too little";
  EXPECT_LT(ended, 30);
}

// What stopping on the width does to what an interval promises: 400 runs that go on until theirs is narrow, with a truth that is known.
TEST(stopping, intervals_of_runs_that_end_on_their_width_hold_the_truth_nearly_as_often) {
  random_source random(50'000, 0);
  const stop_rule rule = make_stop_rule({}, 5, interval_width{0.05}, {}, 1);
  int covered = 0, processes = 0;
  constexpr int experiments = 400;
  for (int i = 0; i < experiments; ++i) {
    replicated logs;
    for (int n = 1;; ++n) {
      logs.push_back({0.3 + 0.07 * normal(random)});
      if (n < rule.least) continue;
      const interval it = interval_of(logs);
      if (!decide(rule, n, 1, widths({std::exp((it.high - it.low) / 2) - 1})).why) continue;
      covered += it.low <= 0.3 && 0.3 <= it.high ? 1 : 0;
      processes += n;
      break;
    }
  }
  RecordProperty("covered_of_400", covered);
  RecordProperty("processes", processes);
  EXPECT_GE(covered, experiments * 86 / 100);
  EXPECT_LE(covered, experiments * 98 / 100);
}

TEST(stopping, the_end_is_told_with_its_reason_and_what_is_still_too_wide) {
  const stop_rule until = make_stop_rule({}, 5, two_percent, {}, 1), budget = make_stop_rule({}, 5, {}, a_minute, 1);
  const std::vector<row_width> wide{{"fast|spin|1|throughput", 0.045}, {"atomic|spin|1|throughput|aa", 0.01}};
  EXPECT_EQ(end_text(until, {stop_reason::width, 9, 1, widths({0.01, 0.01})}), "Ended after 9 processes: 2 ratios within 2%.\n");
  EXPECT_EQ(end_text(until, {stop_reason::most, 30, 1, wide}),
            "Ended after 30 processes, the most: 1 of 2 ratios wider than 2%, the widest 4.5% (fast|spin|1|throughput).\n");
  EXPECT_EQ(end_text(budget, {stop_reason::budget, 1, 61, {}}),
            "Ended after 1 process, since another would not have fitted into 60 s.\n");
  EXPECT_EQ(end_text(until, {std::nullopt, 2, 1, wide}), "") << "interrupted: the summary says that";
  EXPECT_EQ(end_text(make_stop_rule({}, 5, {}, {}, 1), {stop_reason::number, 5, 1, {}}), "");
  EXPECT_EQ(width_text(until, widths({INFINITY, 0.01})), "1 of 2 ratios not yet within 2%");
}

TEST(stopping, config_json_keeps_how_a_run_ended) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tally-stopping-XXXXXX").string();
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
  EXPECT_FALSE(noted_end(directory)) << "there is no file";
  write_whole(directory / "config.json", R"({"schema": 1, "processes": 30, "smoke": false})");
  EXPECT_FALSE(noted_end(directory));
  const stop_rule rule = make_stop_rule({}, 5, two_percent, {}, 1);
  note_end(directory, rule, {std::nullopt, 2, 7.5, widths({INFINITY})});
  ASSERT_TRUE(noted_end(directory));
  EXPECT_FALSE(noted_end(directory)->why) << "interrupted";
  EXPECT_DOUBLE_EQ(noted_end(directory)->seconds, 7.5);
  const auto config = [&] { return json::parse(*text_in(directory / "config.json")); };
  EXPECT_EQ(config().at("processes"), 30) << "as planned, as long as nothing ended it";
  EXPECT_TRUE(config().at("ended").at("widths").at(0).at(1).is_null());
  note_end(directory, rule, {stop_reason::width, 9, 20, widths({0.01})});
  EXPECT_EQ(noted_end(directory)->why, stop_reason::width);
  EXPECT_EQ(noted_end(directory)->processes, 9);
  EXPECT_EQ(config().at("processes"), 9);
  note_end(directory, rule, {stop_reason::budget, 3, 20, {}});
  EXPECT_EQ(config().at("smoke"), true);
  write_whole(directory / "config.json", R"({"ended": {"why": 7}})");
  EXPECT_FALSE(noted_end(directory)) << "not what is written there";
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tally::unit_stopping
