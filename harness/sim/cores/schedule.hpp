// In which order virtual cores run.
//
//   timed       the core with the smallest clock: what a machine with these latencies would do. The point of every figure
//   rr:k        each core makes k accesses, then the next: k=1 is the worst for whoever shares a line, k=20 is kind
//   random:p    before every access, with probability p, any other core: bursts of geometric length
//
// A count that differs between them depends on timing; the band over them says how much.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include "harness/contract/workload.hpp"

namespace tally::sim {

struct schedule {
  enum class order { timed, round_robin, random };
  order kind = order::timed;
  unsigned burst = 1;  // rr:k
  double chance = 0;   // random:p
  schedule() = default;
  schedule(const char* typed) : schedule(read("--schedule", typed)) {}
  // Throws usage_error.
  [[nodiscard]] static schedule read(std::string_view flag, std::string_view text);
  // As it was typed.
  [[nodiscard]] const std::string& text() const { return text_; }
  friend bool operator==(const schedule&, const schedule&) = default;

 private:
  std::string text_ = "timed";
};

inline schedule schedule::read(std::string_view flag, std::string_view text) {
  schedule s;
  s.text_ = text;
  const auto number = [&](std::size_t from, auto& into) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + from, end, into);
    return error == std::errc{} && stop == end;
  };
  if (text == "timed") return s;
  if (text.starts_with("rr:")) {
    s.kind = schedule::order::round_robin;
    if (number(3, s.burst) && s.burst >= 1) return s;
  }
  if (text.starts_with("random:")) {
    s.kind = schedule::order::random;
    if (number(7, s.chance) && s.chance > 0 && s.chance <= 1) return s;
  }
  throw usage_error(std::string(flag) + " " + std::string(text) +
                    ": timed, rr:k with k >= 1, or random:p with p above 0 and up to 1");
}

}  // namespace tally::sim
