// plain: one non-atomic count in the object, and one for weak refs (Rust's Rc, CPython's count under the GIL).
//
// The floor for counting: a copy is one add to memory, a drop one subtract and a branch. One thread only. All strong refs
// together hold one weak ref: weak refs cost the strong path nothing, and the death of an object one comparison.
// Source: [Collins60].
#pragma once

#include "harness/contract/family.hpp"
#include "harness/cycles/cyclic_heap.hpp"

namespace tally::strategies {

struct plain_options {
  object_source heap = object_source::malloc;  // see heap_choice in counting_heap.hpp
  cycle_kind cycles = cycle_kind::none;        // see cycle_kind.hpp
};

constexpr bool sensible(const plain_options& o) { return o.cycles != cycle_kind::stop; }  // there is no other thread to stop

template <class M, plain_options O = plain_options{}>
  requires(sensible(O))
class plain_heap : public heap_with_cycles<O.cycles, plain_heap<M, O>, M, slot_kind::lockbit, O.heap> {
 public:
  explicit plain_heap(const heap_config& c) : heap_with_cycles<O.cycles, plain_heap, M, slot_kind::lockbit, O.heap>(c) {}
  static constexpr bool single_threaded = true;

  struct header {
    object_word<M> word;
    var<M, std::uint32_t, "count"> count;
    var<M, std::uint32_t, "weak"> weak;
  };

  class context : public context_with_cycles<O.cycles, context, plain_heap, header> {
   public:
    explicit context(plain_heap& h) : context_with_cycles<O.cycles, context, plain_heap, header>(h) {}
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
    [[nodiscard]] std::uint64_t count_of(header& h) const { return h.count.load(); }
    void revive(header& h) { h.count.store(1); }
    bool try_increment(header& h) {
      if (h.count.load() == 0) return false;
      increment(h);
      return true;
    }
    void weak_increment(header& h) { h.weak.store(h.weak.load() + 1); }
    [[nodiscard]] bool only_weak(header& h) const { return h.weak.load() == 1; }
    bool weak_decrement(header& h) {
      if (only_weak(h)) return true;  // the memory goes, and the count with it
      h.weak.store(h.weak.load() - 1);
      return false;
    }
  };
};

struct plain {
  static constexpr strategy_info info{"plain", "one non-atomic count (Rust's Rc, CPython under the GIL)", "[Collins60]"};
  using options = plain_options;
  static constexpr std::array tunables{heap_choice<options>(), cycles_choice<options>(), rule_setting<options>(),
                                       candidates_number<options>(), automatic_setting<options>("cycles=generational")};
  static constexpr std::array refusals{refusal{"cycles=stop", "there is no other thread to stop"}};
  template <class M, options O>
    requires(sensible(O))
  using heap = plain_heap<M, O>;
  using variants = variant_list<options{}, options{.heap = object_source::block}, options{.cycles = cycle_kind::generational},
                                options{.cycles = cycle_kind::trial}>;
};

static_assert(strategy<plain_heap<native>> && has_weak<plain_heap<native>>);

}  // namespace tally::strategies
