// The heap of a counting strategy: its books, and the names of what its context hands out. See counting.hpp.
#pragma once

#include <algorithm>

#include "harness/contract/family.hpp"
#include "harness/counting/counted_handles.hpp"
#include "harness/counting/counted_slots.hpp"
#include "harness/counting/live.hpp"
#include "harness/heap/cell_cache.hpp"

namespace tally {

template <class Self>
concept counts_weak = requires(Self& self, typename Self::header& h) {
  self.weak_increment(h);
  { self.weak_decrement(h) } -> std::same_as<bool>;
};

// It says when an object's memory is kept for weak refs alone. Where threads and clock are not real nobody asks.
template <class Self>
concept tells_weak = Self::memory::measured && counts_weak<Self> && requires(Self& self, typename Self::header& h) {
  { self.only_weak(h) } -> std::same_as<bool>;
};

// The hooks are templates over the object type.
template <class Self, class T>
concept counts_by_type = requires(Self& self, typename Self::header& h) { self.template increment<T>(h); };

// Where the objects come from: the process's malloc, or cells of a block heap that are freed one at a time (heap/cell_cache.hpp),
// the allocator of the schemes that have a heap of their own.
enum class object_source { malloc, block };

template <class Options>
consteval tunable<Options> heap_choice() {
  return choice<&Options::heap, Options>("heap", {"malloc", "block"}, "where objects come from: malloc, or deferred's block heap",
                                         "what every current implementation does");
}

template <class Heap, class Memory, slot_kind Slots = slot_kind::lockbit, object_source Source = object_source::malloc>
class counting_heap {
  // Heap is complete only where a handle is named: looked up then, because it depends on the handle's type.
  template <class>
  struct later {
    using heap = Heap;
  };
  template <class T>
  using context_of = typename later<T>::heap::context;

 public:
  using memory = Memory;
  static constexpr slot_kind slots = Slots;
  static constexpr object_source source = Source;
  static constexpr bool own_heap = Source == object_source::block;
  struct no_epochs {};
  using epoch_state = std::conditional_t<Slots == slot_kind::epoch, epoch_domain<Memory>, no_epochs>;
  struct no_cells {
    explicit no_cells(std::size_t) {}
    struct cache {
      explicit cache(no_cells&) {}
    };
  };
  using cell_source = std::conditional_t<own_heap, cell_store<Memory>, no_cells>;
  static constexpr bool instrumented = true;
  static constexpr oracle_class oracle = oracle_class::exact;

  // A policy for small heaps has no address space to give away.
  explicit counting_heap(const heap_config& c) : cells_(crowded<Memory> ? c.limit_bytes : 0) {}
  counting_heap(const counting_heap&) = delete;
  counting_heap& operator=(const counting_heap&) = delete;

  [[nodiscard]] std::int64_t live() const { return counters_.objects(); }
  [[nodiscard]] std::int64_t live_bytes() const { return counters_.bytes(); }
  [[nodiscard]] held_memory held() const {
    held_memory all = counters_.held();
    if constexpr (own_heap) {
      all.taken = static_cast<std::int64_t>(cells_.committed());
      all.of(held_cause::headroom) = std::max<std::int64_t>(all.taken - live_bytes() - all.of(held_cause::weak), 0);
    } else {
      all.taken = live_bytes() + all.of(held_cause::weak);
    }
    return all;
  }
  // slot=epoch: takes apart what was retired; a heap that ends without it keeps that memory.
  void settle() {
    if constexpr (Slots == slot_kind::epoch) typename Heap::context(static_cast<Heap&>(*this)).drain_epochs();
  }
  [[nodiscard]] std::size_t committed_bytes() const
    requires own_heap
  {
    return cells_.committed();
  }
  live_counters& counters() { return counters_; }
  epoch_state& epochs() { return epochs_; }
  cell_source& cells() { return cells_; }

  // The handles are the context's. A scheme has weak refs if it counts them, and shared slots if threads share its heap.
  template <class T>
  using ref = typename context_of<T>::template ref<T>;
  template <class T>
  using slot = typename context_of<T>::template slot<T>;
  template <class T>
  using parcel = typename context_of<T>::template parcel<T>;
  template <class T>
  using root = counted_root<Heap, T>;
  template <class T>
    requires counts_weak<context_of<T>>
  using weak = typename context_of<T>::template weak<T>;
  template <class T>
    requires counts_weak<context_of<T>>
  using weak_slot = typename context_of<T>::template weak_slot<T>;
  template <class T>
    requires(!single_threaded<typename later<T>::heap> && !unique_ownership<typename later<T>::heap>)
  using shared_slot = typename context_of<T>::template shared_slot<T>;

 private:
  live_counters counters_;
  [[no_unique_address]] epoch_state epochs_;
  [[no_unique_address]] cell_source cells_;
};

}  // namespace tally
