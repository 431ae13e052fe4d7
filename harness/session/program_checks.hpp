// What of this program, and of what it needs around it, makes numbers lie or loses them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/measure/machine_check.hpp"
#include "harness/results/binary.hpp"

namespace tally {

struct program_reading {
  build_identity built;
  bool assertions = false;
  std::string allocator;                    // that is loaded: system_allocator, or another one's name
  std::string plots_lack;                   // what the plot program says is missing; empty: nothing
  std::filesystem::path results;            // where results would go
  std::optional<std::uint64_t> free_bytes;  // there; nothing where it can't be told
};
// Of this process. `results` need not be there yet.
[[nodiscard]] program_reading read_program(const std::filesystem::path& results);

[[nodiscard]] std::vector<machine_check> program_checks(const program_reading&);

}  // namespace tally
