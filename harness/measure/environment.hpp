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
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

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
  std::string isolated_cpus;  // the kernel's list, "none"
  std::string aslr;           // off, partial, full
  std::string thp, clocksource;
  std::string perf_hardware, perf_software;  // "available", or "ENOENT: No such file or directory"
  std::string libc;
  long memory_mib = 0, page_bytes = 0;
  timer_probe timer;
};

// A reading of what moves. Tick counts are the kernel's USER_HZ since boot, for the difference of two moments.
struct environment_moment {
  std::uint64_t ns = 0;  // the harness's clock
  double load1 = 0, load5 = 0;
  int runnable = 0;  // threads runnable on the machine, without the one that asks
  std::uint64_t all_ticks = 0, steal_ticks = 0, idle_ticks = 0;
  std::uint64_t context_switches = 0;   // of the machine
  std::uint64_t throttled_us = 0;       // this process's control groups, by their quotas of CPU time, since they were made
  std::optional<double> frequency_mhz;  // mean over the usable CPUs, as the kernel says
  std::optional<double> temperature_c;  // the hottest zone
  long available_mib = 0;
};

// Read at the first call, about 10 ms; the same afterwards.
[[nodiscard]] const environment_facts& environment();
[[nodiscard]] environment_moment environment_now();

// Stolen time over all CPU time between two moments. One tick may be rounding: fewer than two count as none.
[[nodiscard]] double steal_share(const environment_moment& before, const environment_moment& after);

// What judge() wants of the environment, for a row that was pinned as `pins` says and ran between the two moments.
[[nodiscard]] quality_input quality_input_of(const std::vector<int>& pins, const environment_moment& before,
                                             const environment_moment& after);

void to_json(nlohmann::json&, const cache_fact&);
void to_json(nlohmann::json&, const timer_probe&);
void to_json(nlohmann::json&, const handoff_probe&);
void to_json(nlohmann::json&, const environment_facts&);
void to_json(nlohmann::json&, const environment_moment&);
void to_json(nlohmann::json&, const row_quality&);

// The readers, for tests: from a text such as /proc/stat, /proc/loadavg.
namespace detail {
void read_stat(const std::string& text, environment_moment&);
void read_loadavg(const std::string& text, environment_moment&);
std::string salted_id(const std::string& facts);
// `groups`: /proc/self/cgroup; `root`: /sys/fs/cgroup, of either version.
std::uint64_t throttled_us(const std::string& groups, const std::string& root);
}  // namespace detail

}  // namespace tally
