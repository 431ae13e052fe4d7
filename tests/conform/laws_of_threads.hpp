// The laws of threads: objects outlive them, blocked regions pass, and counts from all of them are exact.
#pragma once

#include "tests/conform/laws_suite.hpp"

namespace tally::conform {

TYPED_TEST_P(Laws, ObjectsOutliveTheThreadThatMadeThem) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  auto heap = make_heap<H>();
  typename H::template root<node<H>> kept(*heap);
  with_context(*heap, [&](auto& c) {
    auto top = make<node<H>>(c, {}, 1u);
    c.store(c.get(top).left, make<node<H>>(c, {}, 2u));
    kept.store(c, top);
  });
  EXPECT_TRUE(holds(*heap, 2));
  with_context(*heap, [&](auto& c) {
    auto top = kept.load(c);
    EXPECT_TRUE(c.get(top).intact(1));
    auto two = c.load(c.get(top).left);
    c.drop(top);
    kept.store(c, {});
    c.quiesce();
    EXPECT_TRUE(c.get(two).intact(2));
    kept.store(c, two);
  });
  EXPECT_TRUE(holds(*heap, 1));
  with_context(*heap, [&](auto& c) { kept.store(c, {}); });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, ARefSurvivesABlockedRegionAndPollsAroundIt) {
  using H = TypeParam;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    auto a = make<node<H>>(c, {}, 5u);
    bool ran = false;
    c.blocked([&] { ran = true; });
    EXPECT_TRUE(ran);
    for (int i = 0; i < 10; ++i) c.poll();
    if constexpr (collects_cycles<H>) c.collect();
    EXPECT_TRUE(c.get(a).intact(5));
    c.drop(a);
  });
  EXPECT_TRUE(holds(*heap, 0));
}

TYPED_TEST_P(Laws, ManyThreadsCountOneObjectExactly) {
  using H = TypeParam;
  if (unique_ownership<H>) GTEST_SKIP() << one_owner;
  if constexpr (single_threaded<H>) {
    GTEST_SKIP() << "not thread-safe";
  } else {
    auto heap = make_heap<H>();
    typename H::template root<node<H>> kept(*heap);
    with_context(*heap, [&](auto& c) { kept.store(c, make<node<H>>(c, {}, 77u)); });
    std::vector<law_thread<H>> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        typename H::context c(*heap);
        auto mine = kept.load(c);
        for (int i = 0; i < 20'000; ++i) {
          auto r = c.copy(mine);
          keep(r);
          ASSERT_TRUE(c.get(r).intact(77));
          c.drop(r);
          c.poll();
        }
        c.drop(mine);
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_TRUE(holds(*heap, 1));
    with_context(*heap, [&](auto& c) { kept.store(c, {}); });
    EXPECT_TRUE(holds(*heap, 0));
  }
}

TYPED_TEST_P(Laws, TheLastDropMayComeFromAnyThread) {
  using H = TypeParam;
  if constexpr (single_threaded<H>) {
    GTEST_SKIP() << "not thread-safe";
  } else {
    auto heap = make_heap<H>();
    using memory = typename H::memory;
    typename memory::template channel<typename H::template parcel<node<H>>> pipe(64);
    constexpr std::uint64_t n = 20'000;
    law_thread<H> producer([&] {
      typename H::context c(*heap);
      for (std::uint64_t i = 0; i < n; ++i) {
        auto r = make<node<H>>(c, {}, i);
        if (i % 3 == 0) c.store(c.get(r).left, make<node<H>>(c, {}, i + 1));
        const auto p = c.pack(r);
        if (!pipe.try_push(p)) c.blocked([&] { memory::wait_until([&] { return pipe.try_push(p); }); });
        c.poll();
      }
    });
    law_thread<H> consumer([&] {
      typename H::context c(*heap);
      for (std::uint64_t i = 0; i < n; ++i) {
        typename H::template parcel<node<H>> p{};
        if (!pipe.try_pop(p)) c.blocked([&] { memory::wait_until([&] { return pipe.try_pop(p); }); });
        auto r = c.unpack(p);
        ASSERT_TRUE(c.get(r).intact(i));
        if (i % 3 == 0) {
          ASSERT_TRUE(c.peek(c.get(r).left)->intact(i + 1));
        }
        c.drop(r);
        c.poll();
      }
    });
    producer.join();
    consumer.join();
    EXPECT_TRUE(holds(*heap, 0));
  }
}

}  // namespace tally::conform
