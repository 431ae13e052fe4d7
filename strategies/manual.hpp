// manual: nothing is counted, and the owner frees by hand. The floor under everything that frees.
//
// What a program costs that knows who owns each object (C++'s unique_ptr, Rust's Box): a drop frees, with all that hangs on the
// object, and nobody asks whether that was the last one. So an object has one ref at any time. What would make a second one ends
// the process, and the workloads that need one do not run. It keeps one word an object, its size and type, as `deferred` does.
//
// heap=block takes objects from deferred's block heap: against `deferred` on the same heap it says what freeing late is worth.
// Source: -; [LBO] for why there must be a floor.
#pragma once

#include "harness/contract/family.hpp"
#include "harness/counting/counting.hpp"

namespace tally::strategies {

struct manual_options {
  object_source heap = object_source::malloc;  // see heap_choice in counting_heap.hpp
};

template <class M, manual_options O = manual_options{}>
class manual_heap : public counting_heap<manual_heap<M, O>, M, slot_kind::lockbit, O.heap> {
 public:
  using counting_heap<manual_heap, M, slot_kind::lockbit, O.heap>::counting_heap;
  static constexpr bool unique_ownership = true;

  struct header {
    object_word<M> word;
  };

  class context : public counting_context<context, manual_heap, header> {
   public:
    using counting_context<context, manual_heap, header>::counting_context;
    void init(header&) {}
    [[gnu::cold]] void increment(header&) { no_way_on("manual: a second reference to an object that has one owner"); }
    bool decrement(header&) { return true; }
    // By hand there is no call between the owner and the free.
    template <class T>
    void release(header& h) {
      if (this->template is_leaf<T>(h)) {
        this->template free_leaf<T>(h);
      } else {
        this->template reclaim<T>(h);
      }
    }
  };
};

struct manual {
  static constexpr strategy_info info{"manual", "no counts: each object has one owner, who frees it (unique_ptr, Box)", "-"};
  using options = manual_options;
  static constexpr std::array tunables{heap_choice<options>()};
  template <class M, options O>
  using heap = manual_heap<M, O>;
  using variants = variant_list<options{}, options{.heap = object_source::block}>;
};

static_assert(strategy<manual_heap<native>> && !has_weak<manual_heap<native>> && !has_shared_slot<manual_heap<native>>);

}  // namespace tally::strategies
