// Each check in each of its states, of machines that are made up: a tree of the kernel's files, or a reading.
#include "harness/measure/host_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/made_up_machine.hpp"

namespace unit_host_checks {
namespace {

using namespace tally;
using ::testing::HasSubstr;

machine_check of(const host_reading& r, const std::string& name) {
  for (const auto& c : host_checks(r)) {
    if (c.name == name) return c;
  }
  ADD_FAILURE() << "no check " << name;
  return {};
}

// The check after a change of the machine's files, or of what was read.
machine_check with_files(const std::string& name, const std::function<void(const made_up_machine&)>& change) {
  const made_up_machine machine;
  change(machine);
  return of(machine.reading(), name);
}
machine_check with(const std::string& name, const std::function<void(host_reading&)>& change) {
  host_reading r = made_up_machine().reading();
  change(r);
  return of(r, name);
}
machine_check file(const std::string& name, const std::string& path, const std::string& text) {
  return with_files(name, [&](const auto& m) { m.file(path, text); });
}
machine_check without(const std::string& name, const std::string& path) {
  return with_files(name, [&](const auto& m) { m.remove(path); });
}

void expect_warning(const machine_check& c, const std::string& value, const std::string& remedy) {
  EXPECT_EQ(c.state, check_state::warn) << c.name;
  EXPECT_THAT(c.value, HasSubstr(value)) << c.name;
  EXPECT_THAT(c.remedy, HasSubstr(remedy)) << c.name;
  EXPECT_NE(c.reason, "") << c.name;
}
void expect_hidden(const machine_check& c) {
  EXPECT_EQ(c.state, check_state::unseen) << c.name;
  EXPECT_NE(c.value, "") << c.name;
  EXPECT_NE(c.reason, "") << c.name;
}
void expect_fine(const machine_check& c, const std::string& value) {
  EXPECT_EQ(c.state, check_state::ok) << c.name << ": " << c.value;
  EXPECT_THAT(c.value, HasSubstr(value)) << c.name;
}

const std::string cpus = "/sys/devices/system/cpu/";
const std::string clocks = "/sys/devices/system/clocksource/clocksource0/";

TEST(HostChecks, OnAGoodMachineEachIsFineAndThereOnce) {
  std::vector<std::string> names;
  for (const auto& c : host_checks(made_up_machine().reading())) {
    EXPECT_EQ(c.state, check_state::ok) << c.name << ": " << c.value << ": " << c.reason;
    EXPECT_NE(c.value, "") << c.name;
    EXPECT_EQ(c.remedy, "") << c.name;
    names.push_back(c.name);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("pmu", "governor", "turbo", "smt", "isolated CPUs", "aslr", "huge pages",
                                            "clock source", "hypervisor", "container", "cpus", "cpu quota", "memory limit",
                                            "steal", "throttling", "load", "runnable threads", "clock", "hand-off", "histogram"));
}

TEST(HostChecks, ThePmuIsThereOrItsErrnoIsToldAndWhetherAnybodyHidesIt) {
  const auto denied =
      with("pmu", [](host_reading& r) { r.facts.perf_hardware = "EACCES: not allowed; sysctl x=2 or less; or this"; });
  expect_warning(denied, "EACCES: not allowed", "sysctl x=2 or less; or this");
  const auto absent =
      with("pmu", [](host_reading& r) { r.facts.pmu = false, r.facts.perf_hardware = "ENOENT: no PMU in this VM; go"; });
  expect_hidden(absent);
  EXPECT_EQ(absent.value, "ENOENT: no PMU in this VM");
  EXPECT_EQ(absent.remedy, "go");
  expect_warning(with("pmu", [](host_reading& r) { r.facts.perf_hardware = "E2BIG: the kernel is older"; }), "E2BIG",
                 "another machine");
}

TEST(HostChecks, AnyGovernorButPerformanceWarns) {
  expect_fine(with_files("governor", [](const auto&) {}), "performance (intel_pstate)");
  expect_warning(file("governor", cpus + "cpu1/cpufreq/scaling_governor", "powersave"), "performance, powersave",
                 "cpupower frequency-set -g performance");
  expect_hidden(with_files("governor", [](const auto& m) {
    for (const char* cpu : {"cpu0", "cpu1"}) m.remove(cpus + cpu + "/cpufreq");
  }));
}

TEST(HostChecks, TurboIsSwitchedOffWhereItsDriverHasTheSwitch) {
  expect_warning(file("turbo", cpus + "intel_pstate/no_turbo", "0"), "on", "intel_pstate/no_turbo");
  const auto boost = [](const char* on) {
    return with_files("turbo", [&](const auto& m) {
      m.remove(cpus + "intel_pstate");
      m.file(cpus + "cpu0/cpufreq/scaling_driver", "acpi-cpufreq");
      m.file(cpus + "cpufreq/boost", on);
    });
  };
  expect_warning(boost("1"), "on", "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost");
  expect_fine(boost("0"), "off");
  expect_hidden(without("turbo", cpus + "intel_pstate"));
}

TEST(HostChecks, SmtIsWhatTheKernelSaysOrWhatItsSiblingsAre) {
  expect_warning(file("smt", cpus + "smt/active", "1"), "on, 2 CPUs usable on 2 cores", "smt/control");
  expect_hidden(without("smt", cpus + "smt"));
  expect_warning(with_files("smt",
                            [](const auto& m) {
                              m.remove(cpus + "smt");
                              for (const char* cpu : {"cpu0", "cpu1"})
                                m.file(cpus + cpu + "/topology/thread_siblings_list", "0-1");
                            }),
                 "on, 2 CPUs usable on 1 core", "at most 1 thread (");
}

TEST(HostChecks, IsolatedCpusAreForTheLanesOrForNobody) {
  const std::string list = cpus + "isolated";
  expect_fine(file("isolated CPUs", list, "0-1"), "0-1");
  expect_warning(file("isolated CPUs", list, "1-3"), "1-3", "run --pin 1");
  expect_warning(file("isolated CPUs", list, "2-3"), "none of which", "taskset -c 2-3 tally run --pin 2-3");
  expect_hidden(without("isolated CPUs", list));
}

TEST(HostChecks, OneLayoutForAllProcessesWarns) {
  expect_warning(with("aslr", [](host_reading& r) { r.facts.aslr = "off"; }), "off", "randomize_va_space=2");
  expect_warning(file("aslr", "/proc/sys/kernel/randomize_va_space", "1"), "partial", "randomize_va_space=2");
  expect_hidden(without("aslr", "/proc/sys"));
}

TEST(HostChecks, HugePagesForEverybodyWarn) {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  expect_warning(file("huge pages", path, "[always] madvise never"), "always", "echo madvise");
  expect_fine(file("huge pages", path, "always madvise [never]"), "never");
  expect_hidden(without("huge pages", path));
}

TEST(HostChecks, AClockThatNeedsTheKernelWarns) {
  expect_warning(file("clock source", clocks + "current_clocksource", "hpet"), "hpet", "echo tsc");
  expect_warning(with_files("clock source",
                            [](const auto& m) {
                              m.file(clocks + "current_clocksource", "acpi_pm");
                              m.file(clocks + "available_clocksource", "hpet acpi_pm");
                            }),
                 "acpi_pm", "dmesg");
  expect_hidden(without("clock source", clocks));
  expect_fine(with("clock", [](host_reading& r) { r.facts.timer.cost_ns = 99; }), "99.0 ns per reading, in steps of 1 ns");
  expect_warning(with("clock", [](host_reading& r) { r.facts.timer.cost_ns = 350; }), "350.0 ns", "clock source");
}

TEST(HostChecks, LimitsOfContainersWarnWhereTheyBite) {
  const std::string group = "/sys/fs/cgroup/";
  expect_warning(file("cpu quota", group + "cpu.max", "150000 100000"), "1.5 of 2 CPUs (cgroup v2)", "--cpuset-cpus");
  expect_fine(file("cpu quota", group + "cpu.max", "200000 100000"), "2 of 2 CPUs");
  expect_warning(file("memory limit", group + "memory.max", "1073741824"), "1024 MiB", "2560 MiB or more");
  expect_fine(file("memory limit", group + "memory.max", "4294967296"), "4096 MiB");
  expect_fine(file("cpus", group + "cpuset.cpus.effective", "0-1"), "2 of 2 usable, cpuset 0-1");
  for (const char* name : {"cpu quota", "memory limit", "throttling"}) expect_hidden(without(name, "/sys/fs"));
  expect_warning(with("cpus", [](host_reading& r) { r.facts.usable_cpus = 1; }), "1 of 2", "two CPUs or more");
  expect_fine(file("container", "/.dockerenv", ""), "docker");
  expect_fine(with("hypervisor", [](host_reading& r) { r.facts.hypervisor = "KVMKVMKVM"; }), "within a run only");
  expect_hidden(with("hypervisor", [](host_reading& r) { r.facts.hypervisor = not_visible; }));
}

TEST(HostChecks, StolenTimeWarnsFromTheLimitOfDoubtfulRowsOn) {
  const auto stolen = [](std::uint64_t ticks) { return with("steal", [&](host_reading& r) { r.busy_to.steal_ticks += ticks; }); };
  expect_fine(stolen(2), "2.0 % in 500 ms of all CPUs");
  expect_warning(stolen(3), "3.0 %", "neighbours");
  expect_hidden(with("steal", [](host_reading& r) { r.facts.hypervisor = "KVMKVMKVM", r.busy_to.steal_ticks = 0; }));
  expect_fine(with("steal", [](host_reading& r) { r.busy_to.steal_ticks = 0; }), "0.0 %");
  expect_hidden(without("steal", "/proc/stat"));
}

TEST(HostChecks, AQuotaThatStopsTheProcessWarns) {
  expect_warning(with("throttling", [](host_reading& r) { r.busy_to.throttled_us += 12'000; }), "12 ms", "cpu quota");
}

TEST(HostChecks, OthersThatRunWarn) {
  expect_warning(file("load", "/proc/loadavg", "0.51 0.10 0.20 1/99 7"), "0.51 in the last minute, 0.10 in five", "idle");
  expect_warning(with("runnable threads", [](host_reading& r) { r.runnable = {0, 1, 3}; }),
                 "1 others in the median, 3 at most of 3 looks", "idle");
  expect_hidden(with("runnable threads", [](host_reading& r) { r.runnable.clear(); }));
}

TEST(HostChecks, AHandOffWarnsWhereThePairIsNoneOrMovesOrDoesNotRun) {
  const auto pair = [](const std::function<void(handoff_pair&)>& change) {
    return with("hand-off", [&](host_reading& r) { change(r.handoffs.front()); });
  };
  expect_fine(pair([](handoff_pair&) {}), "130.0 ns one way, 125.0 to 140.0 in 7 repetitions of 1 pair");
  const auto near = [](handoff_pair& p) { p.median_ns = 8, p.spread = {8, 9}; };
  expect_warning(pair(near), "8.0 ns", "idle");
  EXPECT_THAT(pair(near).reason, HasSubstr("look like one core"));
  expect_fine(pair([&](handoff_pair& p) { near(p), p.siblings = true; }), "8.0 ns");
  EXPECT_THAT(pair([](handoff_pair& p) { p.spread.high = 190; }).reason, HasSubstr("moved: 125 to 190 ns"));
  EXPECT_THAT(pair([](handoff_pair& p) { p.lost_share = 0.2; }).reason, HasSubstr("20 % of the time was lost"));
  EXPECT_THAT(pair([](handoff_pair& p) { p.failed = 2, p.repetitions = 5; }).reason,
              HasSubstr("2 of 7 probes saw no round trip"));
  expect_hidden(pair([](handoff_pair& p) { p.absent = "a thread could not be pinned"; }));
  expect_hidden(with("hand-off", [](host_reading& r) { r.handoffs.clear(); }));
  const auto several = with("hand-off", [](host_reading& r) {
    r.handoffs.push_back(r.handoffs.front());
    r.handoffs.push_back(r.handoffs.front());
    for (auto& p : r.handoffs) p.lost_share = 0.2;
    r.handoffs.back().spread.low = 110;
  });
  expect_warning(several, "110.0 to 140.0 in 7 repetitions of 3 pairs", "idle");
  EXPECT_THAT(several.reason, HasSubstr("and 2 more"));
}

TEST(HostChecks, AHistogramThatCostsMoreThanItMayWarns) {
  expect_fine(with("histogram", [](host_reading& r) { r.histogram_ns = 5; }), "5.00 ns per value, 5 ns allowed");
  expect_warning(with("histogram", [](host_reading& r) { r.histogram_ns = 5.1; }), "5.10 ns", "Release");
}

TEST(HostChecks, ThisMachineIsReadToo) {
  const auto r =
      read_host({}, cpu_topology(), {.looks = 2, .busy = std::chrono::milliseconds(20), .repetitions = 1, .most_pairs = 1});
  EXPECT_EQ(r.runnable.size(), 2u);
  EXPECT_EQ(r.usable.size(), cpu_topology().cpus.size());
  EXPECT_GE(r.busy_to.ns - r.busy_from.ns, 20'000'000u);
  EXPECT_GT(r.histogram_ns, 0);
  for (const auto& c : host_checks(r)) {
    EXPECT_NE(c.value, "") << c.name;
    EXPECT_TRUE(c.state == check_state::ok || !c.reason.empty()) << c.name;
    EXPECT_TRUE(c.state != check_state::warn || !c.remedy.empty()) << c.name;
  }
}

}  // namespace
}  // namespace unit_host_checks
