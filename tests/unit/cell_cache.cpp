// Cells that are freed one at a time: no two objects share one, what is freed is used again, whoever freed it, and what one
// thread makes and another frees goes round.
#include "harness/heap/cell_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"
#include "harness/memory/native.hpp"

namespace unit_cell_cache {
namespace {

using tally::native;

template <bool Wrong>
struct policy : tally::native {
  static constexpr bool mutant(std::string_view step) { return Wrong && step == "cells: a full cache keeps what it has"; }
};

using store = tally::cell_store<native>;

TEST(CellCache, NoTwoObjectsShareMemoryWhateverIsMadeAndFreed) {
  store all(0);
  store::cache caches[3] = {store::cache(all), store::cache(all), store::cache(all)};
  tally::random_source random(7, 0);
  std::map<std::uintptr_t, std::size_t> used;  // start -> bytes
  for (int i = 0; i < 200'000; ++i) {
    if (used.size() < 200 || random.chance(0.5)) {
      const std::size_t bytes = random.chance(0.01) ? 10'000 + random.below(60'000) : 1 + random.below(600);
      auto* at = static_cast<unsigned char*>(caches[random.below(3)].allocate(bytes));
      const auto start = reinterpret_cast<std::uintptr_t>(at);
      ASSERT_EQ(start % 8, 0U);
      const auto next = used.lower_bound(start);
      ASSERT_TRUE(next == used.end() || start + bytes <= next->first) << "into the next object";
      ASSERT_TRUE(next == used.begin() || std::prev(next)->first + std::prev(next)->second <= start) << "into the one before";
      std::fill_n(at, bytes, 0xee);
      used.emplace_hint(next, start, bytes);
    } else {
      auto victim = used.lower_bound(used.begin()->first + random.below(1 << 22));
      if (victim == used.end()) victim = used.begin();
      caches[random.below(3)].free(reinterpret_cast<void*>(victim->first));
      used.erase(victim);
    }
  }
}

TEST(CellCache, WhatIsFreedIsUsedBeforeNewMemoryOfItsSize) {
  store all(0);
  store::cache c(all);
  std::vector<void*> some;
  for (int i = 0; i < 100'000; ++i) some.push_back(c.allocate(48));
  const std::size_t before = all.committed();
  for (int round = 0; round < 5; ++round) {
    for (void* p : some) c.free(p);
    for (void*& p : some) p = c.allocate(48);
  }
  EXPECT_EQ(all.committed(), before);
}

TEST(CellCache, ALargeObjectGivesItsBlocksBack) {
  store all(0);
  store::cache c(all);
  c.free(c.allocate(1 << 20));
  const std::size_t before = all.committed();
  for (int i = 0; i < 1000; ++i) c.free(c.allocate((1 << 20) - static_cast<std::size_t>(i)));
  EXPECT_EQ(all.committed(), before);
}

TEST(CellCache, AContextLeavesItsCellsToOthers) {
  store all(0);
  for (int round = 0; round < 100; ++round) {
    store::cache c(all);
    std::vector<void*> some;
    for (int i = 0; i < 1000; ++i) some.push_back(c.allocate(32));
    for (void* p : some) c.free(p);
  }
  EXPECT_LE(all.committed(), std::size_t{2} << 20);
}

// Objects of one cache are freed in another for ever. How much memory is committed in the end.
template <bool Wrong>
std::size_t one_way() {
  tally::cell_store<policy<Wrong>> all(0);
  typename tally::cell_store<policy<Wrong>>::cache maker(all), receiver(all);
  std::deque<void*> way;
  for (int i = 0; i < 1'000'000; ++i) {
    way.push_back(maker.allocate(64));
    if (way.size() < 100) continue;
    receiver.free(way.front());
    way.pop_front();
  }
  return all.committed();
}

TEST(CellCache, AOneWayHandOffGoesRound) {
  EXPECT_LE(one_way<false>(), std::size_t{2} << 20);
  EXPECT_GE(one_way<true>(), std::size_t{50} << 20);
}

TEST(CellCache, ThreadsExchangeBatches) {
  store all(0);
  std::vector<std::thread> threads;
  native::channel<void*> pipe(512);
  std::atomic<int> producing{2};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      store::cache c(all);
      for (std::uint64_t i = 0; i < 200'000; ++i) {
        auto* at = static_cast<std::uint64_t*>(c.allocate(40));
        at[0] = i;
        at[4] = ~i;
        while (!pipe.try_push(at)) std::this_thread::yield();
      }
      --producing;
    });
    threads.emplace_back([&] {
      store::cache c(all);
      for (void* p = nullptr;;) {
        if (pipe.try_pop(p)) {
          const auto* at = static_cast<std::uint64_t*>(p);
          ASSERT_EQ(at[0], ~at[4]) << "two owners of one cell";
          c.free(p);
        } else if (producing == 0) {
          return;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  for (void* p = nullptr; pipe.try_pop(p);) store::cache(all).free(p);
  EXPECT_LE(all.committed(), std::size_t{4} << 20);
}

}  // namespace
}  // namespace unit_cell_cache
