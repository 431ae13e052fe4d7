// The programs of the model runtime, by name: what they do, their text, and what they come to.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness/interpreter/bytecode.hpp"

namespace tally::bytecode {

struct program_info {
  std::string_view name, summary, text;
  double (*result)(std::int64_t rounds);  // what main(rounds) gives back
  bool shares = false;                    // lanes change what they share, or read what others may change
  std::string_view as{};                  // the program whose text it has, too
};

// Results.
inline double once_per_round(std::int64_t rounds) { return static_cast<double>(rounds); }
template <std::int64_t Each>
double each(std::int64_t rounds) {
  return static_cast<double>(Each * rounds);
}
inline double sum_of_rounds(std::int64_t rounds) { return static_cast<double>(rounds) * static_cast<double>(rounds - 1) / 2; }
inline double twice_sum_of_rounds(std::int64_t rounds) { return 2 * sum_of_rounds(rounds); }
inline double fib_of_ten(std::int64_t) { return 55; }
inline double powers(std::int64_t rounds) {
  double x = 1.0;
  for (std::int64_t i = 0; i < rounds; ++i) x = x * 1.01;
  return x;
}

[[nodiscard]] std::span<const program_info> programs();
[[nodiscard]] std::span<const program_info> ftscalingbench_items();  // a part of them
// Throws usage_error with the nearest name.
[[nodiscard]] const program_info& program_named(std::string_view name);

}  // namespace tally::bytecode
