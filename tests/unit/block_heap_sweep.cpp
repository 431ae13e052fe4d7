// The block heap's sweeps: what they keep, and where the blocks go that they empty.
#include "harness/heap/block_heap.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "harness/heap/block_heap_mark.hpp"
#include "harness/heap/stop_helpers.hpp"
#include "tests/unit/block_heap_cells.hpp"

namespace unit_block_heap_sweep {
namespace {

using namespace unit_block_heap;

// Two threads allocate at once and leave; what every third of them made is kept, by a third thread.
TEST(BlockHeap, CellsOfThreadsThatAreGoneAreSweptLikeTheOthers) {
  heap_type heap(4 << 20);
  std::size_t kept = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> made[2];
    const auto work = [&](std::vector<void*>& mine) {
      heap_type::allocator a(heap);
      for (int i = 0; i < 5000; ++i) {
        void* cell = a.allocate(48);
        ASSERT_NE(cell, nullptr) << "round " << round;
        ASSERT_TRUE(zero(cell, 48));
        object(cell, 48);
        std::memset(static_cast<std::byte*>(cell) + 8, 0xaa, 40);
        mine.push_back(cell);
      }
    };
    std::thread one(work, std::ref(made[0])), two(work, std::ref(made[1]));
    one.join();
    two.join();
    EXPECT_EQ(heap.claimed().first, 10'000);  // what they did not use was given back
    for (auto& mine : made) {
      for (std::size_t i = 0; i < mine.size(); i += 25) heap.keep(word_at(mine[i])), ++kept;
    }
    heap.sweep_changed();
    std::size_t seen = 0;
    heap.for_each_object([&](word& o) { seen += heap.kept(o) ? 1 : 0; });
    ASSERT_EQ(seen, kept);
    EXPECT_EQ(heap.claimed().first, 0);
  }
  heap.let_all_go();
  heap.sweep_changed();
  heap.for_each_object([](word&) { FAIL() << "an object is left"; });
  heap_type::allocator a(heap);
  heap.set_threshold(heap.committed());
  EXPECT_NE(a.allocate(heap.blocks().blocks() * sizes::block_bytes), nullptr);
}

// A list of objects by hand: mark every third, sweep, and see what is there.
TEST(BlockHeap, SweepKeepsWhatIsMarkedAndNothingElse) {
  heap_type heap(4 << 20);
  tally::block_marker<native> marker(heap, 1);
  heap_type::allocator a(heap);
  for (int round = 0; round < 5; ++round) {
    std::vector<word*> kept;
    std::size_t n = 0;
    std::int64_t bytes = 0;
    for (std::size_t size : {16u, 32u, 200u, 5000u, 40000u}) {
      for (int i = 0; i < 20; ++i, ++n) {
        word* o = object(a.allocate(size), size, tally::type_number<tally::block_marker<native>::worker, int_like>);
        ASSERT_NE(o, nullptr);
        ASSERT_TRUE(zero(o + 1, size - 8));
        std::memset(static_cast<void*>(o + 1), 0xab, size - 8);
        if (n % 3 == 0) kept.push_back(o), bytes += static_cast<std::int64_t>(size);
      }
    }
    tally::stop_helpers<native, int> nobody;
    const auto found = marker.mark(
        [&](auto& w) {
          for (word* o : kept) w.grey(heap.resolve(address(o) + 11));
          for (word* o : kept) w.grey(o);  // marking twice is marking once
        },
        nobody);
    EXPECT_EQ(found.objects, static_cast<std::int64_t>(kept.size()));
    EXPECT_EQ(found.bytes, bytes);
    EXPECT_EQ(heap.sweep(), kept.size());
    std::vector<word*> seen;
    heap.for_each_object([&](word& o) { seen.push_back(&o); });
    std::sort(seen.begin(), seen.end());
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(seen, kept);
    marker.mark([](auto&) {}, nobody);
    EXPECT_EQ(heap.sweep(), 0u);
    EXPECT_EQ(heap.claimed().first, 0);
  }
}

template <bool Wrong>
struct sharing : native {
  static constexpr bool mutant(std::string_view step) {
    return Wrong && step == "block heap: a block with holes is given to all who ask";
  }
};
// One block, half of whose cells one allocator has left free: whether another gets any of them while the first takes cells again.
template <bool Wrong>
bool both_have_it() {
  using heap_type = tally::block_heap<sharing<Wrong>>;
  heap_type heap(heap_type::arena::cost(1));
  typename heap_type::allocator a(heap), b(heap);
  std::vector<tally::object_word<sharing<Wrong>>*> all;
  while (void* cell = a.allocate(64)) {
    all.push_back(new (cell) tally::object_word<sharing<Wrong>>);
    all.back()->init(0, 64);
  }
  EXPECT_EQ(all.size(), sizes::block_bytes / 64);
  for (std::size_t i = 0; i < all.size(); i += 2) heap.keep(*all[i]);
  heap.sweep_changed();
  EXPECT_NE(a.allocate(64), nullptr);
  return b.allocate(64) != nullptr;
}
TEST(BlockHeap, ABlockWithHolesHasOneOwner) {
  EXPECT_FALSE(both_have_it<false>());
  EXPECT_TRUE(both_have_it<true>());
}

// A block comes back to the allocator that had it, when it is empty and when half of it lives; nearly full, it waits.
TEST(BlockHeap, BlocksComeHomeAndDenseOnesWait) {
  using heap_type = tally::block_heap<native>;
  heap_type heap(0);
  heap_type::allocator a(heap), b(heap);
  const auto block_of = [](const void* p) { return address(p) / sizes::block_bytes; };
  const auto fill = [&](heap_type::allocator& from) {
    std::vector<word*> all;
    for (std::size_t i = 0; i < sizes::block_bytes / 64; ++i) all.push_back(object(from.allocate(64), 64));
    return all;
  };
  for (const std::size_t lives : {0U, 2U, 4U}) {  // of four
    const auto of_a = fill(a), of_b = fill(b);
    for (const auto& all : {of_a, of_b}) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (i % 4 < lives && lives != 4) heap.keep(*all[i]);
        if (lives == 4 && i != 7) heap.keep(*all[i]);
      }
    }
    heap.sweep_changed();
    const bool comes_back = lives != 4;
    // b asks first: a free block of a's would do as well.
    EXPECT_EQ(block_of(b.allocate(64)) == block_of(of_b[0]), comes_back) << lives;
    EXPECT_EQ(block_of(a.allocate(64)) == block_of(of_a[0]), comes_back) << lives;
    heap.let_all_go();
    heap.sweep_changed();
  }
}

}  // namespace
}  // namespace unit_block_heap_sweep
