// From what was typed to what is in the binary: globs, options, and the nearest name when there is none.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/text.hpp"
#include "harness/engine/registry.hpp"

namespace tally {

// Splits a,b:x=1,y=2,c into a | b:x=1,y=2 | c: a piece NAME=VALUE goes on with the options of the piece before it.
[[nodiscard]] std::vector<std::string> split_specs(std::span<const std::string> typed);

// A strategy variant and the run-time tunables given with it.
struct strategy_choice {
  const strategy_entry* entry = nullptr;
  const variant_entry* variant = nullptr;
  std::vector<std::pair<std::string, double>> tunables;
  [[nodiscard]] std::string label() const;  // "biased:merge=detached", "gil:interval=50"
};

// NAME, GLOB, NAME:option=value,tunable=number, or NAME:* for every variant that is built. Throws usage_error.
[[nodiscard]] std::vector<strategy_choice> choose_strategies(const registry&, std::string_view flag, std::string_view spec);

struct workload_choice {
  std::size_t index = 0;                                  // in registry::workloads
  std::map<std::string, std::vector<std::string>> given;  // values of a scan, per parameter
};

// NAME, GLOB, NAME:parameter=value. Throws usage_error.
[[nodiscard]] std::vector<workload_choice> choose_workloads(const registry&, std::string_view spec);

}  // namespace tally
