// The lanes' random numbers: xoshiro256** [Blackman18], seeded by splitmix64 from (seed, lane).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace tally {

class random_source {
 public:
  random_source(std::uint64_t seed, std::uint64_t lane) {
    std::uint64_t x = seed * 0x9e3779b97f4a7c15U + lane;
    for (auto& word : state_) {
      x += 0x9e3779b97f4a7c15U;
      std::uint64_t z = x;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
      word = z ^ (z >> 31);
    }
  }
  std::uint64_t operator()() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // Uniform in [0, n) up to a bias of 2^-32; n at least 1.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(((*this)() >> 32) * n >> 32); }
  // True with probability p.
  bool chance(double p) { return static_cast<double>((*this)() >> 11) * 0x1p-53 < p; }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace tally
