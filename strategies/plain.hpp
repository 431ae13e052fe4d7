// plain: one non-atomic count in the object, and one for weak refs (Rust's Rc, CPython's count under the GIL).
//
// The floor for counting: a copy is one add to memory, a drop one subtract and a branch. One thread only. All strong refs
// together hold one weak ref: weak refs cost the strong path nothing, and the death of an object one comparison.
// Source: [Collins60].
#pragma once

#include "harness/contract/family.hpp"
#include "harness/counting/counting.hpp"

namespace tally::strategies {

struct plain_options {
  object_source heap = object_source::malloc;  // see heap_choice in counting_heap.hpp
};

template <class M, plain_options O = plain_options{}>
class plain_heap : public counting_heap<plain_heap<M, O>, M, slot_kind::lockbit, O.heap> {
 public:
  using counting_heap<plain_heap, M, slot_kind::lockbit, O.heap>::counting_heap;
  static constexpr bool single_threaded = true;

  struct header {
    object_word<M> word;
    var<M, std::uint32_t, "count"> count;
    var<M, std::uint32_t, "weak"> weak;
  };

  class context : public counting_context<context, plain_heap, header> {
   public:
    using counting_context<context, plain_heap, header>::counting_context;
    void init(header& h) {
      h.count.store(1);
      h.weak.store(1);
    }
    void increment(header& h) { h.count.store(h.count.load() + 1); }
    bool decrement(header& h) {
      const std::uint32_t n = h.count.load() - 1;
      h.count.store(n);
      return n == 0;
    }
    bool try_increment(header& h) {
      if (h.count.load() == 0) return false;
      increment(h);
      return true;
    }
    void weak_increment(header& h) { h.weak.store(h.weak.load() + 1); }
    bool weak_decrement(header& h) {
      const std::uint32_t n = h.weak.load();
      if (n == 1) return true;  // the memory goes, and the count with it
      h.weak.store(n - 1);
      return false;
    }
  };
};

struct plain {
  static constexpr strategy_info info{"plain", "one non-atomic count (Rust's Rc, CPython under the GIL)", "[Collins60]"};
  using options = plain_options;
  static constexpr std::array tunables{heap_choice<options>()};
  template <class M, options O>
  using heap = plain_heap<M, O>;
  using variants = variant_list<options{}, options{.heap = object_source::block}>;
};

static_assert(strategy<plain_heap<native>> && has_weak<plain_heap<native>>);

}  // namespace tally::strategies
