// The block heap against arithmetic, a reference model, and its own limit.
#include "harness/heap/block_heap.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/block_heap_cells.hpp"

#ifdef TALLY_RAPIDCHECK
#include <rapidcheck.h>
#endif

namespace unit_block_heap {
namespace {

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

// The cell of every living object and its end, by start.
using cells = std::map<std::uintptr_t, std::pair<std::uintptr_t, std::size_t>>;

std::size_t cell_of(std::size_t bytes) {
  if (bytes <= sizes::greatest_cell) return sizes::cell_bytes[sizes::class_of(bytes)];
  return (bytes + sizes::block_bytes - 1) / sizes::block_bytes * sizes::block_bytes;
}
void enter(cells& all, void* cell, std::size_t bytes) {
  const std::uintptr_t at = address(cell);
  const auto next = all.lower_bound(at);
  const std::uintptr_t after = next == all.end() ? ~std::uintptr_t{0} : next->first;
  const std::uintptr_t before = next == all.begin() ? 0 : std::prev(next)->second.first;
  ASSERT_GE(after, at + cell_of(bytes)) << "two objects overlap";
  ASSERT_LE(before, at) << "two objects overlap";
  all[at] = {at + cell_of(bytes), bytes};
}
// What resolve() must say of `w`.
std::uintptr_t expected(const cells& all, std::uintptr_t w) {
  auto it = all.upper_bound(w);
  if (it == all.begin()) return 0;
  --it;
  return w < it->second.first ? it->first : 0;
}

TEST(BlockHeap, EveryByteOfTheHeapResolvesToTheObjectWhoseCellHoldsItOrToNothing) {
  heap_type heap(3 << 20);
  heap_type::allocator a(heap);
  std::mt19937_64 random(7);
  cells live;
  std::vector<std::pair<void*, std::size_t>> made;
  const std::size_t wanted[] = {9, 16, 24, 40, 100, 130, 500, 3000, 9000, 16384, 16385, 70000};
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 600; ++i) {
      const std::size_t bytes = wanted[random() % (i % 40 == 0 ? 12 : 8)];
      void* cell = a.allocate(bytes);
      if (cell == nullptr) continue;
      ASSERT_TRUE(zero(cell, bytes));
      object(cell, bytes);
      enter(live, cell, bytes);
      made.emplace_back(cell, bytes);
    }
    std::shuffle(made.begin(), made.end(), random);
    for (int i = 0; i < 300; ++i) {
      auto [cell, bytes] = made.back();
      made.pop_back();
      std::memset(static_cast<std::byte*>(cell) + 8, 0xcd, bytes - 8);
      live.erase(address(cell));
      heap.let_go(word_at(cell));  // of this round, which was never kept, or of one before
    }
    for (const auto& [cell, bytes] : made) heap.keep(word_at(cell));
    heap.sweep_changed();
    const std::uintptr_t low = address(heap.blocks().block(0)), high = low + heap.blocks().span();
    for (std::uintptr_t w = low - 100; w < high + 100; ++w) ASSERT_EQ(address(heap.resolve(w)), expected(live, w)) << w - low;
    std::size_t seen = 0;
    heap.for_each_object([&](word& o) { seen += live.count(address(&o)); });
    EXPECT_EQ(seen, live.size());
  }
  EXPECT_EQ(heap.resolve(0), nullptr);
  EXPECT_EQ(heap.resolve(~std::uintptr_t{0}), nullptr);
}

TEST(BlockHeap, TheLimitHoldsToTheByteAndIsUsedToTheLastBlock) {
  for (const std::size_t limit :
       {std::size_t{40} << 10, std::size_t{100'000}, std::size_t{1} << 20, (std::size_t{5} << 20) + 4095}) {
    heap_type heap(limit);
    heap_type::allocator a(heap);
    std::size_t n = 0;
    while (void* cell = a.allocate(64)) {
      object(cell, 64);
      ++n;
      ASSERT_LE(heap.committed(), limit);
    }
    const std::size_t blocks = heap.blocks().blocks();
    EXPECT_EQ(n, blocks * (sizes::block_bytes / 64));
    EXPECT_EQ(heap.committed(), heap_type::arena::cost(blocks));
    EXPECT_GT(heap_type::arena::cost(blocks + 1), limit);
    // The table is a part of it: an entry a block, in whole pages.
    EXPECT_GE(heap.committed(), blocks * (sizes::block_bytes + sizeof(heap_type::entry)));
  }
}

TEST(BlockHeap, RaisingTheThresholdNeverLowersItAndEndsAtTheLimit) {
  constexpr std::size_t limit = 4 << 20, first = 2 << 20;
  heap_type heap(limit);
  heap_type::allocator a(heap);
  const auto fill = [&] {
    while (void* cell = a.allocate(64)) object(cell, 64);
    return heap.blocks().blocks();
  };
  const auto most = [](std::size_t bytes) {
    std::uint32_t n = 0;
    while (heap_type::arena::cost(n + 1) <= bytes) ++n;
    return n;
  };
  heap.set_threshold(first);
  EXPECT_TRUE(heap.raise_threshold(1));  // of nothing committed
  EXPECT_EQ(fill(), most(first));
  EXPECT_TRUE(heap.raise_threshold(1 << 20));
  EXPECT_EQ(fill(), most(heap_type::arena::cost(most(first)) + (1 << 20)));
  EXPECT_TRUE(heap.raise_threshold(limit));
  EXPECT_EQ(fill(), most(limit));
  EXPECT_FALSE(heap.raise_threshold(1));
}

TEST(BlockHeap, ALimitBelowOneBlockHoldsNothingAndSaysSo) {
  heap_type heap(1000);
  heap_type::allocator a(heap);
  EXPECT_EQ(a.allocate(16), nullptr);
  EXPECT_EQ(a.allocate(100'000), nullptr);
  EXPECT_EQ(heap.committed(), 0u);
}

TEST(BlockHeap, FreedMemoryOfOneClassServesEveryOtherAndLargeObjects) {
  heap_type heap(4 << 20);
  std::size_t blocks = 0;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t bytes :
         {std::size_t{16}, std::size_t{48}, std::size_t{1000}, sizes::greatest_cell, std::size_t{300'000}}) {
      heap_type::allocator a(heap);
      std::vector<void*> made;
      while (void* cell = a.allocate(bytes)) {
        ASSERT_TRUE(zero(cell, bytes));
        std::memset(cell, 0xee, bytes);
        object(cell, bytes);
        made.push_back(cell);
      }
      if (blocks == 0) blocks = heap.blocks().blocks();
      ASSERT_EQ(heap.blocks().blocks(), blocks);
      const std::size_t each = bytes > sizes::greatest_cell ? 1 : sizes::block_bytes / cell_of(bytes);
      const std::size_t in_one = bytes > sizes::greatest_cell ? (bytes + sizes::block_bytes - 1) / sizes::block_bytes : 1;
      ASSERT_EQ(made.size(), blocks / in_one * each) << "a block was lost before objects of " << bytes;
      if (round == 1) {  // in the other rounds nobody ever knew of them
        for (void* cell : made) heap.keep(word_at(cell));
        heap.sweep_changed();
        ASSERT_EQ(a.allocate(bytes), nullptr);
        for (void* cell : made) heap.let_go(word_at(cell));
      }
      heap.sweep_changed();
    }
  }
}

#ifdef TALLY_RAPIDCHECK
TEST(BlockHeap, AgreesWithAReferenceModelOnRandomAllocationsAndSweeps) {
  const bool ok = rc::check("allocations do not overlap, are zero, resolve, and all comes back", [] {
    const auto steps = *rc::gen::container<std::vector<std::tuple<std::uint8_t, std::uint32_t, std::uint32_t>>>(rc::gen::tuple(
        rc::gen::inRange<std::uint8_t>(0, 8), rc::gen::arbitrary<std::uint32_t>(), rc::gen::arbitrary<std::uint32_t>()));
    heap_type heap(6 << 20);
    cells live;
    {
      std::vector<std::unique_ptr<heap_type::allocator>> threads;  // both used by this thread, in turn
      for (int i = 0; i < 2; ++i) threads.push_back(std::make_unique<heap_type::allocator>(heap));
      for (const auto& [what, which, size] : steps) {
        heap_type::allocator& a = *threads[which % 2];
        if (what < 3 && !live.empty()) {
          // Some die, and there is a stop.
          std::vector<std::uintptr_t> gone;
          for (std::uint32_t n = size % 64; n > 0 && !live.empty(); --n) {
            const auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>((which + n) % live.size()));
            heap.let_go(word_at(reinterpret_cast<void*>(victim->first)));
            gone.push_back(victim->first + victim->second.second - 1);
            live.erase(victim);
          }
          for (const auto& [at, end] : live) heap.keep(word_at(reinterpret_cast<void*>(at)));
          heap.sweep_changed();
          for (const auto last : gone) RC_ASSERT(address(heap.resolve(last)) == 0u);
        } else {
          // Small ones mostly; what == 7 makes large ones.
          const std::size_t bytes = what == 7 ? 8 + size % 100'000 : 8 + size % 300;
          for (int i = 0; i < (what == 6 ? 200 : 1); ++i) {
            void* cell = a.allocate(bytes);
            if (cell == nullptr) break;
            RC_ASSERT(zero(cell, bytes));
            std::memset(cell, 0x77, bytes);
            object(cell, bytes);
            enter(live, cell, bytes);
            RC_ASSERT(address(heap.resolve(address(cell) + size % bytes)) == address(cell));
          }
        }
        RC_ASSERT(heap.committed() <= heap.limit());
      }
      std::size_t seen = 0;
      heap.for_each_object([&](word& o) { seen += live.count(address(&o)); });
      RC_ASSERT(seen == live.size());
      for (const auto& [at, end] : live) heap.let_go(word_at(reinterpret_cast<void*>(at)));
      heap.sweep_changed();
    }
    // With the allocators gone every block is free: one object can have them all.
    if (heap.blocks().blocks() != 0) {
      heap_type::allocator a(heap);
      heap.set_threshold(heap.committed());
      RC_ASSERT(address(a.allocate(heap.blocks().blocks() * sizes::block_bytes)) != 0u);
    }
  });
  EXPECT_TRUE(ok);
}
#endif

}  // namespace
}  // namespace unit_block_heap
