// What the tests of the block heap share: objects in its cells.
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/heap/block_heap.hpp"
#include "harness/heap/block_heap_mark.hpp"
#include "harness/memory/native.hpp"

namespace unit_block_heap {

using tally::native;
namespace sizes = tally::block_heap_sizes;

using word = tally::object_word<native>;

inline word* object(void* cell, std::size_t bytes, std::uint16_t type = 0) {
  if (cell == nullptr) return nullptr;
  auto* w = new (cell) word;
  w->init(type, bytes);
  return w;
}
// An object type without slots.
struct int_like {
  std::uint64_t value = 0;
  void each_slot(auto&&) {}
};
inline std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

using heap_type = tally::block_heap<native>;
inline word& word_at(void* cell) { return *static_cast<word*>(cell); }

inline bool zero(const void* p, std::size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(p);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (at[i] != 0) return false;
  }
  return true;
}

}  // namespace unit_block_heap
