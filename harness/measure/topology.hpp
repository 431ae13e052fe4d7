// Which CPUs there are, and in what order lanes are pinned to them. What the kernel says, which on a virtual machine need not
// be what the hardware is: the hand-off probe (probe.hpp) is there for that.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

inline constexpr int largest_capacity = 1024;

struct cpu_place {
  int cpu = 0;
  int package = 0;                  // socket
  int node = 0;                     // NUMA
  int core = 0;                     // physical core, counted from 0 over the machine
  int sibling = 0;                  // 0: first hyper-thread of its core (among the CPUs we may use), 1: second ...
  int capacity = largest_capacity;  // of a hybrid processor's cores the smaller ones have less
};

struct topology {
  std::vector<cpu_place> cpus;  // those that this process may use, by number
  [[nodiscard]] int cores() const;
  [[nodiscard]] int packages() const;
  [[nodiscard]] int nodes() const;
  [[nodiscard]] int kinds() const;  // of cores; 1: all alike
  [[nodiscard]] bool smt() const { return cores() < static_cast<int>(cpus.size()); }
};

// Read once, from sysfs and this thread's affinity at the first call.
[[nodiscard]] const topology& cpu_topology();
// From a tree like /sys/devices/system and a list of usable CPUs. A missing file means one core per CPU, socket 0, node 0.
[[nodiscard]] topology read_topology(const std::string& system_root, const std::vector<int>& usable);

// The first line of a file of the kernel's; empty when it can't be read.
[[nodiscard]] std::string line_of(const std::string& path);

// "0-3,8" -> 0 1 2 3 8. Throws usage_error that names the text.
[[nodiscard]] std::vector<int> parse_cpu_list(std::string_view text);

// Where lanes run (--pin):
//   cores    one lane a physical core, the larger cores of a hybrid processor first, then the second hyper-threads (the default)
//   spread   the same, but going round the NUMA nodes and sockets: as far apart as can be
//   smt      a core's hyper-threads before the next core: as close together as can be
//   none     not pinned
//   LIST     these CPUs in this order
enum class pin_policy { cores, spread, smt, none, list };
inline constexpr std::array<std::string_view, 5> pin_names{"cores", "spread", "smt", "none", "LIST"};
static_assert(pin_names.size() == static_cast<std::size_t>(pin_policy::list) + 1);

struct pinning {
  pin_policy policy = pin_policy::cores;
  std::vector<int> cpus;  // of a list
  pinning() = default;
  pinning(const char* typed) : pinning(read("--pin", typed)) {}
  // Throws usage_error.
  [[nodiscard]] static pinning read(std::string_view flag, std::string_view text);
  // As it is typed: "cores", "0,2,3".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const pinning&, const pinning&) = default;
};

// The CPU of each of `threads` lanes; empty: not pinned. With more lanes than CPUs the list is used again from its start. Throws
// usage_error for a CPU that may not be used here.
[[nodiscard]] std::vector<int> pin_list(const pinning&, int threads, const topology& t = cpu_topology());

// How many kinds of cores a pin list uses; `t`'s number for an empty one.
[[nodiscard]] int kinds_used(const std::vector<int>& pins, const topology& t = cpu_topology());

// How many different CPUs a pin list uses; `t`'s number of CPUs for an empty one.
[[nodiscard]] int cpus_used(const std::vector<int>& pins, const topology& t = cpu_topology());

}  // namespace tally
