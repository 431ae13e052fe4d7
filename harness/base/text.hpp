// Text that somebody typed, and text for people: lists, numbers, globs, the nearest name, durations.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/errors.hpp"

namespace tally {

// "a,,b" -> a, "", b: one more than there are separators.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
// Whether all of it is a number.
[[nodiscard]] bool to_number(std::string_view text, double& value);
// The shortest text that is this number: 1000, 0.5, 1e-07. Reading it gives the same number.
[[nodiscard]] std::string number_text(double value);
// "a, b, c".
[[nodiscard]] std::string joined(std::span<const std::string> words);

// The same of values that have a text().
template <class Values>
[[nodiscard]] std::string texts_of(const Values& values) {
  std::vector<std::string> words;
  for (const auto& v : values) words.push_back(v.text());
  return joined(words);
}

// As the shell's: `*`, `?`, `[a-z]`.
[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text);

// Changes of one character (or swaps of neighbours) between two words.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate nearest to `typed`; empty where none is near enough to be what was meant.
[[nodiscard]] std::string nearest(std::string_view typed, std::span<const std::string> candidates);
// "FLAG VALUE: no such WHAT; did you mean NEAREST?" or, where nothing is near, what exists.
[[nodiscard]] std::string no_such(std::string_view flag, std::string_view value, std::string_view what,
                                  std::span<const std::string> candidates);

// The enumerator that is called so, by the names in the enum's order. Throws usage_error that begins with `flag`.
template <class Enum, std::size_t N>
[[nodiscard]] Enum enum_named(const std::array<std::string_view, N>& names, std::string_view text, std::string_view flag) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  throw usage_error(no_such(flag, text, "value", std::vector<std::string>(names.begin(), names.end())));
}

// "100ms", "2s", "500us", "1m": between 100 us and an hour. Throws usage_error that begins with `flag`.
[[nodiscard]] std::chrono::nanoseconds read_duration(std::string_view flag, std::string_view text);
// In the largest unit that needs no fraction: "100ms".
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds);
// "64M", "2G", "4096" -> bytes. Throws usage_error that begins with `flag`.
[[nodiscard]] std::uint64_t size_bytes(std::string_view flag, std::string_view text);

// "1.5 s", "3 min 20 s": for people.
[[nodiscard]] std::string spoken_duration(double seconds);
// 0.0314 -> "3.1 %", 1.62 -> "162 %": two figures, and from 100 % on the whole number. Not of what is below 0.
[[nodiscard]] std::string percent_text(double share);
// 1 -> "1 row", 2 -> "2 rows".
[[nodiscard]] std::string counted(std::size_t n, std::string_view singular);

}  // namespace tally
