// Boehm's collector behind the contract: what the strategy adds to the library.
#include "strategies/bdwgc.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/bdwgc_heaps.hpp"

namespace unit_bdwgc {
namespace {

TEST(Bdwgc, CyclesAreCollectedAndOnlyThisHeapsObjectsAreCounted) {
  heap one(config(0)), other(config(0));
  heap::root<node> kept(one), others(other);
  const auto ring = [](heap::context& c) {
    auto a = make<node>(c, {}, 1u), b = make<node>(c, {}, 2u);
    c.store(c.get(a).left, b);
    c.store(c.get(b).left, a);
    return a;
  };
  with_context(one, [&](heap::context& c) {
    for (int i = 0; i < 20'000; ++i) kept.store(c, ring(c));
  });
  with_context(other, [&](heap::context& c) { others.store(c, make<node>(c, {}, 3u)); });
  one.settle();
  other.settle();
  EXPECT_GE(one.live(), 2);
  EXPECT_LE(one.live(), 2 + one.slack());
  EXPECT_GE(other.live(), 1);
  EXPECT_LE(other.live(), 1 + other.slack());
  EXPECT_TRUE(kept.get()->intact(1));
  EXPECT_GE(one.live_bytes(), static_cast<std::int64_t>(2 * sizeof(node)));
}

// One collector has the heaps of both variants, and counts each one's objects.
TEST(Bdwgc, HeapsOfDifferentVariantsShareAProcess) {
  heap one(config(0));
  plain_heap other(config(0));
  heap::root<node> kept(one);
  plain_heap::root<tally::conform::node<plain_heap>> others(other);
  with_context(one, [&](heap::context& c) { kept.store(c, make<node>(c, {}, 1u)); });
  with_context(other, [&](plain_heap::context& c) {
    auto made = make<tally::conform::node<plain_heap>>(c, {}, 0u);
    for (std::uint64_t i = 1; i < 20'000; ++i) {
      auto next = make<tally::conform::node<plain_heap>>(c, {}, i);
      c.store(c.get(next).left, made);
      made = next;
    }
    others.store(c, made);
    c.collect();
  });
  one.settle();
  other.settle();
  EXPECT_GE(one.live(), 1);
  EXPECT_LE(one.live(), 1 + one.slack());
  EXPECT_GE(other.live(), 20'000);
  EXPECT_LE(other.live(), 20'000 + other.slack());
  EXPECT_TRUE(kept.get()->intact(1));
  EXPECT_TRUE(others.get()->intact(19'999));
}

// Its limit stays with the collector until another heap sets one.
TEST(Bdwgc, TheLimitEndsInHeapExhaustedAndTheHeapCanBeUsedAfterwards) {
  constexpr std::size_t limit = std::size_t{48} << 20;
  heap h(config(limit));
  heap::root<node> kept(h);
  with_context(h, [&](heap::context& c) {
    std::size_t made = 0;
    EXPECT_THROW(
        {
          for (;; ++made) {
            auto n = make<node>(c, {.slots = 10}, made, 0u);
            c.store(c.get(n).left, kept.load(c));
            kept.store(c, n);
          }
        },
        tally::heap_exhausted);
    EXPECT_GT(made * 100, limit / 2);
    EXPECT_LE(made * 100, limit);
    kept.store(c, {});
    c.collect();
    for (int i = 0; i < 100'000; ++i) c.drop(make<node>(c, {}, 1u));
  });
  h.settle();
  EXPECT_LE(h.live(), h.slack());
}

// What a program by hand would have: the payload at the start of a cell of the library's, which is as large as that needs.
TEST(Bdwgc, AnObjectHasNoHeader) {
  static_assert(tally::header_size<heap::header> == 0 && tally::header_size<plain_heap::header> == 8);
  heap h(config(0));
  with_context(h, [&](heap::context& c) {
    const auto n = make<node>(c, {}, 1u);
    const auto m = make<numbers>(c, {});
    EXPECT_EQ(static_cast<void*>(&c.get(n)), static_cast<void*>(n.at));
    EXPECT_EQ(static_cast<void*>(&c.get(m)), static_cast<void*>(m.at));
    EXPECT_EQ(GC_base(n.at), n.at);
    EXPECT_EQ(GC_size(n.at), (sizeof(node) + 15) / 16 * 16);
    EXPECT_EQ(GC_size(m.at), 16u);
  });
}

TEST(Bdwgc, ObjectsWithoutSlotsAreZeroedAndNotScanned) {
  heap h(config(0));
  heap::root<numbers> kept(h);
  with_context(h, [&](heap::context& c) {
    // A pointer-free object full of addresses of other objects holds none of them.
    constexpr std::uint32_t words = 5000;
    auto n = make<numbers>(c, {.bytes = words * 8});
    auto* raw = &c.get(n).first;
    for (std::uint32_t i = 0; i < words; ++i) ASSERT_EQ(raw[i + 1], 0u);
    for (std::uint32_t i = 0; i < words; ++i) raw[i + 1] = reinterpret_cast<std::uint64_t>(make<node>(c, {}, 2u).at);
    kept.store(c, n);
  });
  h.settle();
  EXPECT_LE(h.live(), 1 + h.slack());
}

TEST(Bdwgc, AnExceptionLeavesABlockedRegionAndTheThreadIsKnownAgain) {
  heap h(config(0));
  with_context(h, [&](heap::context& c) {
    auto held = make<node>(c, {}, 9u);
    EXPECT_THROW(c.blocked([] { throw std::runtime_error("inside"); }), std::runtime_error);
    for (int i = 0; i < 10; ++i) {
      for (int k = 0; k < 10'000; ++k) c.drop(make<node>(c, {}, 1u));
      c.collect();
    }
    EXPECT_TRUE(c.get(held).intact(9));
    c.drop(held);
  });
}

TEST(Bdwgc, SaysWhichBuildItIsAndHowItIsSet) {
  const heap h(config(0));
  EXPECT_NE(heap::settings().find("libgc 8."), std::string::npos) << heap::settings();
  EXPECT_NE(heap::settings().find("markers 1"), std::string::npos) << heap::settings();
  EXPECT_NE(heap::settings().find("incremental off"), std::string::npos) << heap::settings();
  EXPECT_NE(heap::settings().find("small objects from GC_generic_malloc_many,"), std::string::npos) << heap::settings();
  EXPECT_NE(plain_heap::settings().find("small objects from GC_malloc,"), std::string::npos) << plain_heap::settings();
}

// A chain of objects that nothing else holds, each watched by a weak ref in memory that is not scanned and by a weak slot.
TEST(Bdwgc, CollectionsClearWeakRefsAndWeakSlotsOfTheDeadOnly) {
  constexpr int count = 2000;
  heap h(config(0));
  heap::root<node> kept(h);
  heap::root<watcher> watching(h);
  std::vector<heap::weak<node>> weaks;
  with_context(h, [&](heap::context& c) {
    for (int i = 0; i < count; ++i) {
      auto n = make<node>(c, {}, static_cast<std::uint64_t>(i));
      weaks.push_back(c.downgrade(n));
      auto w = make<watcher>(c, {});
      c.store(c.get(w).seen, c.copy(weaks.back()));
      c.store(c.get(w).next, watching.load(c));
      watching.store(c, w);
      if (i % 2 != 0) continue;  // the odd ones are garbage
      c.store(c.get(n).left, kept.load(c));
      kept.store(c, n);
    }
  });
  with_context(h, [&](heap::context& c) {
    for (int i = 0; i < 3; ++i) c.collect();
    int dead = 0, slots_dead = 0;
    auto w = watching.load(c);
    for (int i = count; i-- > 0; w = c.load(c.get(w).next)) {
      const auto n = c.upgrade(weaks[static_cast<std::size_t>(i)]);
      auto of_slot = c.load(c.get(w).seen);
      ASSERT_TRUE(static_cast<bool>(of_slot));  // there is one, dead or alive
      const auto m = c.upgrade(of_slot);
      c.drop(of_slot);
      EXPECT_EQ(n, m);
      if (i % 2 == 0) {
        ASSERT_TRUE(static_cast<bool>(n));
        EXPECT_TRUE(c.get(n).intact(static_cast<std::uint64_t>(i)));
      } else {
        dead += !n;
        slots_dead += !m;
      }
    }
    EXPECT_GT(dead, count / 2 - 100);  // stray words keep a few
    EXPECT_EQ(slots_dead, dead);
    watching.store(c, {});
    kept.store(c, {});
    for (auto& weak : weaks) c.drop(weak);
  });
  h.settle();
  EXPECT_LE(h.live(), h.slack());
}

// The memory of watchers that died with links in their slots is used again: a link that the library had kept would be written
// to in another object's middle.
TEST(Bdwgc, ALinkInADeadObjectIsForgotten) {
  heap h(config(0));
  with_context(h, [&](heap::context& c) {
    auto n = make<node>(c, {}, 7u);
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 5000; ++i) {
        auto w = make<watcher>(c, {});
        c.store(c.get(w).seen, c.downgrade(make<node>(c, {}, 1u)));
      }
      c.collect();
      std::vector<heap::parcel<node>> full;
      for (int i = 0; i < 5000; ++i) full.push_back(c.pack(make<node>(c, {}, static_cast<std::uint64_t>(i))));
      c.collect();
      for (int i = 0; i < 5000; ++i) {
        const auto r = c.unpack(full[static_cast<std::size_t>(i)]);
        ASSERT_TRUE(c.get(r).intact(static_cast<std::uint64_t>(i)));
      }
    }
    EXPECT_TRUE(c.get(n).intact(7));
    c.drop(n);
  });
}

// Stray words outlive the heap whose objects they hold, links in their slots and all. The next heap, of the same kinds, counts
// none of these objects as its own, for as long as it lives, and is not harmed by those links.
TEST(Bdwgc, WhatStrayWordsHoldOfAnEarlierHeapIsNotCounted) {
  constexpr std::uint64_t count = 5000;
  void** stray = nullptr;
  {
    heap h(config(0));
    const tally::strategies::bdwgc_thread known;
    stray = static_cast<void**>(tally::strategies::bdwgc_scanned::alloc(2 * count * sizeof(void*)));
    with_context(h, [&](heap::context& c) {
      for (std::uint64_t i = 0; i < count; ++i) {
        auto n = make<node>(c, {}, i);
        auto w = make<watcher>(c, {});
        c.store(c.get(w).seen, c.downgrade(n));
        stray[2 * i] = n.at;
        stray[2 * i + 1] = w.at;
      }
    });
    h.settle();
    EXPECT_GE(h.live(), static_cast<std::int64_t>(2 * count));
  }
  {
    heap h(config(0));
    h.settle();
    EXPECT_LE(h.live(), strays);
    for (std::uint64_t i = 0; i < 2 * count; ++i) stray[i] = nullptr;
    heap::root<node> kept(h);
    with_context(h, [&](heap::context& c) {
      c.collect();
      for (std::uint64_t i = 0; i < 2 * count; ++i) {  // in part where those were, if that had been given away
        auto n = make<node>(c, {}, i);
        c.store(c.get(n).left, kept.load(c));
        kept.store(c, n);
      }
    });
    h.settle();
    EXPECT_GE(h.live(), static_cast<std::int64_t>(2 * count));
    EXPECT_LE(h.live(), static_cast<std::int64_t>(2 * count) + strays);
    with_context(h, [&](heap::context& c) {
      auto n = kept.load(c);
      for (std::uint64_t i = 2 * count; i-- > 0; n = c.load(c.get(n).left)) ASSERT_TRUE(c.get(n).intact(i));
    });
  }
  heap h(config(0));
  h.settle();
  EXPECT_LE(h.live(), strays);
  const tally::strategies::bdwgc_thread known;
  tally::strategies::bdwgc_scanned::free(stray);
}

// The library has place for so many kinds; who comes too late is told so, and is welcome once another has ended.
TEST(Bdwgc, SixHeapsCanLiveAtOnce) {
  std::vector<std::unique_ptr<heap>> heaps;
  for (int i = 0; i < 6; ++i) heaps.push_back(std::make_unique<heap>(config(0)));
  EXPECT_THROW(heap(config(0)), tally::heap_exhausted);
  const plain_heap needs_none(config(0));
  heaps.pop_back();
  heaps.push_back(std::make_unique<heap>(config(0)));
}

TEST(Bdwgc, AnUpgradeThatRacesWithCollectionsFindsAWholeObjectOrNone) {
  heap h(config(0));
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      heap::context c(h);
      int alive = 0;
      heap::weak<node> w{};
      for (std::uint64_t i = 0; i < 30'000; ++i) {
        if (t == 0 && i % 1000 == 0) c.collect();
        if (w) {
          if (const auto r = c.upgrade(w)) {
            ASSERT_TRUE(c.get(r).intact(i / 100 - (i % 100 == 0 ? 1 : 0)));
            ++alive;
          }
        }
        if (i % 100 == 0) {
          if (w) c.drop(w);
          w = c.downgrade(make<node>(c, {}, i / 100));
        }
      }
      c.drop(w);
      EXPECT_GT(alive, 0);
    });
  }
  for (auto& t : threads) t.join();
  h.settle();
  EXPECT_LE(h.live(), h.slack());
}

}  // namespace
}  // namespace unit_bdwgc
