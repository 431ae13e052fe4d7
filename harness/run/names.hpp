// From what was typed to what is in the binary: globs, options, and the nearest name when there is none.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/registry.hpp"

namespace tally {

// Nothing in this binary is called that.
struct unknown_name : usage_error {
  using usage_error::usage_error;
};

// `*` stands for any text, `?` for one character.
[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text);

// Changes of one character (or swaps of neighbours) between two words.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate nearest to `typed`; empty where none is near enough to be what was meant.
[[nodiscard]] std::string nearest(std::string_view typed, std::span<const std::string> candidates);
// "FLAG VALUE: no such WHAT; did you mean NEAREST?" or, where nothing is near, what exists.
[[nodiscard]] std::string no_such(std::string_view flag, std::string_view value, std::string_view what,
                                  std::span<const std::string> candidates);

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
[[nodiscard]] std::vector<strategy_choice> choose_strategies(const registry&, std::string_view flag,
                                                             std::string_view spec);

struct workload_choice {
  std::size_t index = 0;                             // in registry::workloads
  std::map<std::string, std::vector<std::string>> given;  // values of a scan, per parameter
};

// NAME, GLOB, NAME:parameter=value. Throws usage_error.
[[nodiscard]] std::vector<workload_choice> choose_workloads(const registry&, std::string_view spec);

// v1,v2 | a..b | a..b+step | a..b*factor, in any mixture.
[[nodiscard]] std::vector<std::string> scan_values(std::string_view flag, std::string_view text);

}  // namespace tally
