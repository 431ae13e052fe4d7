// The heap of a counting strategy that may have a cycle collector: with cycles=none heap and context are those of ends.hpp.
#pragma once

#include "harness/counting/ends.hpp"
#include "harness/cycles/cycle_kind.hpp"
#include "harness/cycles/cyclic_context.hpp"
#include "harness/cycles/generations.hpp"
#include "harness/cycles/stopped_world.hpp"
#include "harness/cycles/trial_context.hpp"
#include "harness/cycles/trial_deletion.hpp"

namespace tally {

template <class Heap, class M, slot_kind Slots, object_source Source, class Collector>
class cyclic_heap : public ending_heap<Heap, M, Slots, Source> {
 public:
  using collector = Collector;
  static constexpr std::size_t container_bytes = sizeof(gc_head<M>);  // before the header of what collections look at

  explicit cyclic_heap(const heap_config& c)
      : ending_heap<Heap, M, Slots, Source>(c),
        cycles_(cycle_rules.at(static_cast<std::size_t>(c.tunable("rule", default_cycle_rule)))) {
    cycles_.enable(c.tunable("automatic", 0) == 0);
    if constexpr (Collector::by_candidates) {
      cycles_.set_thresholds({static_cast<std::uint64_t>(c.tunable("candidates", default_candidates))});
    }
  }
  [[nodiscard]] Collector& cycles() { return cycles_; }
  [[nodiscard]] collector_totals& totals() { return cycles_.totals; }
  // Until a collection finds nothing: what finalisers revive and let go is garbage again.
  void settle() {
    typename Heap::context c(static_cast<Heap&>(*this));
    while (c.collect(Collector::oldest) != 0) {}
  }

 private:
  Collector cycles_;
};

template <class Heap, class M, slot_kind Slots, object_source Source>
class heap_with_stops : public cyclic_heap<Heap, M, Slots, Source, stopped_world<M>> {
 public:
  using cyclic_heap<Heap, M, Slots, Source, stopped_world<M>>::cyclic_heap;
  static constexpr std::string_view thread_bound = "a stop waits for all other contexts, and the thread would have to stop them";
};

namespace detail {

template <cycle_kind, class Heap, class M, slot_kind Slots, object_source Source>
struct heap_for {
  using type = heap_with_ends<Heap, M, Slots, Source>;
};
template <class Heap, class M, slot_kind Slots, object_source Source>
struct heap_for<cycle_kind::generational, Heap, M, Slots, Source> {
  using type = cyclic_heap<Heap, M, Slots, Source, generations<M>>;
};
template <class Heap, class M, slot_kind Slots, object_source Source>
struct heap_for<cycle_kind::trial, Heap, M, Slots, Source> {
  using type = cyclic_heap<Heap, M, Slots, Source, trial_deletion<M>>;
};
template <class Heap, class M, slot_kind Slots, object_source Source>
struct heap_for<cycle_kind::stop, Heap, M, Slots, Source> {
  static_assert(Source == object_source::block, "objects are found by a walk over cells");
  using type = heap_with_stops<Heap, M, Slots, Source>;
};

template <cycle_kind, class Self, class Heap, class Header>
struct context_for {
  using type = cyclic_context<Self, Heap, Header>;
};
template <class Self, class Heap, class Header>
struct context_for<cycle_kind::none, Self, Heap, Header> {
  using type = context_with_ends<Heap::slots, Self, Heap, Header>;
};
template <class Self, class Heap, class Header>
struct context_for<cycle_kind::trial, Self, Heap, Header> {
  using type = trial_context<Self, Heap, Header>;
};

}  // namespace detail

template <cycle_kind Cycles, class Heap, class M, slot_kind Slots, object_source Source>
using heap_with_cycles = typename detail::heap_for<Cycles, Heap, M, Slots, Source>::type;
template <cycle_kind Cycles, class Self, class Heap, class Header>
using context_with_cycles = typename detail::context_for<Cycles, Self, Heap, Header>::type;

}  // namespace tally
