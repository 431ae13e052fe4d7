// The machine that is simulated: its topology, its caches, and what each way of getting a line costs. A machine is read from
// a text file, machines/NAME.machine, one figure a line, each with the key of its source (docs/references.md):
//
//   l2.bytes  = 1 MiB     [InstLatx64]
//
// The reader is strict: a figure without a source, an unknown, repeated or missing key, a unit that does not fit, all are
// errors that name file and line. `machine` has no defaults for the same reason: there is no figure without a source.
//
// Costs are whole access latencies, from the load's issue to the data's use, in cycles of the core's clock; files may give
// nanoseconds, which are converted with the file's clock.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tally::sim {

using cycles = std::uint64_t;

constexpr unsigned line_bytes = 64;
constexpr unsigned most_cores = 128;
constexpr unsigned most_llcs = 32;

struct cache_geometry {
  std::uint64_t bytes = 0;  // 0: the machine has no such cache (L2 only)
  unsigned ways = 0;
  [[nodiscard]] unsigned sets() const { return ways == 0 ? 0 : static_cast<unsigned>(bytes / line_bytes / ways); }
};

// What the LLC keeps. inclusive: every line of a private cache below it; its evictions take the line from them.
// noninclusive: filled with every line that passes, but its evictions leave the private caches alone. victim: filled by
// evictions of the private caches only, and gives a line away when one core gets it exclusively.
enum class llc_policy : std::uint8_t { inclusive, noninclusive, victim };
inline constexpr std::array<std::string_view, 3> policy_names{"inclusive", "noninclusive", "victim"};
static_assert(policy_names.size() == static_cast<std::size_t>(llc_policy::victim) + 1);

// One line of the file, for printing.
struct figure {
  std::string key, value, source;
  friend bool operator==(const figure&, const figure&) = default;
};

struct machine {
  std::string name;
  double clock_ghz = 0;
  // Cores are numbered along the topology: those of an LLC first, then the LLCs of a socket.
  unsigned sockets = 0;
  unsigned llcs_per_socket = 0;
  unsigned cores_per_llc = 0;
  cache_geometry l1, l2, llc;  // l1 and l2 per core, llc per LLC
  llc_policy policy = llc_policy::inclusive;
  // Cycles until the core goes on.
  std::uint32_t l1_hit = 0;
  std::uint32_t l2_hit = 0;
  std::uint32_t llc_hit = 0;
  std::uint32_t memory = 0;
  std::uint32_t transfer = 0;         // a line from a private cache under the same LLC, or an invalidation there
  std::uint32_t transfer_llc = 0;     // the same, or data of another LLC, in the same socket
  std::uint32_t transfer_socket = 0;  // the same in another socket
  std::uint32_t store_hit = 0;        // a store to a line that may be written, in L1
  std::uint32_t rmw_hit = 0;          // an atomic read-modify-write of one
  std::vector<figure> figures;

  // load_machine().
  [[nodiscard]] static machine read(std::string_view flag, std::string_view text);
  [[nodiscard]] const std::string& text() const { return name; }
  // The figures are all that a file says.
  friend bool operator==(const machine& a, const machine& b) { return a.name == b.name && a.figures == b.figures; }

  // So long a time, to the nearest cycle.
  [[nodiscard]] cycles cycles_of(std::uint64_t ns) const {
    return static_cast<cycles>(std::llround(static_cast<double>(ns) * clock_ghz));
  }
  [[nodiscard]] unsigned cores() const { return sockets * llcs_per_socket * cores_per_llc; }
  [[nodiscard]] unsigned llc_of(unsigned core) const { return core / cores_per_llc; }
  [[nodiscard]] unsigned socket_of(unsigned core) const { return core / (cores_per_llc * llcs_per_socket); }
};

// Throws usage_error naming `label` and the line.
[[nodiscard]] machine parse_machine(std::string_view text, const std::string& label);
// A file of that path, or a built-in machine of that name; usage_error lists the names that there are.
[[nodiscard]] machine load_machine(const std::string& name_or_path);
inline machine machine::read(std::string_view /*--machine*/, std::string_view text) { return load_machine(std::string(text)); }
[[nodiscard]] std::vector<std::string> machine_names();

}  // namespace tally::sim
