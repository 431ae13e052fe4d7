// A set-associative cache's tags, exact LRU. A set is an array ordered from most to least recently used, so that a hit on
// the most recent line (most hits) writes nothing. A tag is the line's number plus one; 0 is an empty way, and empty ways
// come last.
#pragma once

#include <cstdint>
#include <cstring>

#include "harness/sim/caches/growing_array.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally::sim {

class lru_sets {
 public:
  // `caches` of the same geometry, side by side.
  lru_sets() = default;
  lru_sets(const cache_geometry& geometry, unsigned caches) { reset(geometry, caches); }
  void reset(const cache_geometry& geometry, unsigned caches) {
    sets_ = geometry.sets();
    ways_ = geometry.ways;
    mask_ = (sets_ & (sets_ - 1)) == 0 ? sets_ - 1 : 0;
    if (sets_ != 0) tags_.grow(std::size_t{caches} * sets_ * ways_);
  }
  [[nodiscard]] bool present() const { return sets_ != 0; }

  // Finds the line and makes it the most recent one of its set.
  bool touch(unsigned cache, std::uint32_t line) {
    std::uint32_t* const set = set_of(cache, line);
    const std::uint32_t tag = line + 1;
    if (set[0] == tag) [[likely]]
      return true;
    for (unsigned i = 1; i < ways_; ++i) {
      if (set[i] != tag) continue;
      std::memmove(set + 1, set, i * sizeof *set);
      set[0] = tag;
      return true;
    }
    return false;
  }
  // Makes room for a line that is not there; the tag of the line that had to go, or 0.
  std::uint32_t insert(unsigned cache, std::uint32_t line) {
    std::uint32_t* const set = set_of(cache, line);
    const std::uint32_t last = set[ways_ - 1];
    std::memmove(set + 1, set, (ways_ - 1) * sizeof *set);
    set[0] = line + 1;
    return last;
  }
  // The line that insert() would drop; 0 (a line like any other) if none.
  [[nodiscard]] std::uint32_t next_out(unsigned cache, std::uint32_t line) {
    const std::uint32_t tag = set_of(cache, line)[ways_ - 1];
    return tag == 0 ? 0 : tag - 1;
  }
  void prefetch(unsigned cache, std::uint32_t line) { __builtin_prefetch(set_of(cache, line)); }
  bool remove(unsigned cache, std::uint32_t line) {
    std::uint32_t* const set = set_of(cache, line);
    for (unsigned i = 0; i < ways_; ++i) {
      if (set[i] != line + 1) continue;
      std::memmove(set + i, set + i + 1, (ways_ - 1 - i) * sizeof *set);
      set[ways_ - 1] = 0;
      return true;
    }
    return false;
  }
  [[nodiscard]] bool contains(unsigned cache, std::uint32_t line) const {
    const std::uint32_t* const set = const_cast<lru_sets*>(this)->set_of(cache, line);
    for (unsigned i = 0; i < ways_; ++i) {
      if (set[i] == line + 1) return true;
    }
    return false;
  }

 private:
  std::uint32_t* set_of(unsigned cache, std::uint32_t line) {
    const unsigned set = mask_ != 0 || sets_ == 1 ? line & mask_ : line % sets_;
    return &tags_[(std::size_t{cache} * sets_ + set) * ways_];
  }

  growing_array<std::uint32_t> tags_;
  unsigned sets_ = 0;
  unsigned ways_ = 0;
  unsigned mask_ = 0;
};

}  // namespace tally::sim
