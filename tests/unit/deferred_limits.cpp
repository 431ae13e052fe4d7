// deferred: logs that grow, heaps that are full, and many contexts at once.
#include "strategies/deferred.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/deferred_nodes.hpp"

namespace unit_deferred_limits {
namespace {

using namespace unit_deferred;

TEST_F(Deferred, LogsGrowWhereNoSafepointIsAndAreReconciledAtTheNextPoll) {
  heap h(many_stops());
  heap::context c(h);
  constexpr std::uint32_t n = 20'000;
  auto all = make<array_of<heap>>(c, {.slots = n}, n);
  auto* slots = c.trailing_slots(c.get(all));
  for (std::uint32_t i = 0; i < n; ++i) c.store(slots[i], make<node>(c, {}, i));
  c.quiesce();
  EXPECT_EQ(h.live(), n + 1);
  const auto before = h.reconciles();
  for (std::uint32_t i = 0; i < n; ++i) c.store(slots[i], {});
  EXPECT_EQ(h.reconciles(), before);
  EXPECT_EQ(h.live(), n + 1);
  c.poll();
  EXPECT_EQ(h.reconciles(), before + 1);
  EXPECT_LE(h.live(), 4);
  EXPECT_GE(h.live(), 1);
  EXPECT_EQ(c.get(all).count, n);
}

// How many objects of some 1 KiB a list takes until make throws. A frame of its own, since a word of it that refers to the
// list's head keeps all of the list.
[[gnu::noinline]] std::int64_t lengthen_to_the_limit(heap::context& c, heap::root<node>& list) {
  std::int64_t made = 0;
  try {
    for (;; ++made) {
      ref next = make<node>(c, {.bytes = 1000}, 0);
      c.store(c.get(next).left, list.load(c));
      list.store(c, next);
    }
  } catch (const tally::heap_exhausted&) {
    return made;
  }
}

// A frame of its own as well.
[[gnu::noinline]] void empty(heap::context& c, heap::root<node>& list) { list.store(c, {}); }

TEST_F(Deferred, GarbageIsReclaimedBeforeTheLimitIsAnErrorAndAnExhaustedHeapRecovers) {
  constexpr std::size_t limit = 8 << 20;
  heap h({.limit_bytes = limit});
  heap::root<node> list(h);
  {
    heap::context c(h);
    for (int i = 0; i < 1000; ++i) (void)make<node>(c, {.bytes = 200'000}, 0);  // 200 MB in all
    const std::int64_t first = far_down([&] { return lengthen_to_the_limit(c, list); });
    EXPECT_GT(first, 4000);  // of 8 MiB; the rest is the heap's own and blocks of other sizes
    EXPECT_LE(h.live_bytes(), static_cast<std::int64_t>(limit));
    empty(c, list);
    wipe_stack();
    EXPECT_GE(far_down([&] { return lengthen_to_the_limit(c, list); }), first * 9 / 10);
    empty(c, list);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

TEST_F(Deferred, CyclesThatFillTheHeapManyTimesOverAreLookedForAtTheLimit) {
  heap h({.limit_bytes = 8 << 20});
  heap::root<node> top(h);
  {
    heap::context c(h);
    for (int i = 0; i < 100; ++i) make_ring(c, 10'000, false, top);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

TEST_F(Deferred, CyclesOfOldObjectsAreLookedForWhenTheHeapHasGrownByItsFactor) {
  static constexpr std::pair<std::string_view, double> few[] = {{"kilobytes", 64}, {"growth", 2}, {"least_mib", 1}};
  heap h({.tunables = few, .tunable_count = 3});
  heap::root<node> top(h);
  {
    heap::context c(h);
    for (int i = 0; i < 60; ++i) make_ring(c, 10'000, false, top);  // half a MiB each, and old before it is garbage
  }
  EXPECT_LT(h.committed_bytes(), std::size_t{10} << 20);
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

TEST_F(Deferred, ManyContextsAtOnce) {
  heap h(many_stops());
  std::atomic<int> there{0};
  std::vector<std::thread> pool;
  for (int t = 0; t < 40; ++t) {
    pool.emplace_back([&] {
      heap::context c(h);
      there.fetch_add(1);
      c.blocked([&] { native::wait_until([&] { return there.load() == 40; }); });
      ref a = make<node>(c, {}, 1);
      for (int i = 0; i < 100; ++i) {
        ref b = make<node>(c, {}, 2);
        c.store(c.get(b).left, a);
        a = b;
        c.poll();
      }
      EXPECT_EQ(c.get(a).canary, sound);
    });
  }
  for (auto& t : pool) t.join();
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

}  // namespace
}  // namespace unit_deferred_limits
