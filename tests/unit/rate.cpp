// --rate: what may be typed, what a row is called, what a record keeps of it, and which rows a plan makes of it.
#include "harness/results/rate.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/base/errors.hpp"
#include "harness/results/estimates.hpp"
#include "harness/results/metrics.hpp"
#include "harness/results/record.hpp"
#include "harness/run/plan.hpp"
#include "tests/support/fake_registry.hpp"

namespace tally::unit_rate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const run_request& r) {
  try {
    (void)make_plan(testing::fake_registry(), r, testing::fake_machine(2));
  } catch (const usage_error& e) {
    return e.what();
  }
  return "";
}

TEST(rate, is_read_as_people_write_it_and_told_so_that_it_can_be_read_again) {
  EXPECT_EQ(rate_choice::read("--rate", "20000").per_second, 20'000);
  EXPECT_EQ(rate_choice::read("--rate", "20k"), rate_choice("20000"));
  EXPECT_EQ(rate_choice::read("--rate", "1.5M").per_second, 1'500'000);
  EXPECT_EQ(rate_choice::read("--rate", "50%").percent, 50);
  EXPECT_FALSE(rate_choice::read("--rate", "closed").open());
  for (const char* typed : {"20000", "0.5", "1.5M", "1M", "50%", "12.5%", "closed", "1234567.25"}) {
    EXPECT_EQ(rate_choice(rate_choice(typed).text().c_str()), rate_choice(typed)) << typed;
  }
  EXPECT_EQ(rate_choice("1500000").text(), "1.5M");
  EXPECT_EQ(rate_choice("20k").text(), "20000");
}

TEST(rate, that_means_nothing_is_refused_with_what_may_be_typed) {
  for (const char* typed : {"", "0", "-5", "fast", "5x", "0%", "201%", "%", "M", "200M", "nan", "inf", "20 000", "50 %"}) {
    try {
      (void)rate_choice::read("--rate", typed);
      ADD_FAILURE() << typed;
    } catch (const usage_error& e) {
      EXPECT_THAT(e.what(), StartsWith(fmt::format("--rate {}: operations per second between", typed)));
    }
  }
}

row_spec row_of(const rate_choice& rate, arrival_kind arrivals = arrival_kind::constant) {
  row_spec r;
  r.strategy = "atomic";
  r.workload = r.workload_label = "server";
  r.mode = measure_mode::latency;
  r.rate = rate;
  r.arrivals = arrivals;
  return r;
}

TEST(rate, is_in_the_rows_key_and_scene) {
  EXPECT_EQ(row_of("closed").key(), "atomic|server|1|latency");
  EXPECT_EQ(row_of("20k").key(), "atomic|server|1|latency@20000/s");
  EXPECT_EQ(row_of("50%").scene(), "server|1|latency@50%");
  EXPECT_EQ(row_of("1.5M", arrival_kind::poisson).scene(), "server|1|latency@1.5M/s,poisson");
  EXPECT_EQ(row_of("50%", arrival_kind::poisson).measured().words(),
            "latency at 50% of the closed loop's rate, Poisson arrivals");
  EXPECT_EQ(row_of("closed").measured().words(), "latency");
}

TEST(rate, survives_the_way_to_a_worker_and_into_a_record) {
  for (const char* typed : {"closed", "20000", "33.3%"}) {
    const json record = to_json(run_item{row_of(typed, arrival_kind::poisson)});
    const run_item back = item_from(json::parse(record.dump()));
    EXPECT_EQ(back.row.rate, rate_choice(typed));
    if (back.row.rate.open()) {
      EXPECT_EQ(back.row.arrivals, arrival_kind::poisson);
    }
    EXPECT_EQ(record.at("config").contains("rate"), back.row.rate.open());
  }
}

TEST(rate, of_a_result_is_in_its_title) {
  json record = to_json(run_item{row_of("20000")});
  record["status"] = "ok";
  record["open_loop"] = {{"saturated", true}};
  const std::vector<result> results{result_from(record)};
  EXPECT_TRUE(results[0].saturated);
  const auto scenes = group_scenes(results, {});
  ASSERT_EQ(scenes.size(), 1U);
  EXPECT_EQ(scenes[0].title, "server, 1 thread, latency at 20000/s");
  EXPECT_EQ(scenes[0].mode, "latency");
  EXPECT_EQ(scenes[0].rows[0].saturated(), 1U);
}

run_request asked(std::vector<measure_mode> modes, std::vector<rate_choice> rates) {
  run_request r;
  r.strategies = {"atomic"};
  r.workloads = {"spin"};
  r.threads = "1";
  r.seed = 1;
  r.modes = std::move(modes);
  r.rates = std::move(rates);
  return r;
}

TEST(rate, makes_a_scene_of_latency_each_and_leaves_other_modes_alone) {
  const run_plan p = make_plan(testing::fake_registry(),
                               asked({measure_mode::throughput, measure_mode::latency}, {"closed", "50%", "100", "50%"}),
                               testing::fake_machine(2));
  std::vector<std::string> keys;
  for (const auto& r : p.rows) {
    if (r.role == row_role::baseline) keys.push_back(r.key());
  }
  EXPECT_THAT(keys, ElementsAre("atomic|spin|1|throughput", "atomic|spin|1|latency", "atomic|spin|1|latency@50%",
                                "atomic|spin|1|latency@100/s"));
  for (const auto& r : p.rows) EXPECT_TRUE(r.mode == measure_mode::latency || !r.rate.open());
}

TEST(rate, in_per_cent_takes_the_time_of_the_closed_loop_before_it) {
  const auto seconds = [](const char* rate) {
    const run_plan p = make_plan(testing::fake_registry(), asked({measure_mode::latency}, {rate}), testing::fake_machine(2));
    return p.predicted_seconds();
  };
  EXPECT_EQ(seconds("100"), seconds("closed"));
  EXPECT_GT(seconds("50%"), 1.5 * seconds("closed"));
}

TEST(rate, without_rows_of_latency_is_refused) {
  EXPECT_EQ(refusal(asked({}, {"50%"})), "--rate 50%: no chosen row measures latency; give --mode latency, too");
  EXPECT_EQ(refusal(asked({measure_mode::latency}, {"50%"})), "");
  run_request r = asked({measure_mode::latency}, {});
  r.arrivals = arrival_kind::poisson;
  EXPECT_EQ(refusal(r), "--arrivals poisson: only rows of a rate have arrivals; give --rate, too");
  r.rates = {"closed"};
  EXPECT_THAT(refusal(r), HasSubstr("--arrivals poisson"));
  r.rates = {"10"};
  EXPECT_EQ(refusal(r), "");
}

// A window in which two lanes did 100 and 90 steps in a millisecond each.
window_result window_of(std::optional<open_loop> open) {
  window_result w;
  w.open = open;
  w.window_ns = 1'000'000;
  w.process_cpu_ns = 500'000;
  for (const std::uint64_t steps : {100U, 90U}) {
    lane_result l;
    l.operations = l.steps = steps;
    l.opened_ns = 1, l.closed_ns = 1'000'001;
    l.paced = {.late = 30, .overslept = 2, .spun_ns = 60'000, .backlog_at_opening = 1, .backlog_at_closing = 5};
    w.lanes.push_back(l);
    for (std::uint64_t i = 0; i < steps; ++i) {
      w.latencies.record(1000);
      if (open) w.service.record(200);
    }
  }
  return w;
}

json metrics_of(const row_spec& row, const window_result& w, const window_context& seen = {}) {
  json all = json::object();
  const measured_window window(row, w, seen);
  for (const auto& m : measured_metrics()) {
    if (const auto v = m.of(window)) all[std::string(m.name)] = *v;
  }
  return all;
}

TEST(rate, has_metrics_of_what_was_asked_reached_and_left) {
  window_context seen;
  seen.closed_loop_rate = 400'000;
  const json m = metrics_of(row_of("50%"), window_of(open_loop{.per_second = 200'000}), seen);
  EXPECT_EQ(m.at("rate_asked"), 200'000.0);
  EXPECT_NEAR(m.at("rate_reached").get<double>(), 190'000, 1);
  EXPECT_EQ(m.at("rate_closed"), 400'000.0);
  EXPECT_EQ(m.at("backlog"), 10.0);
  EXPECT_NEAR(m.at("late_share").get<double>(), 60.0 / 190, 1e-9);
  EXPECT_NEAR(m.at("overslept_share").get<double>(), 4.0 / 190, 1e-9);
  EXPECT_EQ(m.at("latency_p9999"), 1000.0);
  EXPECT_EQ(m.at("service_p999"), 200.0);
  // Half a millisecond, less what was spun.
  EXPECT_NEAR(m.at("cpu_ns_per_op").get<double>(), (500'000.0 - 120'000) / 190, 1e-6);
  EXPECT_NEAR(m.at("spun_ns_per_op").get<double>(), 120'000.0 / 190, 1e-6);
}

TEST(rate, leaves_no_metric_in_other_rows) {
  for (const auto mode : {measure_mode::latency, measure_mode::throughput, measure_mode::memory}) {
    row_spec row = row_of("closed");
    row.mode = mode;
    const json m = metrics_of(row, window_of(std::nullopt));
    for (const char* name : {"rate_asked", "rate_reached", "rate_closed", "backlog", "late_share", "overslept_share",
                             "spun_ns_per_op", "service_p50", "service_max"}) {
      EXPECT_FALSE(m.contains(name)) << name;
    }
    EXPECT_EQ(m.contains("latency_p50"), mode == measure_mode::latency);
    EXPECT_EQ(m.contains("cpu_ns_per_op"), mode != measure_mode::latency);
  }
}

}  // namespace
}  // namespace tally::unit_rate
