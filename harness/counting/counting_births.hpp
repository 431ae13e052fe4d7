// The birth of an object. Included by counting.hpp, which declares what is defined here.
#pragma once

#include <new>
#include <utility>

#include "harness/counting/live.hpp"
#include "harness/heap/object.hpp"

namespace tally {

template <class Self, class Heap, class Header>
template <class T, class... Args>
inline auto counting_context<Self, Heap, Header>::make(extent e, Args&&... args) -> ref<T> {
  static_assert(sizeof(Header) % alignof(T) == 0 && alignof(T) <= (Heap::own_heap ? 8 : 16));
  const std::size_t before = self().template before_header<T>();
  std::size_t bytes = before + sizeof(Header) + sizeof(T) + e.bytes;
  if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
  bytes = live_counter::rounded(bytes);        // no block of an allocator gets larger by that
  static_assert(offsetof(Header, word) == 0);  // lists of the dead link the words
  auto* h = new (static_cast<std::byte*>(self().allocate(bytes)) + before) Header;
  zero_memory<memory>(static_cast<void*>(h + 1), bytes - before - sizeof(Header));
  h->word.init(type_number<Self, T>, bytes);
  if constexpr (counts_by_type<Self, T>) {
    self().template init<T>(*h);
  } else {
    self().init(*h);
  }
  try {
    new (h + 1) T(std::forward<Args>(args)...);
  } catch (...) {
    self().give_back(h);
    throw;
  }
  live_.made(bytes);
  return {h};
}

}  // namespace tally
