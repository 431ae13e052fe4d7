// The counts of a recording's objects without a heap: how many references its threads have to each, how many are in slots, and
// who dies with whom. What a reader checks, what is told of a recording, and what a replay must find at its end come from here.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace tally::recorded {

// Objects are numbered from 0 in the order in which they are added. Immortal ones are added, and never counted.
class count_model {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  void add(std::uint32_t references, std::uint32_t slots) {
    references_.push_back(references);
    held_.push_back(0);
    edges_.resize(edges_.size() + slots, none);
    ends_.push_back(static_cast<std::uint32_t>(edges_.size()));
  }
  [[nodiscard]] std::uint32_t objects() const { return static_cast<std::uint32_t>(ends_.size()); }
  [[nodiscard]] std::uint32_t references(std::uint32_t o) const { return references_[o]; }  // the threads'
  [[nodiscard]] std::uint32_t held(std::uint32_t o) const { return held_[o]; }              // in slots
  [[nodiscard]] bool alive(std::uint32_t o) const { return references_[o] != 0 || held_[o] != 0; }
  [[nodiscard]] std::uint32_t slots(std::uint32_t o) const { return ends_[o] - begin(o); }
  [[nodiscard]] std::uint32_t slot(std::uint32_t o, std::uint32_t i) const { return edges_[begin(o) + i]; }

  void take(std::uint32_t o) { ++references_[o]; }
  // A reference of a thread's moves into the slot, and what was there is a thread's again. Returns what was there, or none.
  std::uint32_t write(std::uint32_t o, std::uint32_t slot, std::uint32_t target) {
    const std::uint32_t old = std::exchange(edges_[begin(o) + slot], target);
    if (target != none) --references_[target], ++held_[target];
    if (old != none) ++references_[old], --held_[old];
    return old;
  }
  // A thread's reference goes. `died` is called with each object that dies of it.
  void drop(std::uint32_t o, auto&& died) {
    --references_[o];
    if (!alive(o)) dying_.push_back(o);
    while (!dying_.empty()) {
      const std::uint32_t dead = dying_.back();
      dying_.pop_back();
      died(dead);
      for (std::uint32_t i = begin(dead); i < ends_[dead]; ++i) {
        const std::uint32_t to = std::exchange(edges_[i], none);
        if (to != none && --held_[to] == 0 && references_[to] == 0) dying_.push_back(to);
      }
    }
  }

 private:
  [[nodiscard]] std::uint32_t begin(std::uint32_t o) const { return o == 0 ? 0 : ends_[o - 1]; }
  std::vector<std::uint32_t> references_, held_;
  std::vector<std::uint32_t> ends_, edges_;  // where each object's slots end, and what is in all of them
  std::vector<std::uint32_t> dying_;
};

}  // namespace tally::recorded
