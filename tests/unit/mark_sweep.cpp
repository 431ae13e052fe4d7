// What the tracing baseline must do beyond the contract's laws: find exactly what is reachable, at any number of workers and in
// any mark stack, within its limit.
#include "strategies/mark_sweep.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "tests/conform/support.hpp"

namespace unit_mark_sweep {
namespace {

using tally::extent;
using tally::heap_config;
using tally::make;
using tally::native;
using heap = tally::strategies::mark_sweep_heap<native>;
using node = tally::conform::node<heap>;
using tally::conform::with_context;

std::unique_ptr<heap> heap_of(std::size_t limit, int workers = 1, double mark_stack_kib = 0) {
  const std::pair<std::string_view, double> tunables[] = {{"mark_stack_kib", mark_stack_kib}};
  heap_config c;
  c.limit_bytes = limit;
  c.gc_workers = workers;
  c.tunables = tunables;
  c.tunable_count = mark_stack_kib > 0 ? 1 : 0;
  return std::make_unique<heap>(c);
}

struct entry {
  heap::weak_slot<node> seen;
  heap::slot<entry> next;
  void each_slot(auto&& f) {
    f(seen);
    f(next);
  }
};

TEST(MarkSweep, CyclesDieAndWhatIsReachableFromARootLives) {
  auto h = heap_of(8 << 20);
  heap::root<node> kept(*h);
  with_context(*h, [&](heap::context& c) {
    for (int i = 0; i < 1000; ++i) {
      auto a = make<node>(c, {}, 1u), b = make<node>(c, {}, 2u);
      c.store(c.get(a).left, b);
      c.store(c.get(b).left, a);
      if (i == 500) kept.store(c, a);
    }
  });
  h->settle();
  EXPECT_EQ(h->live(), 2);
  EXPECT_EQ(h->live_bytes(), static_cast<std::int64_t>(2 * (sizeof(heap::header) + sizeof(node))));
  EXPECT_TRUE(kept.get()->intact(1));
  with_context(*h, [&](heap::context& c) { kept.store(c, {}); });
  h->settle();
  EXPECT_EQ(h->live(), 0);
}

// The same random graph, marked in every way: live objects must be those that a search on the C++ heap finds.
TEST(MarkSweep, ParallelMarkingAndTinyMarkStacksFindWhatASequentialSearchFinds) {
  constexpr std::uint32_t objects = 30'000;
  for (const int workers : {1, 2, 4}) {
    for (const double stack_kib : {0.0, 8.0, 0.5}) {  // the default; too little for the large object; next to nothing
      std::mt19937 random(42);
      auto h = heap_of(64 << 20, workers, stack_kib);
      heap::root<node> kept(*h);
      std::vector<std::vector<std::uint32_t>> edges(objects);
      with_context(*h, [&](heap::context& c) {
        std::vector<heap::parcel<node>> all;
        for (std::uint32_t i = 0; i < objects; ++i) {
          const std::uint32_t places = i == 7 ? 20'000 : random() % 50 == 0 ? 30 : 0;  // one object is large
          all.push_back(c.pack(make<node>(c, {.slots = places}, i, places)));
        }
        for (std::uint32_t i = 0; i < objects; ++i) {
          node& n = c.peek(all[i]);
          auto aim = [&](heap::slot<node>& s, std::uint32_t to) {
            edges[i].push_back(to);
            auto r = c.unpack(all[to]);
            c.store(s, r);
            all[to] = c.pack(r);
          };
          if (random() % 10 < 6) aim(n.left, random() % objects);
          if (i % 2 == 1) aim(n.right, (i + 2) % objects);  // a long chain
          for (std::uint32_t k = 0; k < n.trailing_count; k += 3) aim(c.trailing_slots(n)[k], random() % objects);
        }
        kept.store(c, c.unpack(all[7]));
        for (std::uint32_t i = 0; i < objects; ++i) {
          if (i != 7) c.drop(c.unpack(all[i]));
        }
      });
      std::vector<bool> seen(objects);
      std::vector<std::uint32_t> grey{7};
      seen[7] = true;
      std::int64_t reachable = 0;
      while (!grey.empty()) {
        const auto at = grey.back();
        grey.pop_back();
        ++reachable;
        for (const auto to : edges[at]) {
          if (!seen[to]) seen[to] = true, grey.push_back(to);
        }
      }
      ASSERT_GT(reachable, 1000);
      ASSERT_LT(reachable, objects);
      for (int again = 0; again < 3; ++again) {
        h->settle();
        ASSERT_EQ(h->live(), reachable) << workers << " workers, " << stack_kib << " KiB";
      }
      EXPECT_EQ(h->mark_overflows() > 0, stack_kib != 0) << workers << " workers, " << stack_kib << " KiB";
    }
  }
}

TEST(MarkSweep, AnAddressInsideAnObjectOnTheStackKeepsItAlive) {
  auto h = heap_of(4 << 20);
  with_context(*h, [&](heap::context& c) {
    auto* inside = &c.get(make<node>(c, {}, 77u)).canary;
    for (int i = 0; i < 300'000; ++i) {  // several collections, and the memory would be used again
      c.drop(make<node>(c, {}, 1u));
      c.poll();
    }
    EXPECT_GT(h->collections(), 1u);
    EXPECT_EQ(inside->load(), ~std::uint64_t{77});
  });
}

TEST(MarkSweep, ALimitThatIsJustEnoughIsEnoughAndOneBlockLessIsNot) {
  constexpr std::size_t bytes = sizeof(heap::header) + sizeof(node);
  constexpr std::size_t cell = tally::block_heap_sizes::cell_bytes[tally::block_heap_sizes::class_of(bytes)];
  constexpr std::size_t blocks = 20, fit = blocks * (heap::blocks::block_bytes / cell);
  const auto fill = [&](std::size_t limit) {
    auto h = heap_of(limit);
    heap::root<node> kept(*h);
    bool enough = true;
    with_context(*h, [&](heap::context& c) {
      try {
        for (std::size_t i = 0; i < fit; ++i) {
          auto n = make<node>(c, {}, i);
          c.store(c.get(n).left, kept.load(c));
          kept.store(c, n);
        }
      } catch (const tally::heap_exhausted&) {
        enough = false;
      }
      // Either way the heap is whole and usable.
      std::size_t length = 0;
      for (node* n = kept.get(); n != nullptr; n = c.peek(n->left), ++length) EXPECT_EQ(n->canary.load(), ~n->value.load());
      EXPECT_EQ(length == fit, enough);
    });
    // On this stack, which never had a ref: words of the other, which the next thread may get, may still hold the list.
    {
      heap::context c(*h);
      kept.store(c, {});
      for (int i = 0; i < 10'000; ++i) c.drop(make<node>(c, {}, 3u));
    }
    EXPECT_LE(h->committed_bytes(), limit);
    h->settle();
    EXPECT_EQ(h->live(), 0);
    return enough;
  };
  EXPECT_TRUE(fill(heap::blocks::arena::cost(blocks)));
  EXPECT_FALSE(fill(heap::blocks::arena::cost(blocks) - 1));
}

TEST(MarkSweep, WithoutALimitTheHeapGrowsWithWhatLivesAndNotWithWhatIsMade) {
  auto h = heap_of(0);
  heap::root<node> kept(*h);
  with_context(*h, [&](heap::context& c) {
    for (int i = 0; i < 3'000'000; ++i) c.drop(make<node>(c, {}, 1u));  // 150 MB of garbage
    EXPECT_LE(h->committed_bytes(), std::size_t{33} << 20);
    for (int i = 0; i < 1'500'000; ++i) {  // 72 MB that live
      auto n = make<node>(c, {}, 2u);
      c.store(c.get(n).left, kept.load(c));
      kept.store(c, n);
    }
  });
  h->settle();
  EXPECT_EQ(h->live(), 1'500'000);
  EXPECT_LE(h->committed_bytes(), std::size_t{72} << 22);
}

TEST(MarkSweep, WeakRefsFindTheirObjectUntilItIsCollectedWhereverTheyAre) {
  auto h = heap_of(8 << 20);
  heap::root<node> kept(*h);
  heap::root<entry> list(*h);
  std::vector<heap::weak<node>> outside;
  with_context(*h, [&](heap::context& c) {
    for (int i = 0; i < 100; ++i) {
      auto n = make<node>(c, {}, static_cast<std::uint64_t>(i));
      auto e = make<entry>(c, {});
      c.store(c.get(e).seen, c.downgrade(n));
      c.store(c.get(e).next, list.load(c));
      if (i % 2 == 0) list.store(c, e);  // the other entries die, and their weak refs with them
      outside.push_back(c.downgrade(n));
      if (i % 10 == 0) {
        c.store(c.get(n).left, kept.load(c));
        kept.store(c, n);
      }
    }
  });
  h->settle();
  EXPECT_EQ(h->live(), 10 + 50);
  EXPECT_EQ(h->weak_cells_in_use(), 100u + 50u);
  with_context(*h, [&](heap::context& c) {
    for (std::size_t i = 0; i < 100; ++i) {
      auto r = c.upgrade(outside[i]);
      ASSERT_EQ(static_cast<bool>(r), i % 10 == 0) << i;
      ASSERT_TRUE(!r || c.get(r).intact(i));
    }
    int alive = 0;
    for (entry* e = list.get(); e != nullptr; e = c.peek(e->next)) {
      auto w = c.load(e->seen);
      if (auto r = c.upgrade(w)) ++alive;
      c.drop(w);
    }
    EXPECT_EQ(alive, 10);
    for (auto& w : outside) c.drop(w);
    list.store(c, {});
    kept.store(c, {});
  });
  h->settle();
  EXPECT_EQ(h->live(), 0);
  EXPECT_EQ(h->weak_cells_in_use(), 0u);
}

TEST(MarkSweep, AWeakSlotThatIsStoredToHoldsOneWeakRef) {
  auto h = heap_of(8 << 20);
  heap::root<entry> list(*h);
  with_context(*h, [&](heap::context& c) {
    list.store(c, make<entry>(c, {}));
    for (int i = 0; i < 100; ++i) c.store(list.get()->seen, c.downgrade(make<node>(c, {}, 7u)));
  });
  EXPECT_EQ(h->weak_cells_in_use(), 1u);  // with no collection yet
  with_context(*h, [&](heap::context& c) { list.store(c, {}); });
  h->settle();
  EXPECT_EQ(h->weak_cells_in_use(), 0u);
}

TEST(MarkSweep, LargeObjectsComeAndGoWithinTheLimit) {
  auto h = heap_of(4 << 20);
  with_context(*h, [&](heap::context& c) {
    for (std::uint32_t i = 0; i < 500; ++i) {
      const std::uint32_t slots = 2500 + i * 37 % 100'000;  // 20 KB to 800 KB
      auto big = make<node>(c, {.slots = slots}, i, slots);
      auto* more = c.trailing_slots(c.get(big));
      ASSERT_EQ(c.peek(more[slots - 1]), nullptr);
      c.store(more[slots - 1], make<node>(c, {}, 5u));
      for (int k = 0; k < 50; ++k) c.drop(make<node>(c, {}, 6u));
      ASSERT_TRUE(c.peek(more[slots - 1])->intact(5));
      c.drop(big);
      c.poll();
    }
    EXPECT_GT(h->collections(), 5u);
  });
  h->settle();
  EXPECT_EQ(h->live(), 0);
}

}  // namespace
}  // namespace unit_mark_sweep
