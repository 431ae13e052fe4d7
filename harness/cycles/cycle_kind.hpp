// How a counting strategy finds cyclic garbage, and the rules of those that it can follow.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "harness/contract/family.hpp"

namespace tally {

enum class cycle_kind { none, generational, stop, trial };

// What differs between releases of CPython. `nested` deaths run inside each other; deeper ones are put off until no more than
// `emptied_at` of them do.
struct cycle_rule {
  std::string_view name;
  std::array<std::uint64_t, 3> thresholds;
  bool collects_in_make;  // or at the next safepoint that is no make
  std::uint32_t nested, emptied_at;
  bool incremental = false;  // old_spaces.hpp
};
inline constexpr std::array cycle_rules{cycle_rule{"3.11", {700, 10, 10}, true, 50, 0},
                                        cycle_rule{"3.12", {700, 10, 10}, false, 50, 0},
                                        cycle_rule{"3.13", {2000, 10, 10}, false, 9945, 9894},
                                        // 3.14.0 to 3.14.4; these put deaths off where the stack is short, not by their number.
                                        cycle_rule{"incremental", {2000, 10, 0}, false, 9945, 9894, true}};

inline constexpr int default_cycle_rule = 2;

// Why counts of several threads can't have it.
inline constexpr refusal no_trial{
    "cycles=trial", "after a decrement that leaves references another thread may free the object, before it is a candidate"};
inline constexpr double default_candidates = 10'000;

template <class Options>
consteval tunable<Options> cycles_choice() {
  return choice<&Options::cycles, Options>(
      "cycles", {"none", "generational", "stop", "trial"},
      "what finds cyclic garbage: nothing, CPython's collector of three generations, that of its free-threaded build, which "
      "stops all threads (heap=block), or trial deletion from what lost a reference and lives",
      "Swift, Rust and C++ have none");
}
template <class Options>
consteval tunable<Options> rule_setting() {
  return setting<Options>("rule", {cycle_rules[0].name, cycle_rules[1].name, cycle_rules[2].name, cycle_rules[3].name},
                          default_cycle_rule, "cycles=generational",
                          "whose rules the generations follow: thresholds, and when a collection comes; incremental: "
                          "3.14.0 to 3.14.4, a few old objects at a time",
                          "the newest of those that have generations");
}
template <class Options>
consteval tunable<Options> automatic_setting(std::string_view only_with) {
  return setting<Options>("automatic", {"on", "off"}, 0, only_with, "whether collections come by themselves, or only on request",
                          "CPython's gc.enable()");
}
template <class Options>
consteval tunable<Options> candidates_number() {
  tunable<Options> t =
      number<Options>("candidates", default_candidates, 1, 1e9,
                      "how many objects that lost a reference and live make a collection; adapted as PHP does", "[PHP]");
  t.only_with = "cycles=trial";
  return t;
}

}  // namespace tally
