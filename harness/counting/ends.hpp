// The heap and the context of a counting strategy whose objects may have finalisers and observers (ending_context.hpp).
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

}  // namespace tally
