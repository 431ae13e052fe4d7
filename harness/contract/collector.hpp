// What a heap's collector did, and what happened inside a thread's operations beside their own work: for the rows' metrics.
//
//   h.totals()       collector_totals&, where a heap has a collector that stops whoever runs (reports_collections); to be read or
//                    cleared by who knows that no context runs
//   c.take_delays()  what was done inside this context's operations since it was last asked: bits of 1 << delay (reports_delays)
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

// finaliser: or a callback of an observer.
enum class delay { collection, finalizer };
inline constexpr std::size_t delays = static_cast<std::size_t>(delay::finalizer) + 1;

class delay_bits {
 public:
  constexpr void add(delay d) { bits_ |= 1U << static_cast<unsigned>(d); }
  [[nodiscard]] constexpr bool has(std::size_t d) const { return (bits_ >> d & 1U) != 0; }
  [[nodiscard]] constexpr bool any() const { return bits_ != 0; }

 private:
  unsigned bits_ = 0;
};

template <class H>
concept reports_delays = requires(typename H::context& c) {
  { c.take_delays() } -> std::same_as<delay_bits>;
};

}  // namespace tally
