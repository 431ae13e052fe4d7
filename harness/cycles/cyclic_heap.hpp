// The heap of a counting strategy that may have a cycle collector: with cycles=none it is counting_heap, and its context is
// counting_context.
#pragma once

#include "harness/counting/counting_heap.hpp"
#include "harness/cycles/cycle_kind.hpp"
#include "harness/cycles/cyclic_context.hpp"

namespace tally {

template <class Heap, class M, slot_kind Slots, object_source Source>
class generational_heap : public counting_heap<Heap, M, Slots, Source> {
  // As in counting_heap.hpp: Heap is complete only where these are named.
  template <class>
  struct later {
    using heap = Heap;
  };

 public:
  explicit generational_heap(const heap_config& c)
      : counting_heap<Heap, M, Slots, Source>(c),
        cycles_(cycle_rules.at(static_cast<std::size_t>(c.tunable("rule", default_cycle_rule)))) {}
  static constexpr bool has_finalizers = true;
  static constexpr std::size_t container_bytes = sizeof(gc_head<M>);  // before the header of what can hold references
  // What an observer and what can be observed have in their payloads (T: what is observed).
  template <class T>
  using observation = typename later<T>::heap::context::template observation<T>;
  template <class T>
  using observers = typename later<T>::heap::context::template observers<T>;
  [[nodiscard]] generations<M>& cycles() { return cycles_; }
  [[nodiscard]] collector_totals& totals() { return cycles_.totals; }
  // Until a collection finds nothing: what finalisers revive and let go is garbage again.
  void settle() {
    typename Heap::context c(static_cast<Heap&>(*this));
    while (c.collect(generations<M>::oldest) != 0) {}
  }

 private:
  generations<M> cycles_;
};

template <cycle_kind Cycles, class Heap, class M, slot_kind Slots, object_source Source>
using heap_with_cycles = std::conditional_t<Cycles == cycle_kind::none, counting_heap<Heap, M, Slots, Source>,
                                            generational_heap<Heap, M, Slots, Source>>;
template <cycle_kind Cycles, class Self, class Heap, class Header>
using context_with_cycles =
    std::conditional_t<Cycles == cycle_kind::none, counting_context<Self, Heap, Header>, cyclic_context<Self, Heap, Header>>;

}  // namespace tally
