// A flag's values, to and from the words of a command line and config.json. A type that a flag can have is a number, text, a
// path, an enum with names, or a class that reads itself and says its text (heap_limit, name_spec and others); and of any of
// these an optional one, or a list.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.hpp"
#include "harness/results/row.hpp"
#include "harness/run/suites.hpp"
#include "harness/sim/sim_request.hpp"

namespace tally {

// What a number may be. Both 0: anything.
struct number_range {
  double least = 0, most = 0;
};

template <class T>
concept reads_itself = requires(const T& value, std::string_view text) {
  { T::read(text, text) } -> std::same_as<T>;
  { value.text() } -> std::convertible_to<std::string>;
};
template <class T>
concept reads_list = requires(std::string_view text) { T::read_list(text, text); };

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_list : std::false_type {};
template <class T>
struct is_list<std::vector<T>> : std::true_type {};

// Names of a flag's enumerators.
inline constexpr const auto& names_of(measure_mode) { return mode_names; }
inline constexpr const auto& names_of(arrival_kind) { return arrival_names; }
inline constexpr const auto& names_of(sim::protocol) { return sim::protocol_names; }
inline constexpr const auto& names_of(sim::cache_capacity) { return sim::capacity_names; }

// Whether the text is this whole number in another way of writing it: 1e3, 1000.0. A double may be a rounded one from 2^53 on.
template <std::integral T>
[[nodiscard]] bool to_whole(std::string_view text, T& value) {
  constexpr double least = static_cast<double>(std::numeric_limits<T>::min());
  constexpr double most = std::min(0x1p53, static_cast<double>(std::numeric_limits<T>::max()));
  double number = 0;
  if (!to_number(text, number) || number != std::trunc(number) || number < least || number > most) return false;
  value = static_cast<T>(number);
  return true;
}

// One value. `flag` opens the message. Throws usage_error.
template <class T>
[[nodiscard]] T read_value(std::string_view flag, std::string_view text, number_range range) {
  if constexpr (is_optional<T>::value) {
    return read_value<typename T::value_type>(flag, text, range);
  } else if constexpr (reads_itself<T>) {
    return T::read(flag, text);
  } else if constexpr (std::is_enum_v<T>) {
    return enum_named<T>(names_of(T{}), text, flag);
  } else if constexpr (std::is_arithmetic_v<T>) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    constexpr bool whole = std::is_integral_v<T>;
    bool read = error == std::errc{} && end == text.data() + text.size();
    if constexpr (whole) read = read || to_whole(text, value);
    if (!read) {
      throw usage_error(fmt::format("{} {}: a {}number{}", flag, text, whole ? "whole " : "",
                                    error == std::errc::result_out_of_range ? " that is not so large" : ""));
    }
    const bool fits = range.most == 0 || (static_cast<double>(value) >= range.least && static_cast<double>(value) <= range.most);
    if (!fits) throw usage_error(fmt::format("{} {}: between {:.0f} and {:.0f}", flag, text, range.least, range.most));
    return value;
  } else if constexpr (std::same_as<T, std::chrono::nanoseconds>) {
    return read_duration(flag, text);
  } else if constexpr (std::same_as<T, const suite_info*>) {
    return &suite_named(text);
  } else {
    return T(text);
  }
}

// What one use of a list's flag gives: what the type says, a path as it is, of others the values between commas.
template <class T>
[[nodiscard]] std::vector<T> read_values(std::string_view flag, std::string_view text, number_range range) {
  if constexpr (reads_list<T>) return T::read_list(flag, text);
  std::vector<T> list;
  if constexpr (std::same_as<T, std::filesystem::path>) {
    list.emplace_back(text);
  } else {
    for (const auto& word : split(text, ',')) {
      if (word.empty()) throw usage_error(fmt::format("{} {}: a comma without a value beside it", flag, text));
      list.push_back(read_value<T>(flag, word, range));
    }
  }
  return list;
}

// The text that is read as this value; empty: there is none.
template <class T>
[[nodiscard]] std::string value_text(const T& value) {
  if constexpr (is_optional<T>::value) {
    return value ? value_text(*value) : "";
  } else if constexpr (is_list<T>::value) {
    std::vector<std::string> words;
    for (const auto& v : value) words.push_back(value_text(v));
    return fmt::format("{}", fmt::join(words, ","));
  } else if constexpr (reads_itself<T>) {
    return value.text();
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(names_of(T{}).at(static_cast<std::size_t>(value)));
  } else if constexpr (std::is_arithmetic_v<T>) {
    return fmt::format("{}", value);
  } else if constexpr (std::same_as<T, std::chrono::nanoseconds>) {
    return duration_text(value);
  } else if constexpr (std::same_as<T, const suite_info*>) {
    return value == nullptr ? "" : value->name;
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    return value.string();
  } else {
    return value;
  }
}

}  // namespace tally
