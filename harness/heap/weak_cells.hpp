// Weak refs for a tracing strategy: cells that a collection clears.
//
// A weak ref is the address of a cell that holds its object's address and is no root. It may be anywhere, so cells are not found
// by scanning: a cell that the program holds stays until it is dropped, and one that was stored into a weak slot belongs to the
// slot's object. The marker sees the cells of living objects; after marking, cells in slots that it did not see died with
// their objects, and of the others those whose object is not marked are dead: upgrade finds null.
//
// Cells are those of parcel_cells.hpp, with the state in the low bits of the object's address.
#pragma once

#include "harness/heap/parcel_cells.hpp"

namespace tally {

template <class M>
class weak_cells {
 public:
  using cells = parcel_cells<M>;
  using cell = typename cells::cell;
  using pool = typename cells::pool;

  [[nodiscard]] pool& attach() { return cells_.attach(); }
  void detach(pool& p) { cells_.detach(p); }

  // The object, or null when it is dead.
  [[nodiscard]] static void* target(const cell& c) { return reinterpret_cast<void*>(bits(c) & ~state_bits); }
  // A cell of the program's, for an object or (null) for none.
  [[nodiscard]] static cell* make(pool& p, void* object) { return p.fill(tagged(object, 0)); }
  static void drop(pool& p, cell* c) { static_cast<void>(p.empty(c)); }
  // From now on the cell belongs to a weak slot; only drop() ends that, or the slot's object's death.
  static void place(cell& c) { c.object.store(reinterpret_cast<void*>(bits(c) | in_slot)); }
  // While marking: the slot that has it is alive. By the one worker that visits the slot's object.
  static void see(cell& c) { c.object.store(reinterpret_cast<void*>(bits(c) | seen)); }

  [[nodiscard]] std::size_t in_use() {
    std::size_t n = 0;
    cells_.for_each_cell([&n](cell&) { ++n; });
    return n;
  }

  // After marking, in a stop or with no context attached. `own` is the caller's pool.
  template <class Marked>
  void clear_dead(pool& own, Marked&& marked) {
    cells_.for_each_cell([&](cell& c) {
      const std::uintptr_t state = bits(c) & in_slot;
      if (state == in_slot && (bits(c) & seen) == 0) return drop(own, &c);
      void* object = target(c);
      c.object.store(tagged(object != nullptr && marked(object) ? object : nullptr, state));
    });
  }

 private:
  static constexpr std::uintptr_t in_slot = 1, seen = 2, dead = 4, state_bits = 7;
  static std::uintptr_t bits(const cell& c) { return reinterpret_cast<std::uintptr_t>(c.object.load()); }
  // `dead` keeps the word of a cell without object from being null, which would say that the cell is free.
  static void* tagged(void* object, std::uintptr_t state) {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(object) | state | (object == nullptr ? dead : 0));
  }

  cells cells_;
};

}  // namespace tally
