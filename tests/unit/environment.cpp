#include "harness/measure/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace unit_environment {
namespace {

using namespace tally;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Environment, ProcStatIsReadByItsColumns) {
  environment_moment m;
  detail::read_stat("cpu  10 1 20 300 5 6 7 8 99 98\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\nctxt 123456\nbtime 9\n", m);
  EXPECT_EQ(m.all_ticks, 10u + 1 + 20 + 300 + 5 + 6 + 7 + 8) << "guest time is inside of user time";
  EXPECT_EQ(m.idle_ticks, 305u);
  EXPECT_EQ(m.steal_ticks, 8u);
  EXPECT_EQ(m.context_switches, 123456u);
}

TEST(Environment, LoadIsReadWithoutTheReader) {
  environment_moment m;
  detail::read_loadavg("0.52 1.25 2.00 3/456 789\n", m);
  EXPECT_DOUBLE_EQ(m.load1, 0.52);
  EXPECT_DOUBLE_EQ(m.load5, 1.25);
  EXPECT_EQ(m.runnable, 2);
}

TEST(Environment, AThreadThatHasJustEndedIsNotRunnable) {
  std::vector<int> seen{2, 1, 0, 5};
  std::size_t looks = 0;
  EXPECT_EQ(detail::least_runnable([&] { return seen.at(looks++); }), 0);
  EXPECT_EQ(looks, 3u) << "none is the least there can be";
  EXPECT_EQ(detail::least_runnable([] { return 3; }), 3) << "three that stay";
}

TEST(Environment, StealIsAShareOfTicksAndOneTickIsRounding) {
  environment_moment before, after;
  before.all_ticks = 1000, before.steal_ticks = 10;
  after.all_ticks = 1200, after.steal_ticks = 20;
  EXPECT_DOUBLE_EQ(steal_share(before, after), 0.05);
  after.steal_ticks = 11;
  EXPECT_DOUBLE_EQ(steal_share(before, after), 0);
  EXPECT_DOUBLE_EQ(steal_share(after, before), 0) << "backwards";
}

TEST(Environment, TheMachineIdIsStableSaltedAndDiffersByMachine) {
  EXPECT_EQ(detail::salted_id("x"), detail::salted_id("x"));
  EXPECT_NE(detail::salted_id("x"), detail::salted_id("y"));
  EXPECT_EQ(detail::salted_id("x").size(), 32u);
  // SHA-256 of "x" alone begins with 2d711642b726b044: the id is not a bare hash of what it is made from.
  EXPECT_FALSE(detail::salted_id("x").starts_with("2d711642b726b044"));
}

TEST(Environment, EveryTextOfTheFactsSaysSomething) {
  const nlohmann::json facts = environment();
  for (const auto& [key, value] : facts.items()) {
    EXPECT_FALSE(value.is_string() && value.get<std::string>().empty()) << key;
    EXPECT_FALSE(value.is_null()) << key;
  }
  EXPECT_GE(environment().usable_cpus, 1);
  EXPECT_GT(environment().memory_mib, 0);
  EXPECT_GT(environment().timer.cost_ns, 0);
  // Either it opens, or the reason has the errno by name.
  for (const auto& perf : {environment().perf_hardware, environment().perf_software}) {
    EXPECT_THAT(perf, AnyOf("available", StartsWith("E"))) << perf;
  }
}

TEST(Environment, NamesNoHostNoUserAndNoPath) {
  const std::string text = nlohmann::json(environment()).dump() + nlohmann::json(environment_now()).dump();
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  if (std::string(host).size() > 3) {
    EXPECT_THAT(text, Not(HasSubstr(host)));
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && std::string(home).size() > 1) {
    EXPECT_THAT(text, Not(HasSubstr(home)));
  }
  EXPECT_THAT(text, Not(HasSubstr("\"/")));
}

TEST(Environment, AMomentMovesOn) {
  const auto before = environment_now();
  const auto after = environment_now();
  EXPECT_GT(after.ns, before.ns);
  EXPECT_GE(after.all_ticks, before.all_ticks);
  EXPECT_GT(before.all_ticks, 0u);
  EXPECT_GE(after.context_switches, before.context_switches);
  EXPECT_FALSE(before.governor.empty());
  const nlohmann::json j = before;
  EXPECT_TRUE(j["frequency_mhz"].is_null() || j["frequency_mhz"].is_number()) << "absent is null, not 0";
}

}  // namespace
}  // namespace unit_environment
