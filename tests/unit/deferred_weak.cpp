// Weak refs of deferred: they die in the stop that their object dies in, however it dies, and their cells come back. The heaps
// are not on the stack: the address of a heap's first block is that of an object.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"
#include "strategies/deferred.hpp"
#include "tests/support/stack.hpp"

namespace unit_deferred_weak {
namespace {

using tally::make;
using tally::native;
using tally::testing::far_down;
using tally::testing::wipe_stack;
using heap = tally::strategies::deferred_heap<native>;

constexpr std::uint64_t sound = 0x50'0d'50'0d'50'0d'50'0d;

template <class H>
struct node_of {
  explicit node_of(std::uint64_t n = 0) : number(n) {}
  typename H::template slot<node_of> next;
  typename H::template weak_slot<node_of> seen;
  std::uint64_t number;
  std::uint64_t canary = sound;
  void each_slot(auto&& f) { f(next), f(seen); }
};
using node = node_of<heap>;
using ref = heap::ref<node>;
using weak = heap::weak<node>;

// The same with a destructor: it is in a list while it is young.
template <class H>
struct mortal_of {
  explicit mortal_of(int& n) : ends(&n) {}
  ~mortal_of() { ++*ends; }
  typename H::template weak_slot<node_of<H>> seen;
  int* ends;
  void each_slot(auto&& f) { f(seen); }
};
using mortal = mortal_of<heap>;

tally::heap_config many_stops() {
  static constexpr std::pair<std::string_view, double> few[] = {{"entries", 64}, {"kilobytes", 16}};
  return {.tunables = few, .tunable_count = 2};
}

// 0: dead; else the object's number. In a frame of its own, as all that handles refs here: a word that is left keeps an object.
[[gnu::noinline]] std::uint64_t find(heap::context& c, weak w) {
  return far_down([&]() -> std::uint64_t {
    const ref r = c.upgrade(w);
    if (!r) return 0;
    EXPECT_EQ(c.get(r).canary, sound);
    return c.get(r).number;
  });
}
[[gnu::noinline]] std::uint64_t find_in(heap::context& c, heap::root<node>& holder) {
  return far_down([&]() -> std::uint64_t {
    const weak w = c.load(holder.get()->seen);
    if (!w) return 0;
    const std::uint64_t found = find(c, w);
    c.drop(w);
    return found;
  });
}
[[gnu::noinline]] weak weak_of_the_young(heap::context& c, std::uint64_t number) {
  return far_down([&] { return c.downgrade(make<node>(c, {}, number)); });
}
[[gnu::noinline]] void keep(heap::context& c, heap::root<node>& place, std::uint64_t number) {
  far_down([&] {
    place.store(c, make<node>(c, {}, number));
    return 0;
  });
}
[[gnu::noinline]] weak weak_of(heap::context& c, heap::root<node>& place) {
  return far_down([&] { return c.downgrade(place.load(c)); });
}
[[gnu::noinline]] void see(heap::context& c, heap::root<node>& holder, heap::root<node>& place) {
  far_down([&] { return c.store(holder.get()->seen, weak_of(c, place)), 0; });
}
void empty(heap::context& c, heap::root<node>& place) { place.store(c, {}); }
void stop(heap::context& c) {
  wipe_stack();
  c.quiesce();
}

using DeferredWeak = tally::testing::clean_stack;

TEST_F(DeferredWeak, TheYoungDieUntouchedAndTheirWeakRefsAreClearedAllTheSame) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  {
    heap::context c(h);
    const weak w = weak_of_the_young(c, 7);
    EXPECT_EQ(find(c, w), 7u);
    stop(c);
    EXPECT_EQ(h.live(), 0);
    // The memory is used again, by an object that nobody means.
    const weak other = weak_of_the_young(c, 8);
    EXPECT_EQ(find(c, w), 0u);
    EXPECT_EQ(find(c, other), 8u);
    const weak copy = c.copy(w);
    EXPECT_EQ(find(c, copy), 0u);
    for (const weak each : {w, other, copy}) c.drop(each);
  }
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
}

TEST_F(DeferredWeak, AnOldObjectIsFoundUntilTheStopThatFreesIt) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  heap::root<node> top(h);
  {
    heap::context c(h);
    keep(c, top, 1);
    const weak w = weak_of(c, top);
    for (int i = 0; i < 3; ++i) stop(c);
    EXPECT_EQ(find(c, w), 1u);
    empty(c, top);
    EXPECT_EQ(find(c, w), 1u);  // uncounted, and not dead before a stop says so
    stop(c);
    EXPECT_EQ(find(c, w), 0u);
    c.drop(w);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
}

TEST_F(DeferredWeak, AnUpgradeBeforeTheStopKeepsTheObjectAndAnotherOneAfterItFindsTheSame) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  heap::root<node> top(h);
  {
    heap::context c(h);
    for (const bool old : {false, true}) {
      keep(c, top, 1);
      const weak w = weak_of(c, top);
      if (old) stop(c);
      empty(c, top);
      {
        ref r = c.upgrade(w);
        ASSERT_TRUE(static_cast<bool>(r));
        stop(c);
        stop(c);
        const ref again = c.upgrade(w);
        EXPECT_EQ(again, r);
        EXPECT_EQ(c.get(r).canary, sound);
        EXPECT_EQ(c.get(r).number, 1u);
      }
      c.drop(w);
    }
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

[[gnu::noinline]] void make_ring(heap::context& c, heap::root<node>& top, std::uint64_t length) {
  keep(c, top, 0);
  far_down([&] {
    ref last = top.load(c);
    for (std::uint64_t i = 1; i < length; ++i) {
      ref next = make<node>(c, {}, i);
      c.store(c.get(next).next, last);
      last = next;
    }
    c.store(top.get()->next, last);
    top.store(c, last);
    return 0;
  });
}

TEST_F(DeferredWeak, AMemberOfADeadCycleIsDeadAndOneOfALivingCycleIsFound) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  heap::root<node> dying(h), living(h);
  {
    heap::context c(h);
    make_ring(c, dying, 5);
    make_ring(c, living, 6);
    const weak dead = weak_of(c, dying), alive = weak_of(c, living);
    see(c, dying, living);  // weak refs in a cycle's members: one to the living, one back into the cycle
    far_down([&] { return c.store(c.peek(dying.get()->next)->seen, weak_of(c, dying)), 0; });
    stop(c);
    empty(c, dying);
    stop(c), stop(c);
    EXPECT_EQ(find(c, dead), 4u);  // its count is not zero
    wipe_stack();
    c.collect();
    EXPECT_EQ(find(c, dead), 0u);
    EXPECT_EQ(find(c, alive), 5u);
    EXPECT_EQ(h.live(), 6);
    c.drop(dead), c.drop(alive);
    empty(c, living);
  }
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

TEST_F(DeferredWeak, AWeakRefInASlotDiesWithTheSlotsObjectYoungOrOldOrWithADestructor) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  heap::root<node> holder(h), target(h);
  int ends = 0;
  {
    heap::context c(h);
    keep(c, target, 9);
    // young
    far_down([&] { return c.store(c.get(make<node>(c, {}, 1)).seen, weak_of(c, target)), 0; });
    far_down([&] { return c.store(c.get(make<mortal>(c, {}, ends)).seen, weak_of(c, target)), 0; });
    EXPECT_EQ(h.weak_cells_in_use(), 2u);
    stop(c);
    EXPECT_EQ(h.weak_cells_in_use(), 0u);
    EXPECT_EQ(ends, 1);
    // old, with a ref that it had when it got old; then with one that it got after that; then with one that was replaced
    for (const int stores : {1, 2, 3}) {
      keep(c, holder, 2);
      for (int i = 0; i < stores; ++i) {
        see(c, holder, target);
        stop(c);
        EXPECT_EQ(find_in(c, holder), 9u);
      }
      EXPECT_EQ(h.weak_cells_in_use(), 1u);
      empty(c, holder);
      stop(c), stop(c);
      EXPECT_EQ(h.weak_cells_in_use(), 0u);
    }
    // a slot that was emptied when old, and filled again
    keep(c, holder, 3);
    stop(c);
    far_down([&] { return c.store(holder.get()->seen, {}), 0; });
    EXPECT_EQ(find_in(c, holder), 0u);
    see(c, holder, target);
    empty(c, target);
    stop(c), stop(c);
    EXPECT_EQ(find_in(c, holder), 0u);
    EXPECT_EQ(h.weak_cells_in_use(), 1u);
    empty(c, holder);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
}

TEST_F(DeferredWeak, AWeakRefMayBeDroppedAfterItsTargetAndByAnotherThreadAndItsCellIsUsedAgain) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  std::vector<weak> all;
  for (int round = 0; round < 3; ++round) {
    std::thread([&] {
      heap::context c(h);
      for (std::uint64_t i = 1; i <= 2000; ++i) all.push_back(weak_of_the_young(c, i));
    }).join();
    h.settle();
    EXPECT_EQ(h.live(), 0);
    EXPECT_EQ(h.weak_cells_in_use(), 2000u);
    heap::context mine(h);
    std::thread([&] {
      heap::context c(h);
      for (const weak w : all) {
        EXPECT_EQ(find(c, w), 0u);
        c.drop(w);
      }
    }).join();
    all.clear();
    EXPECT_EQ(h.weak_cells_in_use(), 0u);
  }
}

TEST_F(DeferredWeak, ATargetThatAnotherThreadDropsIsFoundUntilAStopAndNotAfterIt) {
  const auto owner = std::make_unique<heap>(tally::heap_config{});
  heap& h = *owner;
  heap::root<node> top(h);
  heap::context c(h);
  keep(c, top, 5);
  const weak w = weak_of(c, top);
  stop(c);
  const auto on_another = [&](auto f) {
    std::thread t([&] {
      heap::context other(h);
      f(other);
    });
    c.blocked([&] { t.join(); });
  };
  on_another([&](heap::context& other) { empty(other, top); });
  EXPECT_EQ(find(c, w), 5u);
  on_another([&](heap::context& other) { stop(other); });
  EXPECT_EQ(find(c, w), 0u);
  c.drop(w);
}

TEST_F(DeferredWeak, ManyWeakRefsMakeStopsRarerAndNoneIsWrong) {
  const auto owner = std::make_unique<heap>(many_stops());
  heap& h = *owner;
  heap::root<node> top(h);
  heap::context c(h);
  constexpr std::uint64_t n = 50'000;
  keep(c, top, 1);
  std::vector<weak> all;
  const auto stops_of = [&](std::uint64_t objects) {
    const auto before = h.reconciles();
    for (std::uint64_t i = 0; i < objects; ++i) far_down([&] { return c.drop(make<node>(c, {}, i)), 0; });
    return h.reconciles() - before;
  };
  const auto few = stops_of(4 * n);
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(i % 10 == 0 ? weak_of(c, top) : weak_of_the_young(c, 2));
  stop(c);
  for (std::uint64_t i = 0; i < n; ++i) ASSERT_EQ(find(c, all[i]), i % 10 == 0 ? 1u : 0u) << i;
  EXPECT_LT(stops_of(4 * n), few / 2);
  empty(c, top);
  stop(c), stop(c);
  for (const weak w : all) {
    ASSERT_EQ(find(c, w), 0u);
    c.drop(w);
  }
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
}

TEST_F(DeferredWeak, AtTheHeapsLimitTheDeadAreClearedAndTheLivingFound) {
  const auto owner = std::make_unique<heap>(tally::heap_config{.limit_bytes = 8 << 20});
  heap& h = *owner;
  heap::root<node> top(h);
  heap::context c(h);
  keep(c, top, 1);
  const weak alive = weak_of(c, top);
  std::vector<weak> all;
  for (int i = 0; i < 2000; ++i) {  // some 200 MB
    all.push_back(far_down([&] { return c.downgrade(make<node>(c, {.bytes = 100'000}, 3)); }));
  }
  stop(c), stop(c);
  EXPECT_EQ(find(c, alive), 1u);
  EXPECT_LE(h.committed_bytes(), std::size_t{8} << 20);
  for (const weak w : all) {
    EXPECT_EQ(find(c, w), 0u);
    c.drop(w);
  }
  c.drop(alive);
}

}  // namespace
}  // namespace unit_deferred_weak
