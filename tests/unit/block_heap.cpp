// The block heap against arithmetic, a reference model, and its own limit.
#include "harness/heap/block_heap.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "harness/memory/native.hpp"

namespace {

using tally::native;
namespace sizes = tally::block_heap_sizes;

using word = tally::object_word<native>;

word* object(void* cell, std::size_t bytes, std::uint16_t type = 0) {
  if (cell == nullptr) return nullptr;
  auto* w = new (cell) word;
  w->init(type, bytes);
  return w;
}
std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

TEST(BlockHeapSizes, EverySizeFitsItsClassAndNoSmallerOne) {
  for (std::size_t bytes = 1; bytes <= sizes::greatest_cell; ++bytes) {
    const std::size_t c = sizes::class_of(bytes);
    ASSERT_LT(c, sizes::class_count);
    ASSERT_GE(sizes::cell_bytes[c], bytes);
    if (c > 0) {
      ASSERT_LT(sizes::cell_bytes[c - 1], bytes);
    }
    ASSERT_EQ(sizes::cell_bytes[c] % 8, 0u);
    if (bytes > 64) {
      ASSERT_LE(sizes::cell_bytes[c], bytes + bytes / 8 + 1);
    }
  }
  EXPECT_EQ(sizes::cell_bytes.back(), sizes::greatest_cell);
}

TEST(BlockHeapSizes, EveryOffsetOfEveryClassIsDividedExactly) {
  for (std::size_t c = 0; c < sizes::class_count; ++c) {
    const std::uint32_t r = sizes::reciprocal_of(sizes::cell_bytes[c]);
    for (std::size_t o = 0; o < sizes::block_bytes; ++o) ASSERT_EQ(sizes::cell_at(o, r), o / sizes::cell_bytes[c]);
  }
}

}  // namespace
