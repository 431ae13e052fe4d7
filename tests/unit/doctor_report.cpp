#include "harness/report/doctor_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/session/program_checks.hpp"
#include "tests/support/made_up_machine.hpp"

namespace tally::unit_doctor_report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const machine_check good = machine_check::fine("smt", "off");
const machine_check bad = machine_check::warning("governor", "powersave", "the clock moves", "set it");
const machine_check unseen = machine_check::hidden("turbo", "no switch", "a hypervisor");

TEST(DoctorReport, ALineHasNameStateAndValueAndBelowItWhatHelps) {
  EXPECT_THAT(doctor_text({good, bad, unseen}), StartsWith("smt       ok           off\n"
                                                           "governor  warn         powersave\n"
                                                           "    the clock moves\n"
                                                           "    Remedy: set it\n"
                                                           "turbo     not visible  no switch\n"
                                                           "    a hypervisor\n"
                                                           "\n"
                                                           "Numbers from here may lie"));
}

TEST(DoctorReport, TheVerdictIsOneSentenceThatNamesWhatIsWrongOrUnseen) {
  EXPECT_EQ(doctor_verdict({good, bad, unseen}), "Numbers from here may lie: 1 of 3 checks warn (governor).");
  EXPECT_EQ(doctor_verdict({good, unseen}),
            "Nothing that can be seen makes numbers lie here, but 1 thing can't be (turbo): compare within a run only.");
  EXPECT_EQ(doctor_verdict({good}), "Nothing makes numbers lie here that can be checked (1 check).");
}

TEST(DoctorReport, AsJsonItHasWhatWasReadToo) {
  const host_reading r = made_up_machine().reading();
  const json j = doctor_json({good, bad, unseen}, r);
  EXPECT_EQ(
      j.at("checks").at(1),
      (json{
          {"name", "governor"}, {"value", "powersave"}, {"state", "warn"}, {"reason", "the clock moves"}, {"remedy", "set it"}}));
  EXPECT_FALSE(j.at("checks").at(0).contains("remedy"));
  EXPECT_EQ(j.at("warnings"), 1);
  EXPECT_EQ(j.at("not_visible"), 1);
  EXPECT_EQ(j.at("machine").at("governor"), "performance");
  EXPECT_EQ(j.at("before").at("governor"), "performance");
  EXPECT_EQ(j.at("handoffs").at(0).at("high_ns"), 140);
}

program_reading good_program() {
  return {{"0.1.0", "0123456789ab", false, "GNU 12", "-O2 -DNDEBUG", "Release", ""},
          false,
          "system",
          "",
          "results",
          std::uint64_t{1} << 40};
}

check_state state_of(const program_reading& p, const std::string& name) {
  for (const auto& c : program_checks(p)) {
    EXPECT_TRUE(c.state != check_state::warn || !(c.remedy.empty() || c.reason.empty())) << c.name;
    if (c.name == name) return c.state;
  }
  ADD_FAILURE() << "no check " << name;
  return check_state::ok;
}

TEST(ProgramChecks, EachHasEachOfItsStates) {
  for (const char* name : {"build type", "sanitizers", "assertions", "allocator", "plots", "disk", "binary"}) {
    EXPECT_EQ(state_of(good_program(), name), check_state::ok) << name;
  }
  const auto with = [](const char* name, auto change) {
    program_reading p = good_program();
    change(p);
    return state_of(p, name);
  };
  EXPECT_EQ(with("build type", [](auto& p) { p.built.build_type = "Debug"; }), check_state::warn);
  EXPECT_EQ(with("sanitizers", [](auto& p) { p.built.sanitizer = "thread"; }), check_state::warn);
  EXPECT_EQ(with("assertions", [](auto& p) { p.assertions = true; }), check_state::warn);
  EXPECT_EQ(with("allocator", [](auto& p) { p.allocator = "mimalloc"; }), check_state::warn);
  EXPECT_EQ(with("plots", [](auto& p) { p.plots_lack = "no matplotlib"; }), check_state::warn);
  EXPECT_EQ(with("disk", [](auto& p) { p.free_bytes = 1000; }), check_state::warn);
  EXPECT_EQ(with("disk", [](auto& p) { p.free_bytes.reset(); }), check_state::unseen);
  EXPECT_EQ(with("binary", [](auto& p) { p.built.dirty = true; }), check_state::warn);
  EXPECT_EQ(with("binary", [](auto& p) { p.built.git = "unknown"; }), check_state::unseen);
}

TEST(ProgramChecks, RoomIsToldOfAFolderThatIsNotThereYet) {
  const made_up_tree tree;
  EXPECT_TRUE(read_program(tree.path() + "/not/yet").free_bytes.has_value());
}

}  // namespace
}  // namespace tally::unit_doctor_report
