// --rate and --arrivals: the loop in which a latency row is measured, and what a row's name says of it.
#pragma once

#include <string>
#include <string_view>

#include "harness/engine/engine.hpp"

namespace tally {

// Of the steps of all of a row's threads. At most one of the two is not 0; where both are, the loop is closed.
struct rate_choice {
  double per_second = 0;  // between 0.01 and 1e8
  double percent = 0;     // of what the row reaches in a closed loop; between 0.1 and 200
  rate_choice() = default;
  rate_choice(const char* typed) : rate_choice(read("--rate", typed)) {}
  // 20000, 20k, 1.5M, 50%, closed. Throws usage_error.
  [[nodiscard]] static rate_choice read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool open() const { return per_second != 0 || percent != 0; }
  friend bool operator==(const rate_choice&, const rate_choice&) = default;
};

// What a row's windows measure, and in which loop: open ones are of mode latency.
struct measure_choice {
  measure_mode mode = measure_mode::throughput;
  rate_choice rate{};
  arrival_kind arrivals = arrival_kind::constant;
  measure_choice() = default;
  measure_choice(measure_mode m, const rate_choice& r = {}, arrival_kind a = arrival_kind::constant)
      : mode(m), rate(r), arrivals(a) {}
  // As it is in a row's key: throughput, latency, latency@20000/s, latency@50%,poisson.
  [[nodiscard]] std::string text() const;
  // In a title: "latency", "latency at 20000/s", "latency at 50% of the closed loop's rate, Poisson arrivals".
  [[nodiscard]] std::string words() const;
};

}  // namespace tally
