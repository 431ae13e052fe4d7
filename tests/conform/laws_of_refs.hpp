// The laws of refs: what they keep alive, what a store does with one, and what carries one through memory.
#pragma once

#include "tests/conform/laws_suite.hpp"

namespace tally::conform {

TYPED_TEST_P(Laws, ANewObjectLivesUntilItsOnlyRefIsDropped) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  typename H::template root<node<H>> kept(*heap);
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 7u);
    EXPECT_TRUE(c.get(a).intact(7));
    kept.store(c, a);
  });
  EXPECT_TRUE(holds(*heap, 1));
  with_context(*heap, [&](auto& c) { kept.store(c, {}); });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, EveryCopyKeepsTheObjectAliveAndIsDroppedOnItsOwn) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 1u);
    auto b = c.copy(a), d = c.copy(b);
    EXPECT_EQ(&c.get(a), &c.get(d));
    c.drop(a);
    c.poll();
    EXPECT_TRUE(c.get(b).intact(1));
    c.drop(d);
    c.quiesce();
    EXPECT_TRUE(c.get(b).intact(1));
    c.drop(b);
  });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, MemoryIsZeroedAndTrailingSlotsStartEmpty) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    for (int round = 0; round < 50; ++round) {  // the second and later rounds meet memory that was used before
      auto a = make<node<H>>(c, {.slots = 5, .bytes = 40}, 9u, 5u);
      auto* more = c.trailing_slots(c.get(a));
      for (int i = 0; i < 5; ++i) ASSERT_EQ(c.peek(more[i]), nullptr);
      const auto* extra = reinterpret_cast<const unsigned char*>(more + 5);
      for (int i = 0; i < 40; ++i) ASSERT_EQ(extra[i], 0);
      for (int i = 0; i < 5; ++i) c.store(more[i], make<node<H>>(c, {}, static_cast<std::uint64_t>(i)));
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(c.peek(more[i])->intact(static_cast<std::uint64_t>(i)));
      __builtin_memset(const_cast<unsigned char*>(extra), 0xee, 40);
      c.drop(a);
      c.poll();
    }
  });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, AStoreConsumesItsRefAndDropsTheOldValue) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  typename H::template root<node<H>> kept(*heap);
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 1u);
    c.store(c.get(a).left, make<node<H>>(c, {}, 2u));
    c.store(c.get(a).left, make<node<H>>(c, {}, 3u));  // 2 dies
    EXPECT_TRUE(c.peek(c.get(a).left)->intact(3));
    auto three = c.load(c.get(a).left);
    c.store(c.get(a).left, {});
    EXPECT_EQ(c.peek(c.get(a).left), nullptr);
    EXPECT_TRUE(c.get(three).intact(3));
    c.store(c.get(a).right, three);
    auto taken = c.take(c.get(a).right);
    EXPECT_EQ(c.peek(c.get(a).right), nullptr);
    EXPECT_TRUE(c.get(taken).intact(3));
    EXPECT_FALSE(c.load(c.get(a).right));
    c.drop(taken);
    kept.store(c, a);
  });
  EXPECT_TRUE(holds(*heap, 1));
  with_context(*heap, [&](auto& c) { kept.store(c, {}); });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, ParcelsCarryARefThroughMemoryThatNobodyScans) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  std::vector<typename H::template parcel<node<H>>> box;
  with_context(*heap, [&](auto& c) {
    for (std::uint64_t i = 0; i < 1000; ++i) box.push_back(c.pack(make<node<H>>(c, {}, i)));
  });
  EXPECT_TRUE(holds(*heap, 1000));
  with_context(*heap, [&](auto& c) {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      ASSERT_TRUE(c.peek(box[i]).intact(i));
      auto r = c.unpack(box[i]);
      ASSERT_TRUE(c.get(r).intact(i));
      if (i % 2 == 0) {
        c.drop(r);
      } else {
        box[i] = c.pack(r);
      }
      c.poll();
    }
  });
  EXPECT_TRUE(holds(*heap, 500));
  with_context(*heap, [&](auto& c) {
    for (std::uint64_t i = 1; i < 1000; i += 2) c.drop(c.unpack(box[i]));
  });
  EXPECT_TRUE(holds(*heap, 0));
}

}  // namespace tally::conform
