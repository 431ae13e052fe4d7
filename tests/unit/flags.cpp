// The table of flags: each flag's value is read, told, written to config.json and read back; what can't be read is named.
#include "harness/session/flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/session/config_file.hpp"

namespace tally::unit_flags {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A text for each flag of a request, as value_text() tells it, which is not what the flag is without it.
const std::map<std::string, std::string> texts{
    {"suite", "quick"},
    {"strategy", "biased:merge=detached,atomic:*"},
    {"workload", "trace:file=json_cycle"},
    {"set", "tree_churn.depth=1..4"},
    {"threads", "1,2,4"},
    {"cores", "1,128"},
    {"think", "0,50,200"},
    {"mode", "latency,memory"},
    {"rate", "20000,1.5M,12.5%,closed"},
    {"arrivals", "poisson"},
    {"counters", "cycles"},
    {"heap", "1.5x,64M"},
    {"baseline", "biased"},
    {"duration", "250ms"},
    {"processes", "3"},
    {"until", "2%"},
    {"budget", "300s"},
    {"repeat", "7"},
    {"pin", "0,2,3"},
    {"allocator", "mimalloc,system"},
    {"gc-workers", "4"},
    {"machine", "epyc-7742"},
    {"protocol", "moesi"},
    {"caches", "finite"},
    {"schedule", "rr:5,random:0.5"},
    {"ops", "77"},
    {"warm-up", "11"},
    {"most-accesses", "308"},
    {"seed", "18446744073709551615"},
};

template <class Row, class Request>
void take(const Row& row, Request& r) {
  using value = typename Row::value;
  if constexpr (std::same_as<value, bool>) {
    r.*row.member = true;
  } else if constexpr (is_list<value>::value) {
    r.*row.member = read_values<typename value::value_type>(row.name, texts.at(row.name), row.range);
  } else {
    r.*row.member = read_value<value>(row.name, texts.at(row.name), row.range);
  }
}

template <class Request>
class request_flags : public ::testing::Test {};
using requests = ::testing::Types<run_request, sim::sim_request>;
TYPED_TEST_SUITE(request_flags, requests);

// What config.json gives back. A simulation's is written with its machine.
template <class Request>
Request back(const Request& r) {
  Request read;
  read_request(json::parse(request_json(r).dump()), read);
  return read;
}

TYPED_TEST(request_flags, every_flag_is_told_as_it_is_read_and_survives_the_file) {
  TypeParam standard;
  if constexpr (std::same_as<TypeParam, sim::sim_request>) standard.model = sim::load_machine(sim::default_machine);
  EXPECT_EQ(back(standard), standard);
  TypeParam all = standard;
  each_flag<TypeParam>([&](const auto& row) {
    TypeParam one = standard;
    take(row, one);
    if constexpr (!std::same_as<typename std::remove_cvref_t<decltype(row)>::value, bool>) {
      EXPECT_EQ(value_text(one.*row.member), texts.at(row.name)) << row.name;
    }
    EXPECT_FALSE(one == standard) << row.name;
    EXPECT_EQ(back(one), one) << row.name;
    EXPECT_THAT(first_difference(one, standard), StartsWith(fmt::format("--{} ", row.name)));
    take(row, all);
  });
  EXPECT_EQ(back(all), all);
  EXPECT_EQ(first_difference(all, back(all)), "");
}

struct typed : session_flags, run_request {};

TEST(flags, of_an_earlier_request_only_what_was_typed_changes) {
  run_request there;
  there.heaps = {"2x"};
  there.processes = 3;
  typed now;
  now.heaps = {"3x"};
  now.blocks = 9;
  now.given = {"heap"};
  const run_request asked = overlaid(there, now);
  EXPECT_EQ(value_text(asked.heaps), "3x");
  EXPECT_EQ(asked.processes, 3);
  EXPECT_EQ(asked.blocks, std::nullopt);
}

TEST(flags, the_first_difference_names_the_flag_and_both_values) {
  run_request there;
  there.threads = "2";
  run_request asked = there;
  EXPECT_EQ(first_difference(asked, there), "");
  asked.threads = "1..4*2";
  EXPECT_EQ(first_difference(asked, there), "--threads 1,2,4 (it was 2)");
  asked.threads = there.threads;
  asked.heaps = {"2x", "3x"};
  EXPECT_EQ(first_difference(asked, there), "--heap 2x,3x (it was not given)");
}

TEST(flags, a_subcommand_has_those_that_its_options_have_members_for) {
  const auto names = [](auto options) {
    std::set<std::string> all;
    each_flag<decltype(options)>(
        [&](const auto& row) { EXPECT_TRUE(all.insert(row.name).second) << row.name << " is there twice"; });
    return all;
  };
  const auto run = names(run_options()), sim = names(sim::sim_options());
  EXPECT_EQ(names(watch_options()), (std::set<std::string>{"strategy", "events", "steps"}));
  EXPECT_TRUE(run.contains("threads") && !run.contains("cores") && !run.contains("machine"));
  EXPECT_TRUE(run.contains("rate") && !sim.contains("rate") && !sim.contains("arrivals"));
  EXPECT_TRUE(sim.contains("cores") && !sim.contains("threads") && !sim.contains("pin") && !sim.contains("timeout"));
  for (const char* both : {"suite", "heap", "seed", "from", "plan"})
    EXPECT_TRUE(run.contains(both) && sim.contains(both)) << both;
}

template <class T>
std::string refusal(const char* flag, const char* text, number_range range = {}) {
  try {
    if constexpr (is_list<T>::value) {
      (void)read_values<typename T::value_type>(flag, text, range);
    } else {
      (void)read_value<T>(flag, text, range);
    }
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(flags, what_can_not_be_read_is_named_with_its_flag) {
  EXPECT_EQ(refusal<const suite_info*>("--suite", "quik"), "--suite quik: no such suite; did you mean quick?");
  EXPECT_THAT(refusal<thread_list>("--threads", "0"), HasSubstr("--threads 0: auto, or numbers between 1 and 1024"));
  EXPECT_THAT(refusal<thread_list>("--threads", "two"), HasSubstr("--threads two: auto, or"));
  EXPECT_THAT(refusal<sim::core_list>("--cores", "129"), HasSubstr("--cores 129: numbers between 1 and 128"));
  EXPECT_THAT(refusal<sim::core_list>("--cores", "auto"), HasSubstr("--cores auto: numbers"));
  for (const char* bad : {"big", "0x", "-1x", "1001x", "nanx", "0", "-1M", "M", "64X", "x", ""}) {
    EXPECT_EQ(refusal<heap_limit>("--heap", bad), fmt::format("--heap {}: a multiple such as 2x, or bytes such as 64M", bad));
  }
  for (const char* bad : {"100", "ms", "-1s", "2h", "1us", "nan"}) {
    EXPECT_THAT(refusal<std::chrono::nanoseconds>("--duration", bad), StartsWith(fmt::format("--duration {}: ", bad)));
  }
  EXPECT_EQ(refusal<std::vector<allocator_choice>>("--allocator", "system,tcmalloc"),
            "--allocator tcmalloc: no such allocator; did you mean mimalloc?");
  EXPECT_EQ(refusal<std::vector<allocator_choice>>("--allocator", "system,"),
            "--allocator system,: a comma without a value beside it");
  EXPECT_EQ(refusal<std::vector<measure_mode>>("--mode", "latncy"), "--mode latncy: no such value; did you mean latency?");
  EXPECT_EQ(refusal<sim::protocol>("--protocol", "mosi"), "--protocol mosi: no such value; did you mean mesi?");
  EXPECT_EQ(refusal<worker_count>("--gc-workers", "257"), "--gc-workers 257: a number between 1 and 256, or threads");
  EXPECT_EQ(refusal<name_spec>("--strategy", "atomic:slot"), "--strategy atomic:slot: 'slot' is not name=value");
  EXPECT_EQ(refusal<set_spec>("--set", "=1"), "--set =1: name=value");
  EXPECT_EQ(refusal<sim::schedule>("--schedule", "rr:0"),
            "--schedule rr:0: timed, rr:k with k >= 1, or random:p with p above 0 and up to 1");
  EXPECT_EQ(refusal<int>("--repeat", "1001", {1, 1000}), "--repeat 1001: between 1 and 1000");
  EXPECT_EQ(refusal<int>("--repeat", "2.5", {1, 1000}), "--repeat 2.5: a whole number");
  EXPECT_EQ(refusal<std::uint64_t>("--seed", "-1"), "--seed -1: a whole number");
  EXPECT_EQ(refusal<std::uint64_t>("--seed", "18446744073709551616"),
            "--seed 18446744073709551616: a whole number that is not so large");
}

TEST(flags, a_whole_number_is_the_same_however_it_is_typed) {
  EXPECT_EQ(read_value<std::uint64_t>("--ops", "1e3", {1, flags::most_operations}), 1000U);
  EXPECT_EQ(read_value<int>("--repeat", "20.0", {1, 1000}), 20);
  EXPECT_EQ(read_value<std::uint64_t>("--seed", "18446744073709551615", {}), 18446744073709551615U);
  EXPECT_EQ(refusal<std::uint64_t>("--ops", "1e10", {1, flags::most_operations}), "--ops 1e10: between 1 and 1000000000");
  for (const char* bad : {"1e", "1e-1", "0.5", "nan", "inf", "1e16", "-1e3", " 1e3", "1e3 "}) {
    EXPECT_EQ(refusal<std::uint64_t>("--seed", bad), fmt::format("--seed {}: a whole number", bad));
  }
  EXPECT_EQ(refusal<int>("--repeat", "1e10"), "--repeat 1e10: a whole number");
}

TEST(flags, values_have_units) {
  using namespace std::chrono_literals;
  EXPECT_EQ(read_duration("--duration", "100ms"), 100ms);
  EXPECT_EQ(read_duration("--duration", "1.5s"), 1500ms);
  EXPECT_EQ(duration_text(1500ms), "1500ms");
  EXPECT_EQ(duration_text(2s), "2s");
  EXPECT_EQ(duration_text(100500ns), "100.5us");
  EXPECT_EQ(heap_limit::read("--heap", "64M").bytes, 64U << 20);
  EXPECT_EQ(heap_limit::read("--heap", "4096").bytes, 4096U);
  EXPECT_EQ(heap_limit::read("--heap", "1.25x").multiple, 1.25);
}

TEST(flags, a_request_with_another_type_s_value_is_refused_and_one_of_old_is_read) {
  const auto read = [](const char* text) {
    run_request r;
    read_request(json::parse(text), r);
    return r;
  };
  EXPECT_EQ(read(R"({"suite": "", "threads": "", "duration": "", "processes": 0, "allocator": ""})"), run_request());
  EXPECT_EQ(value_text(read(R"({"allocator": "mimalloc,system", "strategy": ["plain,atomic:a=1,b=2"]})").strategies),
            "plain,atomic:a=1,b=2");
  for (const char* bad :
       {R"({"seed": -1})", R"({"processes": 1001})", R"({"processes": "3"})", R"({"heap": [3]})", R"({"heap": {}})",
        R"({"observe": 1})", R"({"pin": 0})", R"({"threads": "x"})", R"({"seed": 1.5})", R"({"set": "a"})"}) {
    EXPECT_THROW((void)read(bad), usage_error) << bad;
  }
  sim::sim_request r;
  EXPECT_THROW(read_request(json::parse(R"({"threads": "1,2"})"), r), usage_error);
}

}  // namespace
}  // namespace tally::unit_flags
