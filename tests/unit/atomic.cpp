#include "strategies/atomic.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/recording_policy.hpp"

namespace unit_atomic {
namespace {

using namespace tally;
using namespace tally::strategies;

template <class H>
struct node {
  explicit node(std::uint64_t v = 0) : value(v), check(~v) {}
  ~node() { check = 0; }
  [[nodiscard]] bool intact() const { return check == ~value; }
  typename H::template slot<node> next;
  std::uint64_t value, check;
  void each_slot(auto&& f) { f(next); }
};
template <class H>
struct place {
  typename H::template shared_slot<node<H>> slot;
  typename H::template weak_slot<node<H>> weak;
  void each_slot(auto&& f) { f(slot), f(weak); }
};

template <class H>
class Atomic : public ::testing::Test {};
using heaps = ::testing::Types<atomic_heap<native>, atomic_heap<native, atomic_options{.order = count_order::seq_cst}>,
                               atomic_heap<native, atomic_options{.rmw = count_rmw::cas}>,
                               atomic_heap<native, atomic_options{.padding = count_padding::line}>,
                               atomic_heap<native, atomic_options{.unique = unique_path::on}>,
                               atomic_heap<native, atomic_options{.slot = slot_kind::epoch}>,
                               atomic_heap<native, atomic_options{.immortal = immortality::yes}>>;
TYPED_TEST_SUITE(Atomic, heaps);

TYPED_TEST(Atomic, TwoThreadsThatCopyAndDropLeaveTheCountAsItWas) {
  using H = TypeParam;
  H h(heap_config{});
  typename H::context c(h);
  auto r = make<node<H>>(c, {}, 1u);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      typename H::context mine(h);
      for (int i = 0; i < 50'000; ++i) {
        auto a = mine.copy(r);
        auto b = mine.copy(a);
        mine.drop(a);
        mine.drop(b);
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(h.live(), 1);
  EXPECT_TRUE(c.get(r).intact());
  c.drop(r);
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

TYPED_TEST(Atomic, OfTwoThreadsThatDropTheLastTwoRefsExactlyOneFrees) {
  using H = TypeParam;
  H h(heap_config{});
  constexpr int rounds = 2000;
  std::vector<std::array<typename H::template parcel<node<H>>, 2>> pairs;
  {
    typename H::context c(h);
    for (int i = 0; i < rounds; ++i) {
      auto r = make<node<H>>(c, {}, 5u);
      auto other = c.copy(r);
      pairs.push_back({c.pack(r), c.pack(other)});
    }
  }
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      typename H::context c(h);
      ++ready;
      while (ready < 2) std::this_thread::yield();
      for (auto& p : pairs) {
        EXPECT_TRUE(c.peek(p[t]).intact());
        c.drop(c.unpack(p[t]));
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

// The race that a uniqueness fast path could lose: the last owner goes while another thread upgrades a weak ref, takes a
// further weak ref, and lets go again.
TYPED_TEST(Atomic, AnUpgradeFindsAWholeObjectOrNoneWhileTheLastOwnerLeaves) {
  using H = TypeParam;
  H h(heap_config{});
  std::atomic<bool> broken{false};
  std::atomic<std::int64_t> found{0};
  for (int round = 0; round < 300; ++round) {
    typename H::context c(h);
    auto r = make<node<H>>(c, {}, 9u);
    auto w = c.downgrade(r);
    auto w2 = c.copy(w);
    std::atomic<int> ready{0};
    std::thread other([&] {
      typename H::context mine(h);
      ++ready;
      while (ready < 2) std::this_thread::yield();
      for (int i = 0; i < 50; ++i) {
        if (auto got = mine.upgrade(w)) {
          if (!mine.get(got).intact()) broken = true;
          ++found;
          auto again = mine.downgrade(got);
          mine.drop(got);
          mine.drop(again);
        }
      }
      mine.drop(w);
    });
    ++ready;
    while (ready < 2) std::this_thread::yield();
    for (int i = 0; i < round % 50; ++i) c.drop(c.copy(r));
    c.drop(r);
    c.drop(w2);
    other.join();
  }
  EXPECT_FALSE(broken);
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

TYPED_TEST(Atomic, AWeakSlotKeepsMemoryButNotTheObject) {
  using H = TypeParam;
  H h(heap_config{});
  {
    typename H::context c(h);
    auto p = make<place<H>>(c, {});
    auto r = make<node<H>>(c, {}, 4u);
    c.store(c.get(p).weak, c.downgrade(r));
    auto w = c.load(c.get(p).weak);
    auto up = c.upgrade(w);
    EXPECT_EQ(up, r);
    c.drop(up);
    c.drop(r);
    EXPECT_EQ(h.live(), 1);
    EXPECT_FALSE(static_cast<bool>(c.upgrade(w)));
    c.drop(w);
    c.drop(p);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

TYPED_TEST(Atomic, ASharedSlotUnderFireLosesNothing) {
  using H = TypeParam;
  H h(heap_config{});
  std::atomic<bool> broken{false};
  {
    typename H::context main(h);
    typename H::template root<place<H>> top(h);
    top.store(main, make<place<H>>(main, {}));
    main.store(top.get()->slot, make<node<H>>(main, {}, 1u));
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        typename H::context c(h);
        auto& slot = top.get()->slot;
        for (int i = 0; i < 20'000; ++i) {
          auto r = c.load(slot);
          if (!c.get(r).intact()) broken = true;
          if (i % 3 == 0) {
            auto fresh = make<node<H>>(c, {}, static_cast<std::uint64_t>(i));
            if (!c.compare_exchange(slot, r, fresh)) c.drop(fresh);
          } else if (i % 3 == 1) {
            c.store(slot, make<node<H>>(c, {}, static_cast<std::uint64_t>(i)));
          }
          c.drop(r);
          c.poll();
        }
      });
    }
    for (auto& t : threads) t.join();
    top.store(main, {});
  }
  EXPECT_FALSE(broken);
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

TEST(AtomicPadding, TheCountsShareNoLineWithTheWordOrThePayload) {
  using H = atomic_heap<native, atomic_options{.padding = count_padding::line}>;
  H h(heap_config{});
  typename H::context c(h);
  for (int i = 0; i < 64; ++i) {
    auto r = make<node<H>>(c, {.slots = 0, .bytes = static_cast<std::uint32_t>(16 * i)}, 1u);
    const auto line = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) / 64; };
    const H::header& header = *r.at;
    EXPECT_EQ(line(&header.count), line(&header.weak));
    EXPECT_NE(line(&header.count), line(reinterpret_cast<const std::byte*>(&header.word) + sizeof(header.word) - 1));
    EXPECT_NE(line(&header.count), line(&c.get(r)));
    c.drop(r);
  }
}

template <class H>
class AtomicImmortal : public ::testing::Test {};
using heaps_of_immortals = ::testing::Types<
    atomic_heap<native, atomic_options{.immortal = immortality::yes}>,
    atomic_heap<native, atomic_options{.order = count_order::seq_cst, .immortal = immortality::yes}>,
    atomic_heap<native, atomic_options{.unique = unique_path::on, .immortal = immortality::yes}>,
    atomic_heap<native, atomic_options{.slot = slot_kind::epoch, .immortal = immortality::yes}>,
    atomic_heap<native, atomic_options{.unique = unique_path::on, .slot = slot_kind::epoch, .immortal = immortality::yes}>,
    atomic_heap<native, atomic_options{.heap = object_source::block, .cycles = cycle_kind::stop, .immortal = immortality::yes}>>;
TYPED_TEST_SUITE(AtomicImmortal, heaps_of_immortals);

TYPED_TEST(AtomicImmortal, CopiesAndDropsTouchNothingAndAReleaseFrees) {
  using H = TypeParam;
  H h(heap_config{});
  {
    typename H::context c(h);
    auto r = make<node<H>>(c, {}, 3u);
    c.store(c.get(r).next, make<node<H>>(c, {}, 4u));
    auto before = c.downgrade(r);
    c.make_immortal(r);
    auto after = c.downgrade(r);
    const std::uint32_t count = r.at->count.load(std::memory_order_relaxed);
    for (int i = 0; i < 3; ++i) static_cast<void>(c.copy(r));
    EXPECT_EQ(c.upgrade(before), r);
    EXPECT_EQ(c.upgrade(after), r);
    for (int i = 0; i < 9; ++i) c.drop(r);
    EXPECT_EQ(r.at->count.load(std::memory_order_relaxed), count);
    EXPECT_EQ(c.count_of(*r.at), std::uint64_t{1} << 40);
    EXPECT_EQ(h.live(), 2);
    c.release_immortal(r);
    EXPECT_EQ(h.live(), 0) << "with what only it kept alive";
    EXPECT_FALSE(static_cast<bool>(c.upgrade(before)));
    EXPECT_FALSE(static_cast<bool>(c.upgrade(after)));
    c.drop(before);
    c.drop(after);
  }
  EXPECT_EQ(h.live_bytes(), 0);
}

TYPED_TEST(AtomicImmortal, GoThroughSharedSlotsLikeOthers) {
  using H = TypeParam;
  H h(heap_config{});
  {
    typename H::context c(h);
    auto p = make<place<H>>(c, {});
    auto r = make<node<H>>(c, {}, 3u), other = make<node<H>>(c, {}, 4u);
    c.make_immortal(r);
    c.store(c.get(p).slot, r);
    EXPECT_EQ(c.load(c.get(p).slot), r);
    EXPECT_TRUE(c.compare_exchange(c.get(p).slot, r, other));
    EXPECT_TRUE(c.get(r).intact());
    c.drop(p);
    c.quiesce();
    c.release_immortal(r);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

TYPED_TEST(AtomicImmortal, MortalsAreCountedAsEver) {
  using H = TypeParam;
  H h(heap_config{});
  typename H::context c(h);
  auto r = make<node<H>>(c, {}, 3u);
  c.drop(c.copy(r));
  EXPECT_EQ(c.count_of(*r.at), 1U);
  c.drop(r);
  EXPECT_EQ(h.live(), 0);
}

TEST(AtomicImmortals, AreHeldThroughCollections) {
  using H =
      atomic_heap<native, atomic_options{.heap = object_source::block, .cycles = cycle_kind::stop, .immortal = immortality::yes}>;
  H h(heap_config{});
  H::context c(h);
  auto immortal = make<node<H>>(c, {}, 1u), mortal = make<node<H>>(c, {}, 2u);
  c.store(c.get(immortal).next, c.copy(mortal));
  c.store(c.get(mortal).next, c.copy(immortal));
  c.make_immortal(immortal);
  c.drop(immortal);
  c.drop(mortal);
  EXPECT_EQ(c.collect(H::collector::oldest), 0U);
  EXPECT_EQ(h.live(), 2);
  c.release_immortal(immortal);
  EXPECT_EQ(h.live(), 0);
}

TEST(AtomicImmortals, AreReadOnceByEachOperationAndNotWritten) {
  using H = atomic_heap<recording, atomic_options{.immortal = immortality::yes}>;
  using access_map = std::map<std::string, access_counts, std::less<>>;
  H h(heap_config{});
  H::context c(h);
  auto mortal = make<node<H>>(c, {}, 1u), immortal = make<node<H>>(c, {}, 2u);
  c.make_immortal(immortal);
  recording::clear();
  const auto copy = c.copy(immortal);
  c.drop(copy);
  EXPECT_EQ(recording::seen, (access_map{{"count", {.loads = 2}}}));
  recording::clear();
  c.drop(c.copy(mortal));
  EXPECT_EQ(recording::seen, (access_map{{"count", {.loads = 2, .rmws = 2}}}));
  c.drop(mortal);
  c.release_immortal(immortal);
}

}  // namespace
}  // namespace unit_atomic
