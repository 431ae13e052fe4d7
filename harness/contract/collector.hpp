// What a heap's collector did, and what a thread's operations freed: for the rows' metrics. What else was inside an operation is
// noted where it happens (memory/delays.hpp).
//
//   h.totals()       collector_totals&, where a heap has a collector that stops whoever runs (reports_collections); to be read or
//                    cleared by who knows that no context runs
//   c.freed_word()   what this context has freed so far, as live_counter (counting/live.hpp) counts it (counts_frees)
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "harness/base/histogram.hpp"

namespace tally {

struct collector_totals {
  static constexpr std::size_t full = 2;       // where there are no generations all collections are full ones
  std::array<std::uint64_t, 3> collections{};  // by generation
  std::uint64_t looked_at = 0;                 // objects, over all collections; 0: not known
  std::uint64_t unreachable = 0;               // objects that were found to be garbage
  histogram pauses;                            // of collections, in the policy's unit of time

  collector_totals() { pauses.allocate(); }  // a collection needs no memory for it
  void clear() {
    collections = {};
    looked_at = unreachable = 0;
    pauses.clear();
  }
};

// From here to end() a collector stops the world. Nothing where threads and clock are not real: there it would be part of what is
// simulated or checked.
template <class M, class Heap>
class timed_stop {
 public:
  explicit timed_stop(const Heap& heap) : heap_(heap), live_(M::measured ? heap.live() : 0), begun_(M::measured ? M::now() : 0) {}
  void end(collector_totals& totals, std::size_t generation, std::uint64_t looked_at) const {
    if (!M::measured) return;
    totals.pauses.record(M::now() - begun_);
    ++totals.collections[generation];
    totals.looked_at += looked_at;
    totals.unreachable += static_cast<std::uint64_t>(std::max<std::int64_t>(live_ - heap_.live(), 0));
  }

 private:
  const Heap& heap_;
  std::int64_t live_;
  std::uint64_t begun_;
};

template <class H>
concept reports_collections = requires(H& h) {
  { h.totals() } -> std::same_as<collector_totals&>;
};

template <class H>
concept counts_frees = requires(const typename H::context& c) {
  { c.freed_word() } -> std::same_as<std::uint64_t>;
};

}  // namespace tally
