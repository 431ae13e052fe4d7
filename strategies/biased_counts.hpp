// The options of biased.hpp, and its counts: an owner with its local count, and the word that all others count in.
#pragma once

#include <cstdint>

#include "harness/counting/owner_registry.hpp"
#include "harness/cycles/cyclic_heap.hpp"
#include "harness/heap/object.hpp"

namespace tally::strategies {

enum class biased_rule { cpython, paper };
enum class biased_merge { queue, detached };
enum class biased_stack { counted, immortal, deferred };
enum class biased_edges { shared, thread };

struct biased_options {
  biased_rule rule = biased_rule::cpython;
  biased_merge merge = biased_merge::queue;
  biased_stack stack = biased_stack::counted;
  biased_edges edges = biased_edges::shared;
  slot_kind slot = slot_kind::lockbit;
  object_source heap = object_source::malloc;
  cycle_kind cycles = cycle_kind::none;
};

// As in atomic.hpp.
constexpr bool sensible(const biased_options& o) {
  // Who counts for itself alone never sees a count of 0: such objects end where deferred ones do.
  if (o.edges == biased_edges::thread && o.stack != biased_stack::deferred) return false;
  return o.cycles == cycle_kind::none ||
         (o.cycles == cycle_kind::stop && o.heap == object_source::block && o.slot == slot_kind::lockbit);
}

// The shared word: count * one + state.
namespace shared_word {
inline constexpr std::int64_t initial = 0, maybe_weak = 1, queued = 2, merged = 3, states = 3, one = 4;
// What a deferred object's count is ahead of its references: no drop finds it at 0. A quarter of what fits, as far from 0 as from the end.
inline constexpr std::int64_t deferral = std::int64_t{1} << 59;
constexpr std::int64_t count(std::int64_t word) { return word >> 2; }
constexpr std::int64_t state(std::int64_t word) { return word & states; }
}  // namespace shared_word

// Deferred: there are refs on stacks that are not counted.
template <class M, bool Deferred = false>
struct biased_header {
  static constexpr bool has_uncounted_refs = Deferred;
  object_word<M> word;
  tally::atomic<M, owner_id, "owner"> owner;
  var<M, std::uint16_t, "queue"> link_high;
  var<M, std::int32_t, "local">
      local;  // by the owner, or its stand-in, who holds the owner's bucket lock; by_threads_owner: its place
  tally::atomic<M, std::int64_t, "shared"> shared;
  tally::atomic<M, std::uint32_t, "weak"> weak;  // all strong references together hold one
  var<M, std::uint32_t, "queue"> link_low;

  // The queue's link has fields of its own, 48 bits of address in what alignment leaves: a queued object is alive, its
  // object_word and counts are in use.
  [[nodiscard]] biased_header* queue_next() const {
    return reinterpret_cast<biased_header*>(std::uintptr_t{link_high.load()} << 32 | link_low.load());
  }
  void set_queue_next(biased_header* h) {
    const auto at = reinterpret_cast<std::uintptr_t>(h);
    link_high.store(static_cast<std::uint16_t>(at >> 32));
    link_low.store(static_cast<std::uint32_t>(at));
  }
};

}  // namespace tally::strategies
