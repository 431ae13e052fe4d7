// What control groups keep this process from, in either version of the kernel's interface. A group's limit holds for those below
// it, so the tightest on the way up counts. In a container the groups above its own are out of sight, and so are their limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "harness/measure/kernel_files.hpp"

namespace tally {

struct group_limits {
  int version = 0;                         // of the interface that has the CPU controller; 0: none is to be seen
  std::optional<double> cpus;              // a quota of CPU time (cpu.max; cpu.cfs_quota_us), in CPUs
  std::optional<std::int64_t> memory_mib;  // memory.max; memory.limit_in_bytes
  std::string cpuset;                      // the kernel's list of CPUs; empty where it does not say
};

[[nodiscard]] group_limits read_group_limits(const kernel_files&);

// For how long quotas of CPU time have stopped this process's groups since these were made: of the group that was stopped most.
[[nodiscard]] std::uint64_t throttled_us(const kernel_files&);

}  // namespace tally
