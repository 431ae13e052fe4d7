#include "harness/measure/host_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"

namespace tally {
namespace {

constexpr const char* no_cpufreq =
    "the kernel has no driver for it, or a hypervisor sets the clock out of sight: compare within a run only";

std::string list_of(const std::vector<int>& cpus) { return fmt::format("{}", fmt::join(cpus, ",")); }

// A reason of perf_absence(): what is wrong; what to do.
machine_check pmu_check(const environment_facts& f) {
  if (f.perf_hardware == "available") return machine_check::fine("pmu", f.perf_hardware);
  const auto end = f.perf_hardware.find("; ");
  const std::string wrong = f.perf_hardware.substr(0, end);
  const std::string remedy = end == std::string::npos ? "" : f.perf_hardware.substr(end + 2);
  const std::string reason = "no hardware counters: --counters has nothing to read; --observe needs none";
  if (!f.pmu) return machine_check::hidden("pmu", wrong, reason, remedy);
  return machine_check::warning("pmu", wrong, reason, remedy.empty() ? "count on another machine" : remedy);
}

machine_check governor_check(const environment_facts& f) {
  if (f.governor == not_visible) return machine_check::hidden("governor", "no cpufreq", no_cpufreq);
  const std::string value =
      f.frequency_driver == not_visible ? f.governor : fmt::format("{} ({})", f.governor, f.frequency_driver);
  if (f.governor == "performance") return machine_check::fine("governor", value);
  return machine_check::warning("governor", value, "the clock follows the load: a short window is measured while it still rises",
                                "sudo cpupower frequency-set -g performance");
}

machine_check turbo_check(const environment_facts& f) {
  if (f.turbo == not_visible) return machine_check::hidden("turbo", "no switch", no_cpufreq);
  if (f.turbo != "on") return machine_check::fine("turbo", f.turbo);
  const bool pstate = f.frequency_driver.starts_with("intel_pstate");
  return machine_check::warning(
      "turbo", f.turbo,
      "the clock depends on how many cores work and how warm they are: one thread seems faster than one of many",
      pstate ? "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
             : "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost");
}

machine_check smt_check(const environment_facts& f) {
  const std::string of = fmt::format("{} usable on {}", counted(static_cast<std::size_t>(f.usable_cpus), "CPU"),
                                     counted(static_cast<std::size_t>(f.cores), "core"));
  const bool siblings = f.cores < f.usable_cpus;
  if (f.smt == not_visible && !siblings) {
    return machine_check::hidden("smt", of, "the kernel does not say whether CPUs are hyper-threads of one core; see hand-off");
  }
  if (f.smt != "on" && !siblings) return machine_check::fine("smt", fmt::format("off, {}", of));
  return machine_check::warning(
      "smt", fmt::format("on, {}", of),
      "what runs on a core's other hyper-thread, a lane or a stranger, takes a part of the core",
      fmt::format("echo off | sudo tee /sys/devices/system/cpu/smt/control; else at most {} (--threads), and nothing beside it",
                  counted(static_cast<std::size_t>(f.cores), "thread")));
}

machine_check isolated_check(const environment_facts& f, const std::vector<int>& usable) {
  const char* name = "isolated CPUs";
  if (f.isolated_cpus == not_visible) return machine_check::hidden(name, "no list", "the kernel does not show it");
  if (f.isolated_cpus == "none") return machine_check::fine(name, "none: the scheduler may put others on any CPU");
  const std::vector<int> isolated = parse_cpu_list(f.isolated_cpus);
  std::vector<int> both;
  std::ranges::copy_if(usable, std::back_inserter(both),
                       [&](int cpu) { return std::ranges::find(isolated, cpu) != isolated.end(); });
  if (both.size() == usable.size()) return machine_check::fine(name, f.isolated_cpus);
  if (both.empty()) {
    return machine_check::warning(name, fmt::format("{}, none of which this process may use", f.isolated_cpus),
                                  "the quiet CPUs are idle while the measurement is on those of everybody",
                                  fmt::format("taskset -c {} {}", f.isolated_cpus, command("run", "--pin", f.isolated_cpus)));
  }
  return machine_check::warning(name, f.isolated_cpus, "some lanes are put on quiet CPUs, and others on those of everybody",
                                command("run", "--pin", list_of(both)));
}

machine_check aslr_check(const environment_facts& f) {
  if (f.aslr == not_visible) return machine_check::hidden("aslr", "no setting", "the kernel does not show it");
  if (f.aslr == "full") return machine_check::fine("aslr", "full: each process draws a layout, and processes are averaged over");
  return machine_check::warning("aslr", f.aslr, "all processes have one layout, which may happen to suit one strategy",
                                "sudo sysctl kernel.randomize_va_space=2, and no setarch -R");
}

machine_check thp_check(const environment_facts& f) {
  const char* name = "huge pages";
  if (f.thp == not_visible) return machine_check::hidden(name, "no setting", "this kernel has no transparent huge pages");
  if (f.thp != "always") return machine_check::fine(name, f.thp);
  return machine_check::warning(name, f.thp,
                                "whether a heap gets huge pages hangs on what memory is free, so that processes differ",
                                "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
}

// Those that are read without a call of the kernel.
machine_check clock_source_check(const environment_facts& f) {
  constexpr std::array<std::string_view, 5> quick{"tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page",
                                                  "riscv_clocksource"};
  const char* name = "clock source";
  if (f.clocksource == not_visible) return machine_check::hidden(name, "no setting", "the kernel does not show it; see clock");
  if (std::ranges::find(quick, f.clocksource) != quick.end()) return machine_check::fine(name, f.clocksource);
  const auto there = split(f.clocksources, ' ');
  const bool tsc = std::ranges::find(there, "tsc") != there.end();
  return machine_check::warning(
      name, f.clocksource, "each reading is a call of the kernel, and one or two are in every latency",
      tsc ? "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
          : "the kernel gave up a quicker one when it started, and says why: sudo dmesg | grep -i -e tsc -e clocksource");
}

machine_check hypervisor_check(const environment_facts& f) {
  const char* name = "hypervisor";
  if (f.hypervisor == not_visible) return machine_check::hidden(name, "not told", "this processor does not say");
  if (f.hypervisor == "none") return machine_check::fine(name, f.hypervisor);
  return machine_check::fine(name, f.hypervisor + ": neighbours are out of sight, compare within a run only");
}

machine_check quota_check(const environment_facts& f) {
  const char* name = "cpu quota";
  if (f.groups.version == 0) return no_control_group(name);
  const std::string version = fmt::format("(cgroup v{})", f.groups.version);
  if (!f.groups.cpus) return machine_check::fine(name, fmt::format("none {}", version));
  const std::string value = fmt::format("{:.3g} of {} CPUs {}", *f.groups.cpus, f.usable_cpus, version);
  if (*f.groups.cpus >= f.usable_cpus) return machine_check::fine(name, value);
  return machine_check::warning(name, value, "once it is used up, all threads are stopped until the next period",
                                "give the container whole CPUs (--cpuset-cpus=0,1) instead of a share of time (--cpus)");
}

machine_check cpus_check(const environment_facts& f) {
  std::string value = fmt::format("{} of {} usable", f.usable_cpus, f.cpus);
  if (!f.groups.cpuset.empty()) value += fmt::format(", cpuset {}", f.groups.cpuset);
  if (f.usable_cpus > 1) return machine_check::fine("cpus", value);
  return machine_check::warning("cpus", value, "no two threads run at the same time, so that nothing is contended",
                                "two CPUs or more: --cpuset-cpus of the container, taskset, or another machine");
}

machine_check memory_check(const environment_facts& f) {
  // The arena of `none` takes up to 2048 MiB (cap_mib) before its row says "exhausted"; the rest is for everything else.
  constexpr std::int64_t enough_mib = 2560;
  const char* name = "memory limit";
  if (f.groups.version == 0) return no_control_group(name);
  if (!f.groups.memory_mib) return machine_check::fine(name, fmt::format("none, {} MiB in the machine", f.memory_mib));
  const std::string value = fmt::format("{} MiB", *f.groups.memory_mib);
  if (*f.groups.memory_mib >= enough_mib) return machine_check::fine(name, value);
  return machine_check::warning(name, value,
                                "the kernel ends a worker, or reclaims, before a strategy that never frees is at its cap",
                                fmt::format("a limit of {} MiB or more, or none:cap_mib=512", enough_mib));
}

}  // namespace

machine_check no_control_group(std::string name) {
  return machine_check::hidden(std::move(name), "no control group", "none is mounted in /sys/fs/cgroup");
}

std::vector<machine_check> setting_checks(const environment_facts& f, const std::vector<int>& usable) {
  return {pmu_check(f),  governor_check(f), turbo_check(f),        smt_check(f),       isolated_check(f, usable),
          aslr_check(f), thp_check(f),      clock_source_check(f), hypervisor_check(f)};
}

std::vector<machine_check> limit_checks(const environment_facts& f) {
  const std::string kind = f.container == "none" ? "none" : f.container + ": its limits are the next lines";
  return {machine_check::fine("container", kind), cpus_check(f), quota_check(f), memory_check(f)};
}

std::vector<machine_check> host_checks(const host_reading& r) {
  std::vector<machine_check> all = setting_checks(r.facts, r.usable);
  for (auto& part : {limit_checks(r.facts), moment_checks(r), probe_checks(r)}) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace tally
