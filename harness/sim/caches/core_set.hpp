// A set of virtual cores: one bit each.
#pragma once

#include <bit>
#include <cstdint>

namespace tally::sim {

struct core_set {
  std::uint64_t word[2]{};

  [[nodiscard]] bool has(unsigned c) const { return ((word[c >> 6] >> (c & 63)) & 1) != 0; }
  void add(unsigned c) { word[c >> 6] |= std::uint64_t{1} << (c & 63); }
  void remove(unsigned c) { word[c >> 6] &= ~(std::uint64_t{1} << (c & 63)); }
  [[nodiscard]] bool empty() const { return (word[0] | word[1]) == 0; }
  [[nodiscard]] unsigned count() const { return count(word[0]) + count(word[1]); }
  [[nodiscard]] core_set without(const core_set& other) const { return {{word[0] & ~other.word[0], word[1] & ~other.word[1]}}; }
  // One core or none is the rule, and popcount a call where the instruction can't be taken for granted.
  [[nodiscard]] static unsigned count(std::uint64_t w) {
    return (w & (w - 1)) == 0 ? (w != 0 ? 1 : 0) : static_cast<unsigned>(std::popcount(w));
  }
  void each(auto&& f) const {
    for (unsigned i = 0; i < 2; ++i) {
      for (std::uint64_t left = word[i]; left != 0; left &= left - 1) {
        f(i * 64 + static_cast<unsigned>(std::countr_zero(left)));
      }
    }
  }
  bool operator==(const core_set&) const = default;
};

}  // namespace tally::sim
