// Heaps that are wrong on purpose: what a workload's oracle must catch. Not thread-safe.
//
//   leaky    forgets every 97th drop
//   hasty    counts every 97th drop twice, so that objects die while somebody holds them. The dead are wiped and kept: a use
//            after free reads zeroes (a null slot, a payload of 0) and is no crash
//   sound    right, and knows the most payload that ever lived, and how many objects were made and references dropped
//
// Any of them has memory for so many objects as it is told.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <unordered_set>

#include "harness/counting/counting.hpp"
#include "harness/memory/native.hpp"

namespace tally::testing {

enum class fault { none, leaky, hasty };

template <fault Fault>
class faulty_heap : public counting_heap<faulty_heap<Fault>, native> {
 public:
  using base = counting_heap<faulty_heap<Fault>, native>;
  static constexpr bool single_threaded = true;
  using base::base;
  ~faulty_heap() {
    for (void* p : blocks) native::free(p);
  }
  std::int64_t payload = 0, most_payload = 0;
  long drops = 0, makes = 0;
  long most_makes = -1;              // then memory ends; -1: never
  std::unordered_set<void*> blocks;  // what was not given back: the leaked and the wiped too

  struct header {
    object_word<native> word;
    std::int64_t count = 0;
    std::int64_t bytes = 0;
    std::int64_t unused = 0;  // keeps the payload aligned
  };
  class context : public counting_context<context, faulty_heap, header> {
   public:
    using counting_context<context, faulty_heap, header>::counting_context;
    void* allocate(std::size_t bytes) {
      if (this->heap_.makes == this->heap_.most_makes) throw std::bad_alloc();
      return counting_context<context, faulty_heap, header>::allocate(bytes);
    }
    void init(header& h) {
      h.count = 1;
      ++this->heap_.makes;
      this->heap_.blocks.insert(&h);
      h.bytes = static_cast<std::int64_t>(h.word.bytes() - sizeof(header));
      this->heap_.payload += h.bytes;
      this->heap_.most_payload = std::max(this->heap_.most_payload, this->heap_.payload);
    }
    void increment(header& h) { ++h.count; }
    bool decrement(header& h) {
      if (h.count <= 0) return false;  // died too early
      const bool strikes = ++this->heap_.drops % 97 == 0;
      if (Fault == fault::leaky && strikes) return false;
      h.count -= Fault == fault::hasty && strikes ? 2 : 1;
      return h.count <= 0;
    }
    void dispose(header& h) {
      this->heap_.payload -= h.bytes;
      if (Fault == fault::hasty) {
        std::memset(static_cast<void*>(&h + 1), 0, static_cast<std::size_t>(h.bytes));
      } else {
        this->heap_.blocks.erase(&h);
        native::free(&h);
      }
    }
  };

  template <class T>
  using ref = typename context::template ref<T>;
  template <class T>
  using slot = typename context::template slot<T>;
  template <class T>
  using shared_slot = typename context::template shared_slot<T>;
  template <class T>
  using parcel = typename context::template parcel<T>;
  template <class T>
  using root = counted_root<faulty_heap, T>;
};

using leaky_heap = faulty_heap<fault::leaky>;
using hasty_heap = faulty_heap<fault::hasty>;
using sound_heap = faulty_heap<fault::none>;

static_assert(strategy<leaky_heap> && strategy<hasty_heap> && strategy<sound_heap>);

}  // namespace tally::testing
