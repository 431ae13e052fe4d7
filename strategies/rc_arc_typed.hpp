// rc_arc:sharing=typed: a ref's type says how it counts. Rc for the types that a workload declares confined, Arc for the others.
//
// What a Rust program does that uses Rc here and Arc there: nothing is tested when a ref is copied or dropped, and nothing
// becomes shared later. The type of the object decides (`static constexpr bool confined = true;`, see the contract), so that
// refs, slots and callers stay as they are. Confined counts are plain words in the place of the atomic ones. What must not
// happen to a confined ref doesn't compile: to pack or share it, to put it in a root or a shared slot, or in a slot of an object
// whose type isn't confined.
//
// What it can't do: cycles; know a confined object that another thread reaches without any of these (through the memory of a
// lane, say), as Rust's Send does.
// Source: [hybrid-rc].
#pragma once

#include <memory>

#include "harness/counting/ends.hpp"

namespace tally::strategies {

template <class M, slot_kind Slot = slot_kind::lockbit, object_source Source = object_source::malloc>
class rc_arc_typed_heap : public heap_with_ends<rc_arc_typed_heap<M, Slot, Source>, M, Slot, Source> {
 public:
  explicit rc_arc_typed_heap(const heap_config& c) : heap_with_ends<rc_arc_typed_heap, M, Slot, Source>(c) {}

  struct shared_counts {
    tally::atomic<M, std::uint32_t, "count"> count;
    tally::atomic<M, std::uint32_t, "weak"> weak;  // all strong refs together hold one
  };
  struct confined_counts {
    var<M, std::uint32_t, "count"> count;
    var<M, std::uint32_t, "weak"> weak;
  };
  // Which of the two is alive, the object's type says.
  struct header {
    header() : shared() {}
    object_word<M> word;
    union {
      shared_counts shared;
      confined_counts confined;
    };
  };

  class context : public context_with_ends<Slot, context, rc_arc_typed_heap, header> {
   public:
    using base = context_with_ends<Slot, context, rc_arc_typed_heap, header>;
    explicit context(rc_arc_typed_heap& h) : base(h) {}
    template <class T>
    using ref = typename base::template ref<T>;

    template <class T>
    void init(header& h) {
      if constexpr (confined_type<T>) {
        std::destroy_at(&h.shared);
        std::construct_at(&h.confined);
        h.confined.count.store(1);
        h.confined.weak.store(1);
      } else {
        static_cast<void>([](T& object) { object.each_slot(only_shared{}); });  // compiled, never called
        h.shared.count.store(1, std::memory_order_relaxed);                     // relaxed: nobody else can see the object yet
        h.shared.weak.store(1, std::memory_order_relaxed);
      }
    }
    template <class T>
    void increment(header& h) {
      if constexpr (confined_type<T>) {
        h.confined.count.store(h.confined.count.load() + 1);
      } else {
        increment(h);
      }
    }
    template <class T>
    bool decrement(header& h) {
      if constexpr (!confined_type<T>) return decrement(h);
      return one_fewer(h.confined.count);
    }
    template <class T>
    void revive(header& h) {
      if constexpr (confined_type<T>) {
        h.confined.count.store(1);
      } else {
        h.shared.count.fetch_add(1, std::memory_order_relaxed);  // relaxed: nobody else counts a dead object
      }
    }
    template <class T>
    bool try_increment(header& h) {
      if constexpr (!confined_type<T>) return try_increment(h);
      if (h.confined.count.load() == 0) return false;
      increment<T>(h);
      return true;
    }
    template <class T>
    void weak_increment(header& h) {
      if constexpr (confined_type<T>) {
        h.confined.weak.store(h.confined.weak.load() + 1);
      } else {
        weak_increment(h);
      }
    }
    template <class T>
    bool weak_decrement(header& h) {
      if constexpr (!confined_type<T>) return weak_decrement(h);
      return one_weak_fewer(h.confined.weak);
    }

    // Objects of shared types, and what is found in shared slots. The orders are Arc's, see atomic.hpp.
    void increment(header& h) { h.shared.count.fetch_add(1, std::memory_order_relaxed); }
    // release: pairs with the acquire, on the same operation, of whoever finds the count at zero.
    bool decrement(header& h) { return h.shared.count.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    bool try_increment(header& h) {
      std::uint32_t n = h.shared.count.load(std::memory_order_relaxed);  // a guess for the CAS
      while (n != 0) {
        // relaxed: what made the object reachable published its content
        if (h.shared.count.compare_exchange_weak(n, n + 1, std::memory_order_relaxed, std::memory_order_relaxed)) return true;
      }
      return false;
    }
    void weak_increment(header& h) { h.shared.weak.fetch_add(1, std::memory_order_relaxed); }
    // Whoever has the only weak ref, or the one of a dead object's strong refs, sees 1, and nobody can make another. acquire:
    // pairs with the release of other weak drops; acq_rel: as in decrement.
    bool weak_decrement(header& h) {
      return h.shared.weak.load(std::memory_order_acquire) == 1 || h.shared.weak.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

    // A dead object: its type is known by number only.
    void dispose(header& h) {
      const bool free =
          type_table<context>::entries[h.word.type()].confined ? one_weak_fewer(h.confined.weak) : weak_decrement(h);
      if (free) this->give_back(&h);
    }

    template <class T>
      requires(!confined_type<T>)
    void share(const ref<T>&) {}
    template <class T>
      requires(!confined_type<T>)
    [[nodiscard]] typename base::template parcel<T> pack(ref<T> r) {
      return r;
    }

   private:
    struct only_shared {
      template <class T>
      void operator()(typename base::template slot<T>&) const {
        static_assert(!confined_type<T>, "a slot of an object that may be shared would hold a confined ref");
      }
      template <class T>
      void operator()(typename base::template weak_slot<T>&) const {
        static_assert(!confined_type<T>, "a slot of an object that may be shared would hold a confined ref");
      }
      void operator()(typename base::shared_word&) const {}
    };
    static bool one_fewer(auto& n) {
      const std::uint32_t left = n.load() - 1;
      n.store(left);
      return left == 0;
    }
    static bool one_weak_fewer(auto& n) { return n.load() == 1 || one_fewer(n); }
  };
};

}  // namespace tally::strategies
