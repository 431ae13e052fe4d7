// From what was typed to what is in the binary: globs, options, and the nearest name when there is none.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/scan.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/registry.hpp"

namespace tally {

// NAME, GLOB, NAME:option=value,option=value, or NAME:* for every variant that is built; of strategies, and of workloads, whose
// options are parameters. NAME:*tunables is a strategy with its defaults, and with each of its run-time numbers at a quarter of its
// default and at four times it. What the binary has of that name is found when a run is planned.
struct name_spec {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;
  bool every_variant = false;
  bool every_tunable = false;
  name_spec() = default;
  name_spec(const char* typed) : name_spec(read("", typed)) {}
  // Throws usage_error.
  [[nodiscard]] static name_spec read(std::string_view flag, std::string_view text);
  // a,b:x=1,y=2,c are a and b:x=1,y=2 and c: a piece NAME=VALUE goes on with the options of the piece before it.
  [[nodiscard]] static std::vector<name_spec> read_list(std::string_view flag, std::string_view text);
  // As it is typed.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const name_spec&, const name_spec&) = default;
};

// A workload's parameter and its values: name=v1,v2, or of one workload (a glob) workload.name=v.
struct set_spec {
  std::string workload, parameter;  // workload is empty: of all that have it
  scan values;
  set_spec(const char* typed) : set_spec(read("--set", typed)) {}
  set_spec() = default;
  [[nodiscard]] static set_spec read(std::string_view flag, std::string_view text);
  [[nodiscard]] static std::vector<set_spec> read_list(std::string_view flag, std::string_view text) {
    return {read(flag, text)};
  }
  [[nodiscard]] std::string name() const;  // "name", "workload.name"
  [[nodiscard]] std::string text() const { return name() + "=" + values.text(); }
  friend bool operator==(const set_spec&, const set_spec&) = default;
};

// A strategy variant and the run-time tunables given with it.
struct strategy_choice {
  const strategy_entry* entry = nullptr;
  const variant_entry* variant = nullptr;
  std::vector<std::pair<std::string, double>> tunables;
  [[nodiscard]] std::string label() const;  // "biased:merge=detached", "gil:interval=50"
};

// "cycles=generational"; every variant has "".
[[nodiscard]] bool has_option(const strategy_entry&, const variant_entry&, std::string_view option);

// Throws usage_error; unknown_name with the nearest name.
[[nodiscard]] std::vector<strategy_choice> choose_strategies(const registry&, std::string_view flag, const name_spec&);

// Why a pair is not built on another policy than native; "" if it is among the `twins` that are. `built`: which of a strategy's
// variants they are, "only the default variant is".
[[nodiscard]] std::string without_twin(const std::vector<strategy_entry>& twins, std::string_view policy, std::string_view built,
                                       const strategy_choice&, std::size_t workload);

struct workload_choice {
  std::size_t index = 0;                                  // in registry::workloads
  std::map<std::string, std::vector<std::string>> given;  // values of a scan, per parameter
};

// Throws usage_error; unknown_name with the nearest name.
[[nodiscard]] std::vector<workload_choice> choose_workloads(const registry&, const name_spec&);

}  // namespace tally
