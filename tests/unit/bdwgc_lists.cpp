// The lists of free cells that contexts of bdwgc keep, under the collector.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/bdwgc_heaps.hpp"

namespace unit_bdwgc {
namespace {

// A context has free objects at hand when the collector runs. If it took them for garbage, who allocates next would get them,
// too. Sizes around the greatest that has a list, each object zeroed.
TEST(Bdwgc, WhatIsOnAContextsListsIsNobodyElses) {
  heap h(config(0));
  using parcels = std::vector<heap::parcel<node>>;
  constexpr std::uint32_t sizes = 60;
  const auto grown = [&](heap::context& c, std::uint64_t base, std::uint32_t slots) {
    auto n = make<node>(c, {.slots = slots}, base + slots, slots);
    for (std::uint32_t i = 0; i < slots; ++i) EXPECT_EQ(c.peek(c.trailing_slots(c.get(n))[i]), nullptr);
    if (slots > 0) c.store(c.trailing_slots(c.get(n))[slots - 1], c.copy(n));
    return c.pack(n);
  };
  const auto whole = [&](heap::context& c, const parcels& all, std::uint64_t base) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const node& n = c.peek(all[i]);
      ASSERT_TRUE(n.intact(base + i % sizes));
      ASSERT_EQ(n.trailing_count, i % sizes);
    }
  };
  with_context(h, [&](heap::context& c) {
    parcels mine, others;
    for (std::uint32_t i = 0; i < sizes; ++i) mine.push_back(grown(c, 1000, i));  // and more are at hand
    c.collect();
    with_context(h, [&](heap::context& other) {
      for (std::uint32_t i = 0; i < 300 * sizes; ++i) others.push_back(grown(other, 2000, i % sizes));
    });
    for (std::uint32_t i = 0; i < 300 * sizes; ++i) mine.push_back(grown(c, 1000, i % sizes));
    whole(c, mine, 1000);
    whole(c, others, 2000);
    for (const auto& all : {mine, others}) {
      for (const auto p : all) c.drop(c.unpack(p));
    }
  });
  h.settle();
  EXPECT_LE(h.live(), h.slack());
}

// The same of objects that are not scanned, whose lists the collector can't follow.
TEST(Bdwgc, WhatIsOnAListOfObjectsWithoutSlotsIsNobodyElses) {
  heap h(config(0));
  using parcels = std::vector<heap::parcel<numbers>>;
  constexpr std::uint32_t sizes = 60;
  const auto made = [&](heap::context& c, std::uint64_t base, std::uint32_t words) {
    auto n = make<numbers>(c, {.bytes = words * 8});
    auto* raw = &c.get(n).first;
    for (std::uint32_t i = 0; i <= words; ++i) {
      EXPECT_EQ(raw[i], 0u);
      raw[i] = base + words;
    }
    return c.pack(n);
  };
  const auto whole = [&](heap::context& c, const parcels& all, std::uint64_t base) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t k = 0; k <= i % sizes; ++k) ASSERT_EQ((&c.peek(all[i]).first)[k], base + i % sizes);
    }
  };
  with_context(h, [&](heap::context& c) {
    parcels mine, others;
    for (std::uint32_t i = 0; i < sizes; ++i) mine.push_back(made(c, 1000, i));
    c.collect();
    with_context(h, [&](heap::context& other) {
      for (std::uint32_t i = 0; i < 300 * sizes; ++i) others.push_back(made(other, 2000, i % sizes));
    });
    for (std::uint32_t i = 0; i < 300 * sizes; ++i) mine.push_back(made(c, 1000, i % sizes));
    whole(c, mine, 1000);
    whole(c, others, 2000);
  });
}

// Two threads take objects, and one collects all the time: the other is stopped wherever it happens to be.
TEST(Bdwgc, ListsAreWholeWhereverAThreadIsStopped) {
  heap h(config(0));
  std::atomic<bool> done{false};
  const auto take = [&](heap::context& c, std::uint64_t who, std::uint64_t rounds, bool collect) {
    constexpr std::uint64_t held = 500, at_once = 40;
    std::vector<heap::parcel<numbers>> mine;
    for (std::uint64_t i = 0; i < rounds * at_once && (collect || !done); ++i) {
      if (collect && i % at_once == 0) c.collect();
      if (mine.size() == held) {  // what was made longest ago
        const auto n = c.unpack(mine[i % held]);
        ASSERT_EQ(c.get(n).first, who << 32 | (i - held));
      } else {
        mine.emplace_back();
      }
      const auto n = make<numbers>(c, {});
      c.get(n).first = who << 32 | i;
      mine[i % held] = c.pack(n);
    }
  };
  std::thread other([&] { with_context(h, [&](heap::context& c) { take(c, 1, 1'000'000'000, false); }); });
  with_context(h, [&](heap::context& c) { take(c, 2, 1500, true); });
  done = true;
  other.join();
}

// Lists of contexts that leave are not kept.
TEST(Bdwgc, TheListsOfContextsThatLeaveAreGarbage) {
  heap h(config(0));
  const auto committed = [&] {
    h.settle();
    return GC_get_heap_size() - GC_get_free_bytes();
  };
  const auto come_and_go = [&] {
    for (int i = 0; i < 200; ++i) {
      with_context(h, [&](heap::context& c) {
        for (std::uint32_t slots = 0; slots < 40; ++slots) c.drop(make<node>(c, {.slots = slots}, 1u, slots));
      });
    }
  };
  come_and_go();
  const std::size_t before = committed();
  for (int i = 0; i < 5; ++i) come_and_go();
  EXPECT_LE(committed(), before + (std::size_t{1} << 20));  // of 1000 contexts with a block, 4 KiB, for each of 20 sizes
}

// A count is of objects: what is still on the lists of contexts that left, and other heaps' objects, don't belong to it.
TEST(Bdwgc, WhatIsCountedIsWhatIsHeld) {
  heap h(config(0)), other(config(0));
  heap::root<node> kept(h), others(other);
  heap::root<numbers> slotless(h);
  with_context(other, [&](heap::context& theirs) {
    others.store(theirs, make<node>(theirs, {}, 3u));
    with_context(h, [&](heap::context& c) {
      for (std::uint64_t i = 0; i < 1000; ++i) {
        auto n = make<node>(c, {}, i);
        c.store(c.get(n).left, kept.load(c));
        kept.store(c, n);
        static_cast<void>(make<numbers>(c, {}));
      }
      slotless.store(c, make<numbers>(c, {}));
    });
    h.settle();
  });
  constexpr std::int64_t cell = (sizeof(node) + 15) / 16 * 16;
  EXPECT_GE(h.live(), 1001);
  EXPECT_LE(h.live(), 1001 + strays);
  EXPECT_GE(h.live_bytes(), 1000 * cell + 16);
  EXPECT_LE(h.live_bytes(), (1000 + strays) * cell + 16);
  other.settle();
  EXPECT_GE(other.live(), 1);
  EXPECT_LE(other.live(), 1 + strays);
}

// The list begins at a neighbour of what was taken first.
TEST(Bdwgc, AStrayWordHoldsOneCellOfAListThatWasLeft) {
  heap h(config(0));
  const tally::strategies::bdwgc_thread known;
  auto* held = static_cast<std::uintptr_t*>(tally::strategies::bdwgc_scanned::alloc(2 * sizeof(std::uintptr_t)));
  with_context(h, [&](heap::context& c) {
    auto n = make<node>(c, {}, 1u);
    held[0] = reinterpret_cast<std::uintptr_t>(n.at) - GC_size(n.at);
    held[1] = reinterpret_cast<std::uintptr_t>(n.at) + GC_size(n.at);
  });
  h.settle();
  EXPECT_GE(h.live(), 1);
  EXPECT_LE(h.live(), 2 + strays);
  tally::strategies::bdwgc_scanned::free(held);
}

}  // namespace
}  // namespace unit_bdwgc
