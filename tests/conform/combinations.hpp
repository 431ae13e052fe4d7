// Every combination of a family's options, built as a variant or not: the product of the values of its `choice` tunables.
//
// An options type is an aggregate of enums whose values are 0, 1, 2 ..., one for each choice, so that it is made of as many
// numbers. Which choice is about which member is found by setting one member after another and asking the choices.
#pragma once

#include <string>
#include <utility>

#include "harness/contract/family.hpp"

namespace tally::conform {

namespace detail {

struct any_enum {
  int value;
  template <class E>
    requires std::is_enum_v<E>
  constexpr operator E() const {
    return static_cast<E>(value);
  }
};

template <class Options, std::size_t... I>
constexpr Options options_of(const std::array<int, sizeof...(I)>& values, std::index_sequence<I...>) {
  return Options{any_enum{values[I]}...};
}

// An option: a tunable with values that is no setting. (Not: with a function. Under UBSan, g++ takes the comparison for no constant.)
constexpr bool is_choice(const auto& t) { return !t.values[0].empty() && !t.at_run_time; }

template <class Family>
constexpr std::size_t choices() {
  std::size_t n = 0;
  for (const auto& t : Family::tunables) n += is_choice(t) ? 1 : 0;
  return n;
}

template <class Family>
constexpr auto make(const std::array<int, choices<Family>()>& values) {
  return options_of<typename Family::options>(values, std::make_index_sequence<choices<Family>()>{});
}

// Per member of the options: how many values its choice has; 0: no choice is about it.
template <class Family>
constexpr auto values_of_members() {
  std::array<int, choices<Family>()> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::array<int, counts.size()> set{};
    set[i] = 1;
    for (const auto& t : Family::tunables) {
      if (!is_choice(t) || t.chosen(make<Family>(set)) != 1) continue;
      for (const auto& v : t.values) counts[i] += v.empty() ? 0 : 1;
    }
  }
  return counts;
}

template <class Family>
constexpr int combinations() {
  int n = 1;
  for (const int count : values_of_members<Family>()) n *= count;
  return n;
}

// The first member counts slowest.
template <class Family>
constexpr auto combination(int number) {
  constexpr auto counts = values_of_members<Family>();
  std::array<int, counts.size()> set{};
  for (std::size_t i = counts.size(); i-- > 0;) {
    set[i] = number % counts[i];
    number /= counts[i];
  }
  return make<Family>(set);
}

// A family may refuse a combination by a constraint of its heap.
template <class Family, auto Options>
concept accepted = requires { typename Family::template heap<native, Options>; };

}  // namespace detail

// f.template operator()<Options>() for each that the family accepts.
template <class Family, class F>
void for_each_combination(F&& f) {
  static_assert(detail::combinations<Family>() > 0, "a member of the options that no choice is about");
  const auto one = [&f]<auto Options>() {
    if constexpr (detail::accepted<Family, Options>) f.template operator()<Options>();
  };
  [&one]<std::size_t... I>(std::index_sequence<I...>) {
    (one.template operator()<detail::combination<Family>(static_cast<int>(I))>(), ...);
  }(std::make_index_sequence<static_cast<std::size_t>(detail::combinations<Family>())>{});
}

// "rule=paper,slot=epoch"; the values that are default are not said.
template <class Family>
std::string combination_name(const typename Family::options& chosen) {
  std::string name;
  for (const auto& t : Family::tunables) {
    if (!detail::is_choice(t) || t.chosen(chosen) == t.chosen({})) continue;
    const std::string_view value = t.values[static_cast<std::size_t>(t.chosen(chosen))];
    name += (name.empty() ? "" : ",") + std::string(t.name) + "=" + std::string(value);
  }
  return name.empty() ? "default" : name;
}

}  // namespace tally::conform
