#include "strategies/none.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace unit_none {
namespace {

using namespace tally;
using heap = strategies::none_heap<native>;
using context = heap::context;

struct node {
  using trailing = node;
  explicit node(std::uint64_t v = 0) : value(v) {}
  heap::slot<node> next;
  std::uint64_t value;
  void each_slot(auto&& f) { f(next); }
};

heap_config limited(std::size_t bytes) {
  heap_config c;
  c.limit_bytes = bytes;
  return c;
}

TEST(None, ReachingTheCapThrowsAndLosesNoObject) {
  heap h(limited(1 << 20));
  std::int64_t made = 0;
  {
    context c(h);
    EXPECT_THROW(
        for (;;) {
          (void)make<node>(c, {}, 1u);
          ++made;
        },
        heap_exhausted);
  }
  // 16 bytes an object, and at most a chunk of the cap is not used
  EXPECT_GE(made, static_cast<std::int64_t>((1 << 20) / sizeof(node) * 63 / 64));
  EXPECT_LE(made, static_cast<std::int64_t>((1 << 20) / sizeof(node)));
  EXPECT_EQ(h.live(), made);
  EXPECT_EQ(h.made(), made);
  EXPECT_EQ(h.live_bytes(), made * static_cast<std::int64_t>(sizeof(node)));
}

TEST(None, AnObjectLargerThanAChunkGetsChunksOfItsOwn) {
  heap h(limited(64 << 20));
  context c(h);
  auto big = make<node>(c, {.slots = 0, .bytes = 5 << 20}, 1u);
  auto* bytes = reinterpret_cast<unsigned char*>(&c.get(big) + 1);
  for (std::size_t i = 0; i < (5u << 20); i += 4096) ASSERT_EQ(bytes[i], 0);
  bytes[(5u << 20) - 1] = 7;
  auto next = make<node>(c, {}, 2u);
  EXPECT_EQ(c.get(next).value, 2u);
  EXPECT_EQ(bytes[(5u << 20) - 1], 7);
}

TEST(None, MemoryThatAnEarlierHeapUsedIsZeroedAgain) {
  for (int round = 0; round < 3; ++round) {
    heap h(limited(1 << 20));
    context c(h);
    for (int i = 0; i < 1000; ++i) {
      auto r = make<node>(c, {.slots = 2, .bytes = 16}, 3u);
      auto* more = c.trailing_slots(c.get(r));
      ASSERT_EQ(c.peek(more[0]), nullptr);
      ASSERT_EQ(c.peek(more[1]), nullptr);
      c.store(more[1], c.copy(r));
    }
  }
}

// A task's context lives for some objects: a chunk for each would be the cap's 64 of them.
TEST(None, ContextsThatComeAndGoUseWhatIsLeftOfAChunk) {
  heap h(limited(1 << 20));
  std::set<node*> all;
  for (int i = 0; i < 1000; ++i) {
    context outer(h);
    all.insert(&outer.get(make<node>(outer, {}, 1u)));
    context inner(h);  // has another piece at the same time
    all.insert(&inner.get(make<node>(inner, {}, 1u)));
  }
  EXPECT_EQ(all.size(), 2000u);
  context c(h);
  EXPECT_NO_THROW((void)make<node>(c, {.slots = 0, .bytes = 100'000}, 1u)) << "more than what is left, and the cap is far";
}

TEST(None, ContextsNeverShareMemory) {
  heap h(limited(64 << 20));
  std::vector<node*> seen[2];
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&] {
      context c(h);
      for (int i = 0; i < 100'000; ++i) mine.push_back(&c.get(make<node>(c, {}, 1u)));
    });
  }
  for (auto& t : threads) t.join();
  std::set<node*> all(seen[0].begin(), seen[0].end());
  all.insert(seen[1].begin(), seen[1].end());
  EXPECT_EQ(all.size(), 200'000u);
  EXPECT_EQ(h.made(), 200'000);
}

TEST(None, ASecondHeapInAProcessGetsAnArenaOfItsOwn) {
  heap a(limited(1 << 20)), b(limited(1 << 20));
  context ca(a), cb(b);
  auto x = make<node>(ca, {}, 1u), y = make<node>(cb, {}, 2u);
  EXPECT_EQ(ca.get(x).value, 1u);
  EXPECT_EQ(cb.get(y).value, 2u);
}

}  // namespace
}  // namespace unit_none
