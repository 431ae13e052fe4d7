// Boehm's collector behind the contract: what the strategy adds to the library. The heaps share one collector, so the tests do
// not depend on each other's order but on each other's leaving nothing behind.
#include "strategies/bdwgc.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/conform/support.hpp"

namespace {

using tally::make;
using tally::native;
using heap = tally::strategies::bdwgc_heap<native>;
using node = tally::conform::node<heap>;
using tally::conform::with_context;

struct numbers {
  std::uint64_t first = 0;
  void each_slot(auto&&) {}
};

tally::heap_config config(std::size_t limit) {
  tally::heap_config c;
  c.limit_bytes = limit;
  return c;
}

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
  EXPECT_GE(one.live_bytes(), static_cast<std::int64_t>(2 * (sizeof(heap::header) + sizeof(node))));
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
}

}  // namespace
