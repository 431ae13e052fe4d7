// How many references a replay gives the objects from before, and how many they have left at its end: a part of the planner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/trace/pairs.hpp"

namespace tally::recorded {

// References of the objects from before: mortal ones as recorded; an immortal one, whose balance nothing keeps, gets as many as
// let its count stay above zero in every order that the threads may run in.
class initial_references {
 public:
  explicit initial_references(const recording& r) {
    std::unordered_map<std::uint64_t, std::pair<std::int64_t, std::int64_t>> balance;  // now, least
    net_.resize(r.objects.size());
    start_.resize(r.objects.size());
    for (std::size_t o = 0; o < r.objects.size(); ++o) start_[o] = r.objects[o].immortal ? 1 : r.objects[o].references;
    for (const event& ev : r.events) {
      if (takes(ev.what)) ++net_[ev.object];
      if (drops(ev.what)) --net_[ev.object];
      if (!r.objects[ev.object].immortal || ev.what == kind::appearance) continue;
      auto& [now, least] = balance[std::uint64_t{ev.object} << 16 | ev.thread];
      least = std::min(least, now += takes(ev.what) ? 1 : -1);
    }
    for (const auto& [key, b] : balance) start_[key >> 16] -= b.second;
  }
  [[nodiscard]] std::uint32_t start(std::size_t o) const { return static_cast<std::uint32_t>(start_[o]); }
  [[nodiscard]] std::uint32_t end(std::size_t o) const { return static_cast<std::uint32_t>(start_[o] + net_[o]); }

 private:
  std::vector<std::int64_t> start_, net_;
};

}  // namespace tally::recorded
