// How a strategy presents itself: a family, its options, and which combinations of them are built.
//
// A strategy header NAME.hpp declares, in namespace tally::strategies, a struct NAME with
//
//   info       name, one-line summary, source (keys of docs/references.md)
//   options    a structural type; each member is an enum, and its value is part of the heap's type: an option costs nothing
//              that it does not do
//   tunables   what the options and the run-time settings are called, their values, defaults, and where each default is from
//   heap       template <class M, options O>: the strategy itself
//   variants   the options that are built; the first is the default
//   simulated_variants   (optional) those of them whose traffic differs, for the simulated policy
#pragma once

#include <array>
#include <string_view>

#include "harness/contract/strategy.hpp"
#include "harness/memory/native.hpp"  // every strategy header ends by asserting the contract on it

namespace tally {

struct strategy_info {
  std::string_view name;
  std::string_view summary;  // one line
  std::string_view source;   // keys of docs/references.md, or "-"
};

// One thing that can be set: `biased:merge=detached`. An option is part of the type; a number or a setting is what the heap reads
// at run time through heap_config::tunable.
template <class Options>
struct tunable {
  std::string_view name;
  std::string_view summary;
  std::string_view default_from;  // where the default comes from
  std::array<std::string_view, 6> values{};
  int (*chosen)(const Options&) = nullptr;
  double fallback = 0, least = 0, most = 0;
  bool at_run_time = false;      // of values: a setting
  std::string_view only_with{};  // the option=value without which it means nothing
};

// An option: `Member` is an enum whose values are 0, 1, 2 ... in the order of `values`.
template <auto Member, class Options>
consteval tunable<Options> choice(std::string_view name, std::array<std::string_view, 6> values, std::string_view summary,
                                  std::string_view default_from) {
  return {name, summary, default_from, values, [](const Options& o) { return static_cast<int>(o.*Member); }};
}
// A number, read at run time.
template <class Options>
consteval tunable<Options> number(std::string_view name, double fallback, double least, double most, std::string_view summary,
                                  std::string_view default_from) {
  return {name, summary, default_from, {}, nullptr, fallback, least, most};
}

// One of some words, read at run time as its place among them.
template <class Options>
consteval tunable<Options> setting(std::string_view name, std::array<std::string_view, 6> values, int fallback,
                                   std::string_view only_with, std::string_view summary, std::string_view default_from) {
  return {name, summary, default_from, values, nullptr, static_cast<double>(fallback), 0, 0, true, only_with};
}

// Why a family does not build combinations with an option; `static constexpr std::array refusals` of it, optional.
struct refusal {
  std::string_view option;  // "cycles=stop"
  std::string_view reason;
};

struct no_options {};

template <auto... Options>
struct variant_list {};

}  // namespace tally
