// Ranks with Zipf's frequencies: rank i of n is drawn with a probability proportional to 1 / (i + 1)^skew. Exact, and one table
// access a draw: Walker's alias method in Vose's form [Vose91]. 8 bytes a rank.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace tally {

class zipf_table {
 public:
  zipf_table(std::uint32_t n, double skew) : cells_(n) {
    std::vector<double> p(n);
    double sum = 0;
    for (std::uint32_t i = 0; i < n; ++i) sum += p[i] = std::pow(i + 1.0, -skew);
    std::vector<std::uint32_t> small, large;
    for (std::uint32_t i = 0; i < n; ++i) {
      p[i] *= n / sum;
      (p[i] < 1 ? small : large).push_back(i);
    }
    // Every cell is filled up to 1 by one other rank; what rounding leaves over is full by itself.
    for (std::uint32_t i = 0; i < n; ++i) cells_[i] = {~std::uint32_t{0}, i};
    while (!small.empty() && !large.empty()) {
      const std::uint32_t s = small.back(), l = large.back();
      small.pop_back();
      cells_[s] = {static_cast<std::uint32_t>(p[s] * 0x1p32), l};
      p[l] -= 1 - p[s];
      if (p[l] < 1) {
        large.pop_back();
        small.push_back(l);
      }
    }
  }
  // From 64 random bits: the high half chooses a cell, the low half which of its two ranks.
  [[nodiscard]] std::uint32_t operator()(std::uint64_t random) const {
    const auto i = static_cast<std::uint32_t>((random >> 32) * cells_.size() >> 32);
    const cell& c = cells_[i];
    return static_cast<std::uint32_t>(random) < c.below ? i : c.other;
  }

 private:
  struct cell {
    std::uint32_t below = 0, other = 0;
  };
  std::vector<cell> cells_;
};

}  // namespace tally
