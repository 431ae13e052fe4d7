// How far cores are from each other, as sets and as cycles.
#pragma once

#include "harness/sim/caches/core_set.hpp"
#include "harness/sim/caches/machine.hpp"
#include "harness/sim/caches/traffic.hpp"

namespace tally::sim {

class distances {
 public:
  distances(const machine& m, unsigned cores)
      : near_(m.transfer), socket_(m.transfer_llc), far_(m.transfer_socket), none_(m.llc_hit) {
    for (unsigned c = 0; c < cores; ++c) {
      for (unsigned d = 0; d < cores; ++d) {
        if (m.llc_of(c) == m.llc_of(d)) same_llc_[c].add(d);
        if (m.socket_of(c) == m.socket_of(d)) same_socket_[c].add(d);
      }
    }
  }

  [[nodiscard]] const core_set& same_llc(unsigned core) const { return same_llc_[core]; }
  // A line transfer between two cores.
  [[nodiscard]] cycles between(unsigned a, unsigned b) const {
    if (same_llc_[a].has(b)) return near_;
    return same_socket_[a].has(b) ? socket_ : far_;
  }
  // Until the farthest of them has acked; the directory alone, if there are none.
  [[nodiscard]] cycles farthest(unsigned core, const core_set& others) const {
    if (others.empty()) return none_;
    if (others.without(same_llc_[core]).empty()) return near_;
    return others.without(same_socket_[core]).empty() ? socket_ : far_;
  }
  [[nodiscard]] origin from_core(unsigned to, unsigned from) const {
    if (same_llc_[to].has(from)) return origin::core_same_llc;
    return same_socket_[to].has(from) ? origin::core_same_socket : origin::core_other_socket;
  }

 private:
  cycles near_, socket_, far_, none_;
  core_set same_llc_[most_cores], same_socket_[most_cores];
};

}  // namespace tally::sim
