// /proc and /sys of a machine on which nothing makes numbers lie: two cores, no limits, nobody else. A test makes one thing worse.
#pragma once

#include "harness/measure/host_checks.hpp"
#include "tests/support/made_up_tree.hpp"

namespace tally {

class made_up_machine : public made_up_tree {
 public:
  made_up_machine() {
    file("/proc/cpuinfo", "model name : made up");
    file("/proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB");
    file("/proc/loadavg", "0.02 0.10 0.20 1/99 7");
    file("/proc/stat", "cpu  1000 0 100 9000 0 0 0 20 0 0\nctxt 5");
    file("/proc/sys/kernel/randomize_va_space", "2");
    file("/proc/self/cgroup", "0::/");
    file("/sys/fs/cgroup/cpu.stat", "usage_usec 9");
    file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    const std::string cpus = "/sys/devices/system/cpu/", clock = "/sys/devices/system/clocksource/clocksource0/";
    file(clock + "current_clocksource", "tsc");
    file(clock + "available_clocksource", "tsc hpet acpi_pm");
    file(cpus + "isolated", "");
    file(cpus + "smt/active", "0");
    file(cpus + "intel_pstate/no_turbo", "1");
    for (const char* cpu : {"cpu0", "cpu1"}) {
      file(cpus + cpu + "/cpufreq/scaling_governor", "performance");
      file(cpus + cpu + "/cpufreq/scaling_driver", "intel_pstate");
      file(cpus + cpu + "/cpufreq/scaling_cur_freq", "2400000");
      file(cpus + cpu + "/topology/thread_siblings_list", std::string(1, cpu[3]));
    }
  }

  // What a call would say of this machine, and not a file, is as on a good one.
  [[nodiscard]] host_reading reading() const {
    const kernel_files files(path());
    const topology machine = read_topology(path() + "/sys/devices/system", {0, 1});
    host_reading r;
    r.facts = read_environment(files, machine);
    r.facts.cpus = 2;
    r.facts.hypervisor = "none";
    r.facts.pmu = true;
    r.facts.perf_hardware = "available";
    r.facts.timer = {25, 1};
    r.usable = {0, 1};
    r.before = r.busy_from = r.busy_to = read_moment(files, machine);
    r.busy_to.ns += 500'000'000;
    r.busy_to.all_ticks += 100;
    r.runnable = {0, 0, 1};
    handoff_pair pair;
    pair.cpu_a = 0, pair.cpu_b = 1, pair.repetitions = 7, pair.median_ns = 130, pair.spread = {125, 140};
    r.handoffs = {pair};
    r.histogram_ns = 2;
    return r;
  }
};

}  // namespace tally
