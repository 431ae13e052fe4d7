// Weak refs for a strategy whose objects die in stops: cells that a collection clears.
//
// A weak ref is the address of a cell that holds its object's address and is no root. It may be anywhere, so cells are not found
// by scanning: a cell that the program holds stays until it is dropped, and one that was stored into a weak slot belongs to the
// slot's object. Who finds living objects sees the cells in their slots; after that, cells in slots that were not seen died
// with their objects, and of the others those whose object is not marked are dead: upgrade finds null. A collection that visits
// all that lives sees anew each time; one that visits an object once and remembers sees a cell for good.
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
  class lease : public cells::lease {
   public:
    explicit lease(weak_cells& w) : cells::lease(w.cells_) {}
  };

  [[nodiscard]] pool& attach() { return cells_.attach(); }
  void detach(pool& p) { cells_.detach(p); }

  // The object, or null when it is dead.
  [[nodiscard]] static void* target(const cell& c) { return reinterpret_cast<void*>(bits(c) & ~state_bits); }
  // A cell of the program's, for an object or (null) for none.
  [[nodiscard]] static cell* make(pool& p, void* object) { return p.fill(reinterpret_cast<void*>(tagged(object, 0))); }
  static void drop(pool& p, cell* c) { static_cast<void>(p.empty(c)); }
  // From now on the cell belongs to a weak slot; only drop() ends that, or the slot's object's death.
  static void place(cell& c) { c.object.store(reinterpret_cast<void*>(bits(c) | in_slot)); }
  // The slot that has it is alive. By the one worker that visits the slot's object, or who has just placed the cell.
  static void see(cell& c) { c.object.store(reinterpret_cast<void*>(bits(c) | seen)); }

  [[nodiscard]] std::size_t in_use() {
    std::size_t n = 0;
    cells_.for_each_cell([&n](cell&) { ++n; });
    return n;
  }

  // How long see() holds: until the next clear_dead(), or until the cell is dropped.
  enum class sight { once, for_good };
  // After marking, in a stop or with no context attached, before what is not marked is freed. `own` is the caller's pool.
  // Returns how many cells were looked at.
  template <class Marked>
  std::size_t clear_dead(pool& own, sight lasts, Marked&& marked) {
    const std::uintptr_t kept = lasts == sight::once ? in_slot : in_slot | seen;
    std::size_t looked_at = 0;
    cells_.for_each_cell([&](cell& c) {
      ++looked_at;
      const std::uintptr_t now = bits(c);
      if ((now & (in_slot | seen)) == in_slot) return drop(own, &c);
      void* object = target(c);
      const bool lives = object != nullptr && marked(object);
      const std::uintptr_t next = tagged(lives ? object : nullptr, now & kept);
      if (next != now) c.object.store(reinterpret_cast<void*>(next));
    });
    return looked_at;
  }

 private:
  static constexpr std::uintptr_t in_slot = 1, seen = 2, dead = 4, state_bits = 7;
  static std::uintptr_t bits(const cell& c) { return reinterpret_cast<std::uintptr_t>(c.object.load()); }
  // `dead` keeps the word of a cell without object from being null, which would say that the cell is free.
  static std::uintptr_t tagged(void* object, std::uintptr_t state) {
    return reinterpret_cast<std::uintptr_t>(object) | state | (object == nullptr ? dead : 0);
  }

  cells cells_;
};

// A weak ref of a T: a cell that the program holds.
template <class M, class T>
struct weak_cell_ref {
  typename weak_cells<M>::cell* at = nullptr;
  [[nodiscard]] explicit operator bool() const { return at != nullptr; }
  friend bool operator==(weak_cell_ref, weak_cell_ref) = default;
};

// A context's operations on weak refs, but for their slots. Self has weak_pool(), the pool of its lease, and Ref, its strong
// refs, the address `at` of a Header. An operation of these names that Self has for strong refs hides these: name both (`using`).
template <class Self, class M, class Header, template <class> class Ref>
class weak_operations {
 public:
  template <class T>
  [[nodiscard]] weak_cell_ref<M, T> downgrade(const Ref<T>& r) {
    return {weak_cells<M>::make(pool(), r.at)};
  }
  template <class T>
  [[nodiscard]] Ref<T> upgrade(const weak_cell_ref<M, T>& w) {
    return {static_cast<Header*>(weak_cells<M>::target(*w.at))};
  }
  template <class T>
  [[nodiscard]] weak_cell_ref<M, T> copy(const weak_cell_ref<M, T>& w) {
    return {weak_cells<M>::make(pool(), weak_cells<M>::target(*w.at))};
  }
  template <class T>
  void drop(weak_cell_ref<M, T> w) {
    weak_cells<M>::drop(pool(), w.at);
  }

 private:
  typename weak_cells<M>::pool& pool() { return static_cast<Self&>(*this).weak_pool(); }
};

}  // namespace tally
