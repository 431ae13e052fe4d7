// The heap and the context of a counting strategy whose objects may have finalisers and observers (ending_context.hpp).
//
// Not with slot=epoch, where both are what they are without: what was in a shared slot is taken apart when its readers have left, and
// not in the operation that dropped it; and a finaliser would revive what a reader, who was refused, takes for dead.
#pragma once

#include <mutex>

#include "harness/counting/counting_heap.hpp"
#include "harness/counting/ending_context.hpp"

namespace tally {

template <class Heap, class M, slot_kind Slots, object_source Source>
class ending_heap : public counting_heap<Heap, M, Slots, Source> {
  // As in counting_heap.hpp: Heap is complete only where these are named.
  template <class>
  struct later {
    using heap = Heap;
  };

 public:
  static constexpr bool has_finalizers = true;
  // What an observer and what can be observed have in their payloads (T: what is observed).
  template <class T>
  using observation = typename later<T>::heap::context::template observation<T>;
  template <class T>
  using observers = typename later<T>::heap::context::template observers<T>;
  using counting_heap<Heap, M, Slots, Source>::counting_heap;

  // All lists of observers are under one lock, where threads use them at the same time.
  [[nodiscard]] auto hold_observers() {
    if constexpr (single_threaded<Heap> || Slots == slot_kind::unlocked) {
      return nothing_to_hold{};
    } else {
      return std::lock_guard(observers_);
    }
  }

 private:
  struct nothing_to_hold {
    ~nothing_to_hold() {}
  };
  typename M::mutex observers_;
};

template <class Heap, class M, slot_kind Slots, object_source Source>
using heap_with_ends =
    std::conditional_t<Slots == slot_kind::epoch, counting_heap<Heap, M, Slots, Source>, ending_heap<Heap, M, Slots, Source>>;
template <slot_kind Slots, class Self, class Heap, class Header>
using context_with_ends =
    std::conditional_t<Slots == slot_kind::epoch, counting_context<Self, Heap, Header>, ending_context<Self, Heap, Header>>;

}  // namespace tally
