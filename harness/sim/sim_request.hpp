// What a simulation was asked for, as values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/run/request.hpp"
#include "harness/sim/caches/machine.hpp"
#include "harness/sim/caches/protocol.hpp"
#include "harness/sim/cores/schedule.hpp"

namespace tally::sim {

// Numbers of virtual cores: 4, 1,2,8, 1..128*2.
struct core_list {
  std::vector<int> counts;  // 1 to most_cores, in order
  // Throws usage_error.
  [[nodiscard]] static core_list read(std::string_view flag, std::string_view text) {
    return {read_counts(flag, text, static_cast<int>(most_cores))};
  }
  [[nodiscard]] std::string text() const { return counts_text(counts); }
  friend bool operator==(const core_list&, const core_list&) = default;
};

// infinite: coherence alone. finite: the machine's geometry.
enum class cache_capacity { infinite, finite };
inline constexpr std::array<std::string_view, 2> capacity_names{"infinite", "finite"};
static_assert(capacity_names.size() == static_cast<std::size_t>(cache_capacity::finite) + 1);

inline constexpr const char* default_machine = "epyc-7773x-2s";

struct sim_request : selection {
  sim_request() { seed = 1; }
  core_list cores{{1, 2, 4, 8, 16, 32, 64, 128}};
  std::optional<machine> model;  // none: default_machine
  protocol coherence = protocol::mesi;
  cache_capacity caches = cache_capacity::infinite;
  // The first is the point, all of them the band.
  std::vector<schedule> schedules{"timed", "rr:1", "rr:20", "random:0.1"};
  std::uint64_t operations = 1000;           // per core, in the window
  std::optional<std::uint64_t> warm_up;      // per core, before it; none: a quarter of the operations
  std::uint64_t most_accesses = 20'000'000;  // of a point, up to which the window of one that has not settled doubles
  [[nodiscard]] std::uint64_t warm_up_operations() const { return warm_up.value_or((operations + 3) / 4); }

  friend bool operator==(const sim_request&, const sim_request&) = default;
};

}  // namespace tally::sim
