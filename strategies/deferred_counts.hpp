// What `deferred` knows of an object and of a place in one: a count that only stops touch, and a bit that says "log me".
//
// The header is one word: type, count, and bytes in the fields of object_word. Running threads write it once, in make. The count
// is of references from old objects, roots, parcels and, between two stops, from the stacks as the first of them found them;
// zero means young: made since the last stop, and not known to anything that is counted. Counting is done by one thread in a
// stop, so that it needs neither atomics nor an owner. What does not fit is in a map beside the heap (deferred_reconcile.hpp).
//
// A place holds an address, and in its lowest bit whether the next store to it must be logged. Set: the place is in an old
// object, and what it held at the last stop is counted. Clear: it has been logged since, or its object is young and nothing that
// it holds is counted yet. So a place is logged once between two stops however often it is stored to, and places in young objects
// never are [LevanoniPetrank06]; one bit a field, in the field [LXR22].
//
// A place of a weak ref holds a cell's address, and the same bit for "in an old object". It is never logged: the bit lasts, and
// tells a store that the stops will not visit the object again to see the cell.
#pragma once

#include <cstdint>

#include "harness/heap/object.hpp"
#include "harness/heap/weak_cells.hpp"

namespace tally::strategies {

template <class M>
struct deferred_header {
  static constexpr int count_shift = 36;  // 64 GiB an object: more than an extent can say
  static constexpr std::uint64_t bytes_mask = (std::uint64_t{1} << count_shift) - 1;
  // All that fits below object_word's flags: this many references, or more.
  static constexpr std::uint32_t most = (object_word<M>::finalized_bit >> count_shift) - 1;

  object_word<M> word;

  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(word.bytes() >> count_shift); }
  [[nodiscard]] std::size_t bytes() const { return word.bytes() & bytes_mask; }
  void set_count(std::uint32_t n) { word.init(word.type(), std::uint64_t{n} << count_shift | bytes()); }
};

// The value of a place.
template <class M>
struct deferred_place {
  static constexpr std::uintptr_t log_bit = 1;
  [[nodiscard]] static deferred_header<M>* object(std::uintptr_t w) {
    return reinterpret_cast<deferred_header<M>*>(w & ~log_bit);
  }
  [[nodiscard]] static std::uintptr_t holding(const deferred_header<M>* h) { return reinterpret_cast<std::uintptr_t>(h); }
};

template <class M>
struct deferred_slot : deferred_place<M> {
  var<M, std::uintptr_t, "slot"> word;
  // For a stop.
  [[nodiscard]] std::uintptr_t stopped() const { return word.load(); }
  void set_stopped(std::uintptr_t w) { word.store(w); }
};

template <class M>
struct deferred_shared_slot : deferred_place<M> {
  tally::atomic<M, std::uintptr_t, "slot"> word;
  // relaxed: the world is stopped
  [[nodiscard]] std::uintptr_t stopped() const { return word.load(std::memory_order_relaxed); }
  void set_stopped(std::uintptr_t w) { word.store(w, std::memory_order_relaxed); }
};

// T: what its weak refs are of.
template <class M, class T>
struct deferred_weak_slot {
  using cell = typename weak_cells<M>::cell;
  static constexpr std::uintptr_t old_bit = 1;
  var<M, std::uintptr_t, "slot"> word;

  [[nodiscard]] cell* held() const { return reinterpret_cast<cell*>(word.load() & ~old_bit); }
  // Puts a cell (or null) there, and returns what was there.
  cell* replace(cell* c) {
    const std::uintptr_t was = word.load(), old = was & old_bit;
    if (c != nullptr) weak_cells<M>::place(*c);
    if (c != nullptr && old != 0 && !mutant<M, "deferred: a weak ref is not seen in an old object">()) weak_cells<M>::see(*c);
    word.store(reinterpret_cast<std::uintptr_t>(c) | old);
    return reinterpret_cast<cell*>(was & ~old_bit);
  }
  // In a stop: the object gets old.
  void grow_old() {
    if (cell* c = held()) weak_cells<M>::see(*c);
    word.store(word.load() | old_bit);
  }
};

}  // namespace tally::strategies
