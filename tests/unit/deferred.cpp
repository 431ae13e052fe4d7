// deferred: what is freed, when, and what a stack keeps alive.
#include "strategies/deferred.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"
#include "tests/support/stack.hpp"

namespace unit_deferred {
namespace {

using tally::extent;
using tally::heap_config;
using tally::make;
using tally::native;
using tally::testing::far_down;
using tally::testing::wipe_stack;
using heap = tally::strategies::deferred_heap<native>;
using header = heap::header;

constexpr std::uint64_t sound = 0x50'0d'50'0d'50'0d'50'0d;

template <class H>
struct node_of {
  explicit node_of(std::uint64_t n = 0) : number(n) {}
  ~node_of() { canary = 0; }
  typename H::template slot<node_of> left, right;
  typename H::template shared_slot<node_of> racy;
  std::uint64_t number;
  std::uint64_t canary = sound;
  void each_slot(auto&& f) { f(left), f(right), f(racy); }
};
using node = node_of<heap>;
using ref = heap::ref<node>;

template <class H>
struct array_of {
  using trailing = node_of<H>;
  explicit array_of(std::uint32_t n) : count(n) {}
  std::uint64_t count;
  void each_slot(auto&& f) {
    auto* all = tally::slots_behind<typename H::template slot<trailing>>(*this);
    for (std::uint64_t i = 0; i < count; ++i) f(all[i]);
  }
};

heap_config many_stops() {
  static constexpr std::pair<std::string_view, double> few[] = {{"entries", 64}, {"kilobytes", 16}};
  return {.tunables = few, .tunable_count = 2};
}

// --- counts -------------------------------------------------------------------------------------------------------------

TEST(DeferredCounts, TypeCountAndBytesShareAWordWithoutTouchingEachOther) {
  header h;
  constexpr std::size_t bytes = (std::size_t{1} << 36) - 8;
  h.word.init(0x1234, bytes);
  for (const std::uint32_t n : {0U, 1U, 2U, 0x7feU, 0x7ffU, 0U}) {
    h.set_count(n);
    EXPECT_EQ(h.count(), n);
    EXPECT_EQ(h.bytes(), bytes);
    EXPECT_EQ(h.word.type(), 0x1234);
  }
}

TEST(DeferredCounts, AnObjectMayHaveMoreReferencesThanItsHeaderCounts) {
  heap h({});
  heap::root<array_of<heap>> all(h);
  {
    heap::context c(h);
    constexpr std::uint32_t n = 3 * header::most;
    all.store(c, make<array_of<heap>>(c, {.slots = n}, n));
    auto* slots = c.trailing_slots(*all.get());
    ref one = make<node>(c, {}, 1);
    for (std::uint32_t i = 0; i < n; ++i) c.store(slots[i], one);
    one = {};
    for (std::uint32_t i = 0; i + 1 < n; ++i) {
      if (i % 100 == 0) c.quiesce();
      ASSERT_EQ(c.peek(slots[i])->canary, sound);
      c.store(slots[i], {});
    }
    c.quiesce();
    EXPECT_EQ(c.peek(slots[n - 1])->canary, sound);
    c.store(slots[n - 1], {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 1);
  {
    heap::context c(h);
    all.store(c, {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

// A place is logged once between two stops; what it held before the first store and what it holds at the stop are what counts.
TEST(DeferredCounts, OnlyTheFirstAndTheLastValueOfAPlaceBetweenTwoStopsMatter) {
  heap h({});
  heap::root<node> top(h);
  {
    heap::context c(h);
    top.store(c, make<node>(c, {}, 0));
    for (std::uint64_t round = 1; round < 200; ++round) {
      for (std::uint64_t i = 0; i < round % 5; ++i) {
        ref r = make<node>(c, {}, round);
        c.store(c.get(r).racy, c.load(top.get()->left));
        c.store(top.get()->left, i % 3 == 2 ? ref{} : r);
        c.store(top.get()->racy, i % 2 == 1 ? ref{} : r);
        if (ref was = c.exchange(top.get()->racy, r)) {
          EXPECT_EQ(c.get(was).canary, sound);
        }
        EXPECT_FALSE(c.compare_exchange(top.get()->racy, ref{}, r));
        EXPECT_TRUE(c.compare_exchange(top.get()->racy, r, i % 2 == 0 ? ref{} : r));
      }
      if (ref r = c.take(top.get()->left)) c.store(top.get()->right, r);
      c.quiesce();
      for (ref n : {c.load(top.get()->right), c.load(top.get()->racy)}) {
        if (n) {
          EXPECT_EQ(c.get(n).canary, sound);
        }
      }
    }
    c.store(top.get()->left, {});
    c.store(top.get()->right, {});
    c.store(top.get()->racy, ref{});
  }
  h.settle();
  EXPECT_EQ(h.live(), 1);
  heap::context c(h);
  top.store(c, {});
}

using Deferred = tally::testing::clean_stack;

// --- deaths ---------------------------------------------------------------------------------------------------------------

struct tally_of_ends {
  std::int64_t begun = 0, ended = 0;
};
template <class H>
struct counted_of {
  explicit counted_of(tally_of_ends& t) : ends(&t) { ++t.begun; }
  ~counted_of() { ++ends->ended; }
  typename H::template slot<counted_of> next;
  tally_of_ends* ends;
  void each_slot(auto&& f) { f(next); }
};
using counted = counted_of<heap>;

TEST_F(Deferred, DestructorsRunOnceWhetherAnObjectDiesYoungOldOrInACycle) {
  tally_of_ends ends;
  heap h(many_stops());
  {
    heap::root<counted> top(h);
    heap::context c(h);
    tally::random_source random{5, 0};
    for (int i = 0; i < 20'000; ++i) {
      auto r = make<counted>(c, {}, ends);
      c.store(c.get(r).next, top.load(c));
      if (random.below(4) == 0) top.store(c, r);
      if (random.below(50) == 0) c.store(top.get()->next, top.load(c));  // a cycle of one, and the rest lost
      if (random.below(40) == 0) top.store(c, {});
      if (!top.get()) top.store(c, make<counted>(c, {}, ends));
      c.poll();
    }
    EXPECT_GT(ends.ended, 5'000);
    EXPECT_GT(h.reconciles(), 10u);
    top.store(c, {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(ends.ended, ends.begun);
}

[[gnu::noinline]] void make_ring(heap::context& c, std::uint64_t length, bool by_stops, heap::root<node>& top) {
  top.store(c, make<node>(c, {}, 0));
  ref last = top.load(c);
  for (std::uint64_t i = 1; i < length; ++i) {
    ref next = make<node>(c, {}, i);
    c.store(c.get(next).left, last);
    last = next;
    top.get()->number = i;
    if (by_stops) c.quiesce();
  }
  c.store(top.get()->right, last);
  top.store(c, {});
}

TEST_F(Deferred, CyclesOfYoungObjectsDieWithTheYoungAndThoseOfOldOnesWhenTheyAreLookedFor) {
  heap h({});
  heap::root<node> top(h), other(h);
  {
    heap::context c(h);
    other.store(c, make<node>(c, {}, 7));
    make_ring(c, 100, false, top);
    wipe_stack();
    c.quiesce();
    EXPECT_LE(h.live(), 1 + 100);
    make_ring(c, 10, true, top);
    wipe_stack();
    c.quiesce(), c.quiesce();
    EXPECT_GE(h.live(), 1 + 10);
    c.collect();
    EXPECT_EQ(h.live(), 1);
    EXPECT_EQ(other.get()->number, 7u);
    EXPECT_EQ(other.get()->canary, sound);
    c.collect();
    EXPECT_EQ(h.live(), 1);
    other.store(c, {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

// --- what lives -----------------------------------------------------------------------------------------------------------

// Random operations beside a reference model that knows the graph. Stores only go from newer to older objects: no cycles.
TEST_F(Deferred, HoldsExactlyWhatTheReferenceModelSaysAfterRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    tally::random_source random{seed, 0};
    heap h(many_stops());
    constexpr std::size_t root_count = 8;
    std::vector<std::unique_ptr<heap::root<node>>> roots;
    for (std::size_t i = 0; i < root_count; ++i) roots.push_back(std::make_unique<heap::root<node>>(h));
    std::array<std::int64_t, root_count> model_roots{};  // object numbers; 0: none
    std::vector<std::array<std::int64_t, 3>> graph(1);
    {
      heap::context c(h);
      std::array<ref, 16> held{};
      std::array<std::int64_t, 16> model_held{};
      for (int step = 0; step < 20'000; ++step) {
        const auto i = random.below(16), j = random.below(16), side = random.below(3);
        switch (random.below(9)) {
          case 0:
          case 1:
            held[i] = make<node>(c, {}, graph.size());
            model_held[i] = static_cast<std::int64_t>(graph.size());
            graph.push_back({});
            break;
          case 2:
          case 3: {
            if (!held[i] || (held[j] && model_held[j] >= model_held[i])) break;
            node& n = c.get(held[i]);
            ref r = held[j] ? c.copy(held[j]) : ref{};
            if (side == 0) c.store(n.left, r);
            if (side == 1) c.store(n.right, r);
            if (side == 2) c.store(n.racy, r);
            graph[static_cast<std::size_t>(model_held[i])][side] = model_held[j];
            break;
          }
          case 4: {
            if (!held[i]) break;
            node& n = c.get(held[i]);
            held[j] = side == 0 ? c.load(n.left) : side == 1 ? c.load(n.right) : c.load(n.racy);
            model_held[j] = graph[static_cast<std::size_t>(model_held[i])][side];
            break;
          }
          case 5: {
            if (!held[i]) break;
            node& n = c.get(held[i]);
            auto& place = graph[static_cast<std::size_t>(model_held[i])][side];
            const std::int64_t old = std::exchange(place, 0);
            held[j] = side == 0 ? c.take(n.left) : side == 1 ? c.take(n.right) : c.exchange(n.racy, {});
            model_held[j] = old;
            break;
          }
          case 6:
            if (!held[j] || !held[i] || model_held[j] >= model_held[i]) break;
            {
              auto& place = graph[static_cast<std::size_t>(model_held[i])][2];
              const ref expected = c.load(c.get(held[i]).racy);
              ASSERT_FALSE(c.compare_exchange(c.get(held[i]).racy, held[i], held[j]));
              ASSERT_TRUE(c.compare_exchange(c.get(held[i]).racy, expected, held[j]));
              place = model_held[j];
            }
            break;
          case 7:
            roots[i % root_count]->store(c, held[j] ? c.copy(held[j]) : ref{});
            model_roots[i % root_count] = model_held[j];
            break;
          default:
            held[i] = {};
            model_held[i] = 0;
            if (random.below(8) == 0) held[i] = c.unpack(c.pack(make<node>(c, {}, graph.size()))), graph.push_back({}),
                                      model_held[i] = static_cast<std::int64_t>(graph.size()) - 1;
        }
        for (std::size_t k = 0; k < 16; ++k) {
          if (!held[k]) continue;
          ASSERT_EQ(c.get(held[k]).canary, sound);
          ASSERT_EQ(c.get(held[k]).number, static_cast<std::uint64_t>(model_held[k]));
        }
        c.poll();
      }
    }
    h.settle();
    std::set<std::int64_t> reached;
    std::vector<std::int64_t> todo(model_roots.begin(), model_roots.end());
    while (!todo.empty()) {
      const auto n = todo.back();
      todo.pop_back();
      if (n == 0 || !reached.insert(n).second) continue;
      for (const auto child : graph[static_cast<std::size_t>(n)]) todo.push_back(child);
    }
    ASSERT_EQ(h.live(), static_cast<std::int64_t>(reached.size())) << "seed " << seed;
    EXPECT_GT(h.reconciles(), 2u);  // of some 5000 objects; deep stacks, as sanitizers make them, make tables larger
    {
      heap::context c(h);
      for (auto& r : roots) r->store(c, {});
    }
    h.settle();
    ASSERT_EQ(h.live(), 0);
    ASSERT_EQ(h.live_bytes(), 0);
  }
}

TEST_F(Deferred, AnObjectOnAnotherThreadsStackOutlivesItsSlotAndDiesAfterThat) {
  heap h(many_stops());
  heap::root<node> top(h);
  std::atomic<int> phase{0};
  const auto wait_for = [&](int p) { return [&phase, p] { return phase.load() >= p; }; };
  std::thread reader, blocked_reader;
  {
    heap::context c(h);
    top.store(c, make<node>(c, {}, 1));
    c.store(top.get()->racy, make<node>(c, {}, 2));
    const auto read = [&](bool in_blocked) {
      heap::context mine(h);
      ref two = mine.load(top.get()->racy);
      phase.fetch_add(1);
      if (in_blocked) {
        mine.blocked([&] { native::wait_until(wait_for(3)); });
      } else {
        while (phase.load() < 3) mine.poll();
      }
      EXPECT_EQ(mine.get(two).canary, sound);
      EXPECT_EQ(mine.get(two).number, 2u);
      mine.drop(two);
    };
    reader = std::thread(read, false);
    blocked_reader = std::thread(read, true);
    c.blocked([&] { native::wait_until(wait_for(2)); });
    c.store(top.get()->racy, {});
    for (int i = 0; i < 5; ++i) c.quiesce();
    EXPECT_EQ(h.live(), 2);
    phase = 3;
    c.blocked([&] {
      reader.join();
      blocked_reader.join();
    });
  }
  h.settle();
  EXPECT_EQ(h.live(), 1);
  EXPECT_EQ(top.get()->number, 1u);
  {
    heap::context c(h);
    top.store(c, {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

[[gnu::noinline]] void make_many(heap::context& c, std::vector<std::uintptr_t>& complements) {
  for (auto& w : complements) w = ~reinterpret_cast<std::uintptr_t>(&c.get(make<node>(c, {})).canary);
}

TEST_F(Deferred, AnInteriorPointerOnTheStackKeepsAnObjectAndNothingElseDoes) {
  heap h({});
  heap::context c(h);
  constexpr std::size_t n = 500;
  std::vector<std::uintptr_t> complements(n);
  make_many(c, complements);
  {
    volatile std::uintptr_t inside[n];
    for (std::size_t i = 0; i < n; ++i) inside[i] = ~complements[i];
    wipe_stack();
    c.quiesce();
    EXPECT_EQ(h.live(), static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(inside[i]), sound);
      if (i % 2 == 0) inside[i] = 0;
    }
    c.quiesce();
    EXPECT_LE(h.live(), static_cast<std::int64_t>(n / 2 + 4));  // a stale copy of one or two may be about
    EXPECT_GE(h.live(), static_cast<std::int64_t>(n / 2));
    for (auto& w : inside) w = 0;
  }
  wipe_stack();
  c.quiesce();
  EXPECT_LE(h.live(), 4);
}

TEST_F(Deferred, AChainOfAMillionIsFreedWithoutRecursionAndInOneReconcile) {
  heap h({});
  {
    heap::context c(h);
    ref head = make<node>(c, {}, 0);
    for (std::uint64_t i = 1; i < 1'000'000; ++i) {
      ref next = make<node>(c, {}, i);
      c.store(c.get(next).left, head);
      head = next;
    }
    c.quiesce();
    EXPECT_EQ(h.live(), 1'000'000);
  }
  const auto before = h.reconciles();
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.reconciles(), before + 1);
}

TEST_F(Deferred, AThreadMayLeaveObjectsAndGarbageBehind) {
  heap h(many_stops());
  std::vector<heap::parcel<node>> left;
  std::thread([&] {
    heap::context c(h);
    for (std::uint64_t i = 0; i < 1000; ++i) {
      ref a = make<node>(c, {}, i);
      c.store(c.get(a).left, make<node>(c, {}, i));
      if (i % 2 == 0) left.push_back(c.pack(a));
    }
  }).join();
  {
    heap::context first(h);
    std::thread stranger([&] {
      heap::context second(h);
      for (auto& p : left) {
        ref a = second.unpack(p);
        EXPECT_EQ(second.get(a).canary, sound);
        ref b = second.take(second.get(a).left);
        EXPECT_EQ(second.get(b).canary, sound);
        second.store(second.get(a).right, b);
        p = second.pack(a);
        second.poll();
      }
    });
    first.blocked([&] { stranger.join(); });
    wipe_stack();
    first.quiesce();
    EXPECT_EQ(h.live(), 1000);
    for (auto& p : left) {
      ref a = first.unpack(p);
      EXPECT_EQ(first.get(a).canary, sound);
      first.store(first.get(a).right, {});
    }
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

// --- limits ---------------------------------------------------------------------------------------------------------------

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
}  // namespace unit_deferred
