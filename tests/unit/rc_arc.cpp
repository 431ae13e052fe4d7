#include "strategies/rc_arc.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace unit_rc_arc {
namespace {

using namespace tally;
using heap = strategies::rc_arc_heap<native>;
using context = heap::context;

struct node {
  using trailing = node;
  explicit node(std::uint32_t places = 0) : places_(places) {}
  heap::slot<node> next;
  heap::shared_slot<node> place;
  heap::weak_slot<node> back;
  std::uint32_t places_;
  void each_slot(auto&& f) {
    f(next), f(place), f(back);
    auto* more = slots_behind<heap::slot<node>>(*this);
    for (std::uint32_t i = 0; i < places_; ++i) f(more[i]);
  }
};

bool shared(const heap::ref<node>& r) { return (r.at->count.load(std::memory_order_relaxed) & context::shared) != 0; }
std::uint32_t refs(const heap::ref<node>& r) { return r.at->count.load(std::memory_order_relaxed) / context::one; }

TEST(RcArc, AnObjectIsPrivateUntilItIsPublishedInAnyOfTheWaysThereAre) {
  heap h(heap_config{});
  context c(h);
  heap::root<node> root(h);
  auto holder = make<node>(c, {});
  const auto fresh = [&] { return make<node>(c, {}); };

  auto a = fresh();
  EXPECT_FALSE(shared(a));
  c.share(a);
  EXPECT_TRUE(shared(a));
  auto b = fresh();
  auto parcel = c.pack(c.copy(b));
  EXPECT_TRUE(shared(b));
  auto d = fresh();
  c.store(c.get(holder).place, c.copy(d));
  EXPECT_TRUE(shared(d));
  auto e = fresh();
  root.store(c, c.copy(e));
  EXPECT_TRUE(shared(e));
  auto f = fresh();
  EXPECT_FALSE(c.compare_exchange(c.get(holder).place, a, f));
  EXPECT_TRUE(shared(f));  // early, but never late
  auto g = fresh();
  c.store(c.get(a).next, c.copy(g));  // a plain slot publishes nothing by itself
  EXPECT_FALSE(shared(g));
  for (auto r : {a, b, d, e, f, g, holder}) c.drop(r);
  c.drop(c.unpack(parcel));
  root.store(c, {});
  EXPECT_EQ(h.live(), 0);
}

TEST(RcArc, SharingMarksAllThatIsReachableAndKeepsTheCounts) {
  heap h(heap_config{});
  context c(h);
  auto top = make<node>(c, {.slots = 3}, 3u);
  std::vector<heap::ref<node>> below;
  for (int i = 0; i < 6; ++i) below.push_back(make<node>(c, {}));
  c.store(c.get(top).next, c.copy(below[0]));
  c.store(c.get(below[0]).next, c.copy(below[1]));
  c.store(c.get(below[1]).next, c.copy(top));  // a cycle
  c.store(c.get(top).back, c.downgrade(below[2]));
  c.store(c.get(below[2]).next, c.copy(below[3]));  // reachable by an upgrade only
  c.store(c.trailing_slots(c.get(top))[2], c.copy(below[4]));
  c.share(top);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(shared(below[static_cast<std::size_t>(i)])) << i;
  EXPECT_FALSE(shared(below[5]));
  EXPECT_EQ(refs(top), 2u);
  EXPECT_EQ(refs(below[0]), 2u);
  EXPECT_EQ(refs(below[2]), 1u);
  c.store(c.get(below[1]).next, {});
  for (auto r : below) c.drop(r);
  c.drop(top);
  EXPECT_EQ(h.live(), 0);
}

TEST(RcArc, SharingAChainOfAMillionDoesNotRecurse) {
  heap h(heap_config{});
  context c(h);
  auto head = make<node>(c, {});
  auto last = c.copy(head);
  for (int i = 0; i < 1'000'000; ++i) {
    auto next = make<node>(c, {});
    c.store(c.get(next).next, head);
    head = next;
  }
  c.share(head);
  EXPECT_TRUE(shared(last));
  c.drop(last);
  c.drop(head);
  EXPECT_EQ(h.live(), 0);
}

TEST(RcArc, AWeakRefToADeadPrivateObjectCanBePublished) {
  heap h(heap_config{});
  context c(h);
  auto holder = make<node>(c, {});
  auto a = make<node>(c, {});
  auto w = c.downgrade(a);
  c.store(c.get(holder).back, c.copy(w));
  c.drop(a);
  c.share(holder);
  auto parcel = c.pack(holder);
  std::thread([&] {
    context other(h);
    auto r = other.unpack(parcel);
    auto mine = other.load(other.get(r).back);
    EXPECT_FALSE(static_cast<bool>(other.upgrade(mine)));
    other.drop(mine);
    other.drop(r);
  }).join();
  c.drop(w);
  EXPECT_EQ(h.live(), 0);
}

TEST(RcArc, WhatADeadObjectReferredToIsNotMarked) {
  heap h(heap_config{});
  context c(h);
  auto holder = make<node>(c, {}), a = make<node>(c, {});
  c.store(c.get(a).next, make<node>(c, {}));
  c.store(c.get(holder).back, c.downgrade(a));
  c.drop(a);
  auto b = make<node>(c, {});  // with malloc in the memory of a's child
  c.share(holder);
  EXPECT_FALSE(shared(b));
  c.drop(b);
  c.drop(holder);
  EXPECT_EQ(h.live(), 0);
}

TEST(RcArc, PublishedObjectsAreCountedByTwoThreadsAtOnce) {
  heap h(heap_config{});
  context c(h);
  heap::root<node> root(h);
  auto top = make<node>(c, {});
  c.store(c.get(top).next, make<node>(c, {}));
  root.store(c, top);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      context mine(h);
      for (int i = 0; i < 50'000; ++i) {
        auto r = mine.load(root.get()->next);
        auto w = mine.downgrade(r);
        auto again = mine.upgrade(w);
        mine.drop(r);
        mine.drop(w);
        mine.drop(again);
      }
    });
  }
  for (auto& t : threads) t.join();
  auto r = c.load(root.get()->next);
  EXPECT_EQ(refs(r), 2u);
  EXPECT_EQ(r.at->weak.load(std::memory_order_relaxed), 1u);
  c.drop(r);
  root.store(c, {});
  EXPECT_EQ(h.live(), 0);
}

// sharing=typed ---------------------------------------------------------------------------------------------------------------

using typed_heap = strategies::rc_arc_typed_heap<native>;
using typed_context = typed_heap::context;

struct open_node {
  typed_heap::slot<open_node> next;
  typed_heap::weak_slot<open_node> back;
  void each_slot(auto&& f) { f(next), f(back); }
};
struct own_node {
  static constexpr bool confined = true;
  using trailing = own_node;
  explicit own_node(std::uint32_t places = 0) : places_(places) {}
  typed_heap::slot<own_node> next;
  typed_heap::slot<open_node> open;
  typed_heap::weak_slot<own_node> back;
  std::uint64_t places_;
  void each_slot(auto&& f) {
    f(next), f(open), f(back);
    auto* more = slots_behind<typed_heap::slot<own_node>>(*this);
    for (std::uint64_t i = 0; i < places_; ++i) f(more[i]);
  }
};

template <class T>
concept can_be_packed = requires(typed_context& c, typed_heap::ref<T> r) { c.pack(r); };
template <class T>
concept can_be_shared = requires(typed_context& c, typed_heap::ref<T> r) { c.share(r); };

TEST(RcArcTyped, AConfinedRefIsNeitherPackedNorSharedByAnythingThatCompiles) {
  EXPECT_TRUE(can_be_packed<open_node>);
  EXPECT_TRUE(can_be_shared<open_node>);
  EXPECT_FALSE(can_be_packed<own_node>);
  EXPECT_FALSE(can_be_shared<own_node>);
}

TEST(RcArcTyped, EachTypeIsCountedItsOwnWay) {
  typed_heap h(heap_config{});
  typed_context c(h);
  auto own = make<own_node>(c, {});
  auto open = make<open_node>(c, {});
  auto own_copy = c.copy(own);
  auto open_copy = c.copy(open);
  EXPECT_EQ(own.at->confined.count.load(), 2u);
  EXPECT_EQ(open.at->shared.count.load(std::memory_order_relaxed), 2u);
  c.store(c.get(own).open, open_copy);
  c.drop(open);
  EXPECT_EQ(open.at->shared.count.load(std::memory_order_relaxed), 1u);
  c.drop(own_copy);
  EXPECT_EQ(h.live(), 2);
  c.drop(own);
  EXPECT_EQ(h.live(), 0);
}

TEST(RcArcTyped, SlotsOfBothTypesAreReleasedInACascadeOfAnyLength) {
  typed_heap h(heap_config{});
  typed_context c(h);
  auto head = make<own_node>(c, {.slots = 3}, 3u);
  for (int i = 0; i < 1'000'000; ++i) {
    auto next = make<own_node>(c, {.slots = 1}, 1u);
    if (i % 10 == 0) {
      c.store(c.get(next).open, make<open_node>(c, {}));
      auto open = c.load(c.get(next).open);
      c.store(c.get(open).next, make<open_node>(c, {}));
      c.drop(open);
    }
    c.store(i % 2 == 0 ? c.get(next).next : c.trailing_slots(c.get(next))[0], head);
    head = next;
  }
  EXPECT_EQ(h.live(), 1'200'001);
  c.drop(head);
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

template <class Node>
void weak_refs_see_an_object_to_its_end() {
  typed_heap h(heap_config{});
  typed_context c(h);
  auto a = make<Node>(c, {}), b = make<Node>(c, {});
  auto w = c.downgrade(a);
  c.store(c.get(b).back, c.copy(w));
  auto again = c.upgrade(w);
  ASSERT_TRUE(static_cast<bool>(again));
  EXPECT_EQ(again, a);
  c.drop(again);
  c.drop(a);
  EXPECT_EQ(h.live(), 1);
  EXPECT_FALSE(static_cast<bool>(c.upgrade(w)));
  auto seen = c.load(c.get(b).back);
  EXPECT_FALSE(static_cast<bool>(c.upgrade(seen)));
  c.drop(seen);
  c.drop(b);  // its weak slot's ref goes with it
  c.drop(w);  // the last: the memory goes (AddressSanitizer would know)
  EXPECT_EQ(h.live(), 0);
}
TEST(RcArcTyped, WeakRefsSeeAConfinedObjectToItsEnd) { weak_refs_see_an_object_to_its_end<own_node>(); }
TEST(RcArcTyped, WeakRefsSeeASharedObjectToItsEnd) { weak_refs_see_an_object_to_its_end<open_node>(); }

TEST(RcArcTyped, SharedObjectsInConfinedOnesAreDroppedFromManyThreads) {
  typed_heap h(heap_config{});
  {
    typed_context c(h);
    typed_heap::root<open_node> root(h);
    auto common = make<open_node>(c, {});
    root.store(c, common);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        typed_context mine(h);
        for (int i = 0; i < 20'000; ++i) {
          auto own = make<own_node>(mine, {});
          auto ref = root.load(mine);
          mine.store(mine.get(own).open, ref);
          auto copy = mine.copy(own);
          mine.drop(own);
          mine.drop(copy);
        }
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(h.live(), 1);
    root.store(c, {});
  }
  EXPECT_EQ(h.live(), 0);
}

}  // namespace
}  // namespace unit_rc_arc
