// deferred: what is counted, and what is freed when.
#include "strategies/deferred.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <vector>

#include "harness/base/random.hpp"
#include "tests/unit/deferred_nodes.hpp"

namespace unit_deferred {
namespace {

TEST(DeferredCounts, TypeCountAndBytesShareAWordWithoutTouchingEachOther) {
  header h;
  constexpr std::size_t bytes = (std::size_t{1} << 36) - 8;
  h.word.init(0x1234, bytes);
  for (const std::uint32_t n : {0U, 1U, 2U, header::most - 1, header::most, 0U}) {
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

}  // namespace
}  // namespace unit_deferred
