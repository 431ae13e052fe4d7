// The machine that a row ran on, and what it was doing: facts once a run, moments before and after each row.
//
// Nothing here names a host, a user or a path of this machine. The machine is recognised by a salted hash of facts that don't
// change (hardware as seen from here, /etc/machine-id): equal ids mean that two results may be compared, and the id can't be
// turned back into what it was made from.
//
// What can't be seen is said so: a text is "not visible", a number is absent (null in JSON). A governor that can't be read is
// not a governor that is fine.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/control_groups.hpp"
#include "harness/measure/kernel_files.hpp"
#include "harness/measure/probe.hpp"
#include "harness/measure/quality.hpp"
#include "harness/measure/topology.hpp"

namespace tally {

inline constexpr const char* not_visible = "not visible";

struct cache_fact {
  int level = 0;
  std::string type;  // Data, Instruction, Unified
  long kib = 0;
  int line_bytes = 0;
  int shared_by = 1;  // CPUs
};

struct environment_facts {
  std::string machine_id;  // 32 hex digits
  std::string architecture, kernel, cpu_model;
  int cpus = 0, usable_cpus = 0, cores = 0, packages = 0, numa_nodes = 0, core_kinds = 1;  // from cores on: of the usable ones
  std::string smt;                                                                         // on, off, not visible
  std::vector<cache_fact> caches;                                                          // of the first usable CPU
  std::string governor, frequency_driver, turbo;
  std::string hypervisor;     // none, "yes" or its name as the CPU reports it
  std::string container;      // none, or what kind, as far as the kernel shows it
  std::string isolated_cpus;  // the kernel's list, none, not visible
  group_limits groups;
  std::string aslr;  // off, partial, full
  std::string thp;
  std::string clocksource, clocksources;     // the kernel's; all that it could take
  bool pmu = false;                          // the kernel shows one
  std::string perf_hardware, perf_software;  // "available", or "ENOENT: no PMU in this VM; run on bare metal or expose a vPMU"
  std::string libc;
  long memory_mib = 0, page_bytes = 0;
  timer_probe timer;
};

// A reading of what moves. Tick counts are the kernel's USER_HZ since boot, for the difference of two moments.
struct environment_moment {
  std::uint64_t ns = 0;  // the harness's clock
  double load1 = 0, load5 = 0;
  int runnable = 0;  // threads that stay runnable on the machine, without the one that asks
  std::uint64_t all_ticks = 0, steal_ticks = 0, idle_ticks = 0;
  std::uint64_t context_switches = 0;   // of the machine
  std::uint64_t throttled_us = 0;       // this process's control groups, by their quotas of CPU time, since they were made
  std::string governor;                 // of the usable CPUs; several are listed
  std::optional<double> frequency_mhz;  // mean over the usable CPUs, as the kernel says
  std::optional<double> temperature_c;  // the hottest zone
  long available_mib = 0;
};

// Read at the first call, about 10 ms; the same afterwards.
[[nodiscard]] const environment_facts& environment();
[[nodiscard]] environment_moment environment_now();

// The same of other files, and of the usable CPUs that `topology` says. What only a call can tell (the kernel's version, the clock,
// counters) is this machine's.
[[nodiscard]] environment_facts read_environment(const kernel_files&, const topology&);
[[nodiscard]] environment_moment read_moment(const kernel_files&, const topology&);

// Stolen time over all CPU time between two moments. One tick may be rounding: fewer than two count as none.
[[nodiscard]] double steal_share(const environment_moment& before, const environment_moment& after);

// What judge() wants of the environment, for a row that was pinned as `pins` says and ran between the two moments.
[[nodiscard]] quality_input quality_input_of(const std::vector<int>& pins, const environment_moment& before,
                                             const environment_moment& after);

void to_json(nlohmann::json&, const cache_fact&);
void to_json(nlohmann::json&, const group_limits&);
void to_json(nlohmann::json&, const timer_probe&);
void to_json(nlohmann::json&, const handoff_probe&);
void to_json(nlohmann::json&, const environment_facts&);
void to_json(nlohmann::json&, const environment_moment&);
void to_json(nlohmann::json&, const row_quality&);
// What the record has; of an older one the rest stays as it is made.
void from_json(const nlohmann::json&, environment_moment&);

// The readers, for tests: from a text such as /proc/stat, /proc/loadavg.
namespace detail {
void read_stat(const std::string& text, environment_moment&);
void read_loadavg(const std::string& text, environment_moment&);
// Looks again while threads are seen, a few times in about a millisecond; the least of them. A thread that has ended (a probe's, a
// lane) counts until the kernel has taken it down, and the parent until it waits again; one that stays is in every look.
[[nodiscard]] int least_runnable(const std::function<int()>& look);
std::string salted_id(const std::string& facts);
}  // namespace detail

}  // namespace tally
