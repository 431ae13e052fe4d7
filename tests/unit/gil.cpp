#include "strategies/gil.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/recording_policy.hpp"

namespace unit_gil {
namespace {

using namespace tally;
using heap = strategies::gil_heap<native>;
using context = heap::context;

struct node {
  heap::slot<node> next;
  heap::shared_slot<node> place;
  void each_slot(auto&& f) { f(next), f(place); }
};

struct config_with_interval {
  explicit config_with_interval(double us) : value{"interval_us", us} { config.tunables = &value, config.tunable_count = 1; }
  std::pair<std::string_view, double> value;
  heap_config config;
};

TEST(Gil, OneThreadAtATimeIsInsideWhateverTheInterval) {
  const config_with_interval c(20);
  heap h(c.config);
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  std::uint64_t plain = 0;  // written by all, protected by the lock alone
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      context mine(h);
      for (int i = 0; i < 20'000; ++i) {
        if (inside.fetch_add(1) != 0) overlapped = true;
        ++plain;
        inside.fetch_sub(1);
        if (i % 1000 == 0) mine.blocked([] { std::this_thread::yield(); });
        mine.poll();
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_FALSE(overlapped);
  EXPECT_EQ(plain, 60'000u);
}

TEST(Gil, AHolderThatPollsHandsOverToAWaiterAndGetsItBack) {
  const config_with_interval c(100);
  heap h(c.config);
  context holder(h);
  std::atomic<bool> ran{false}, leave{false};
  std::thread waiter([&] {
    context mine(h);
    ran = true;
    while (!leave) mine.poll();  // does not go until it has been asked to
  });
  while (!h.gil().requested()) std::this_thread::yield();
  EXPECT_FALSE(ran);  // asked, but not polled: nothing happens
  const auto before = h.gil().switches();
  leave = true;
  holder.poll();  // the request is there: one poll is enough, and it returns with the lock held again
  EXPECT_TRUE(ran);
  EXPECT_GE(h.gil().switches(), before + 2);
  holder.blocked([&] { waiter.join(); });
}

// One thread plays all: a wait is one call of what the others do meanwhile. It returns whether the wait ends, or times out.
struct played : native {
  static inline std::function<bool()> meanwhile;
  struct mutex {
    bool try_lock() { return !std::exchange(held, true); }
    void unlock() { held = false; }
    bool held = false;
  };
  template <class Predicate>
  static bool wait_until(Predicate&& done, std::uint64_t = 0) {
    return std::exchange(meanwhile, nullptr)() && done();
  }
};
using lock_of_played = strategies::interpreter_lock<played>;

TEST(GilTurns, WhoLetsGoOnRequestWaitsUntilSomebodyElseHasTheLock) {
  lock_of_played lock(100);
  lock.take(1);
  bool waited = false;
  const auto lets_go = [&] {
    played::meanwhile = [&] { return waited = true; };
    lock.drop(1);
    return true;
  };
  played::meanwhile = [&] {
    played::meanwhile = lets_go;
    return false;  // the interval is over
  };
  lock.take(2);
  EXPECT_TRUE(waited);
  EXPECT_FALSE(lock.requested());
}

TEST(GilTurns, WhoHasWaitedForTheIntervalAsksOnlyAHolderThatHadTheLockAllTheTime) {
  lock_of_played lock(100);
  lock.take(1);
  played::meanwhile = [&] {
    lock.drop(1);
    lock.take(3);
    played::meanwhile = [&] {
      EXPECT_FALSE(lock.requested());
      lock.drop(3);
      return true;
    };
    return false;
  };
  lock.take(2);
  EXPECT_EQ(lock.switches(), 3u);
}

TEST(Gil, TheRequestComesAfterTheIntervalAndNotBefore) {
  const config_with_interval c(30'000);
  heap h(c.config);
  context holder(h);
  std::atomic<std::uint64_t> began{0};
  std::thread waiter([&] {
    began = native::now();
    context mine(h);
  });
  while (!h.gil().requested()) std::this_thread::yield();
  EXPECT_GE(native::now() - began.load(), 30'000'000u);
  holder.blocked([&] { waiter.join(); });
}

TEST(Gil, ABlockedOrDetachedThreadDoesNotHoldTheLock) {
  heap h(heap_config{});
  {
    context main(h);
    main.blocked([&] {
      std::thread([&] {
        context mine(h);
        mine.drop(make<node>(mine, {}));
      }).join();  // would never end if main held the lock
    });
  }
  std::thread([&] { context mine(h); }).join();
  EXPECT_EQ(h.live(), 0);
}

TEST(Gil, AnExceptionInABlockedRegionTakesTheLockBack) {
  heap h(heap_config{});
  context c(h);
  EXPECT_THROW(c.blocked([] { throw 1; }), int);
  std::atomic<bool> ran{false};
  std::thread waiter([&] {
    context mine(h);
    ran = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(ran);
  c.blocked([&] { waiter.join(); });
  EXPECT_TRUE(ran);
}

TEST(Gil, PlainCountsAndSlotsAreExactUnderSwitching) {
  const config_with_interval config(50);
  heap h(config.config);
  {
    context main(h);
    heap::root<node> root(h);
    root.store(main, make<node>(main, {}));
    main.store(root.get()->place, make<node>(main, {}));
    main.blocked([&] {
      std::vector<std::thread> threads;
      for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&] {
          context c(h);
          for (int i = 0; i < 50'000; ++i) {
            auto r = c.load(root.get()->place);
            auto w = c.downgrade(r);
            if (i % 4 == 0) c.store(root.get()->place, make<node>(c, {}));
            c.poll();
            if (auto again = c.upgrade(w)) c.drop(again);
            c.drop(w);
            c.drop(r);
          }
        });
      }
      for (auto& t : threads) t.join();
    });
    EXPECT_EQ(h.live(), 2);
    root.store(main, {});
  }
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

// Every option that says how counts are changed, with every collector.
template <strategies::gil_options O>
struct option {
  static constexpr strategies::gil_options value = O;
};
using strategies::gil_counts;
using strategies::gil_options;
using strategies::immortality;
using immortal_options = ::testing::Types<option<gil_options{.immortal = immortality::yes}>,
                                          option<gil_options{.counts = gil_counts::atomic, .immortal = immortality::yes}>,
                                          option<gil_options{.cycles = cycle_kind::generational, .immortal = immortality::yes}>,
                                          option<gil_options{.cycles = cycle_kind::trial, .immortal = immortality::yes}>,
                                          option<gil_options{.heap = object_source::block, .immortal = immortality::yes}>>;
template <class Option>
class GilImmortal : public ::testing::Test {};
TYPED_TEST_SUITE(GilImmortal, immortal_options);

template <class H>
struct thing {
  typename H::template slot<thing> next;
  typename H::template weak_slot<thing> back;
  void each_slot(auto&& f) { f(next), f(back); }
};

TYPED_TEST(GilImmortal, CopiesAndDropsTouchNothingAndAReleaseFrees) {
  using H = strategies::gil_heap<native, TypeParam::value>;
  H h(heap_config{});
  {
    typename H::context c(h);
    auto r = make<thing<H>>(c, {});
    c.store(c.get(r).next, make<thing<H>>(c, {}));
    const auto w = c.downgrade(r);
    c.make_immortal(r);
    EXPECT_EQ(r.at->count.load(), 0xFFFFFFFFU) << "CPython 3.12's";
    for (int i = 0; i < 3; ++i) static_cast<void>(c.copy(r));
    EXPECT_EQ(c.upgrade(w), r);
    for (int i = 0; i < 9; ++i) c.drop(r);
    EXPECT_EQ(r.at->count.load(), 0xFFFFFFFFU);
    EXPECT_EQ(c.count_of(*r.at), std::uint64_t{1} << 40);
    EXPECT_EQ(h.live(), 2);
    c.release_immortal(r);
    EXPECT_EQ(h.live(), 0) << "with what only it kept alive";
    EXPECT_FALSE(c.upgrade(w));
    c.drop(w);
  }
  EXPECT_EQ(h.live_bytes(), 0);
}

// The two tests that CPython makes are not the same: what comes to 2^31 is never dropped again, and counted up until it can't be.
TYPED_TEST(GilImmortal, ACountThatReachesTheHighestBitIsNeverCountedDown) {
  using H = strategies::gil_heap<native, TypeParam::value>;
  H h(heap_config{});
  typename H::context c(h);
  auto r = make<thing<H>>(c, {});
  auto& count = r.at->count;
  count.store(0x7FFFFFFF);
  EXPECT_EQ(c.count_of(*r.at), 0x7FFFFFFFU);
  c.drop(r);
  EXPECT_EQ(count.load(), 0x7FFFFFFEU);
  static_cast<void>(c.copy(r)), static_cast<void>(c.copy(r));
  EXPECT_EQ(count.load(), 0x80000000U);
  c.drop(r);
  EXPECT_EQ(count.load(), 0x80000000U);
  EXPECT_EQ(c.count_of(*r.at), std::uint64_t{1} << 40);
  count.store(0xFFFFFFFE);
  static_cast<void>(c.copy(r)), static_cast<void>(c.copy(r));
  EXPECT_EQ(count.load(), 0xFFFFFFFFU);
  c.release_immortal(r);
  EXPECT_EQ(h.live(), 0);
}

TYPED_TEST(GilImmortal, MortalsAreCountedAsEver) {
  using H = strategies::gil_heap<native, TypeParam::value>;
  H h(heap_config{});
  typename H::context c(h);
  auto r = make<thing<H>>(c, {});
  c.drop(c.copy(r));
  EXPECT_EQ(r.at->count.load(), 1U);
  c.drop(r);
  EXPECT_EQ(h.live(), 0);
}

// What an immortal object and a mortal one hold of each other is no garbage while the first lives, and garbage when it is released.
TEST(GilImmortals, AreHeldThroughCollections) {
  using H = strategies::gil_heap<native, gil_options{.cycles = cycle_kind::generational, .immortal = immortality::yes}>;
  H h(heap_config{});
  typename H::context c(h);
  auto immortal = make<thing<H>>(c, {}), mortal = make<thing<H>>(c, {});
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

using access_map = std::map<std::string, access_counts, std::less<>>;
template <gil_options O>
access_map accesses_of_a_copy_and_a_drop(bool immortal) {
  using H = strategies::gil_heap<recording, O>;
  H h(heap_config{});
  typename H::context c(h);
  auto r = make<thing<H>>(c, {});
  if constexpr (has_immortal<H>) {
    if (immortal) c.make_immortal(r);
  }
  recording::clear();
  const auto copy = c.copy(r);
  c.drop(copy);
  access_map seen = recording::seen;
  if constexpr (has_immortal<H>) {
    if (immortal) c.release_immortal(r);
  }
  if (!immortal) c.drop(r);
  return seen;
}
TEST(GilAccesses, AreOneRmwEachWithAtomicCountsAndNoWriteOfAnImmortal) {
  constexpr gil_options plain{}, atomic{.counts = gil_counts::atomic}, looks{.immortal = immortality::yes},
      both{.counts = gil_counts::atomic, .immortal = immortality::yes};
  EXPECT_EQ(accesses_of_a_copy_and_a_drop<plain>(false), (access_map{{"count", {.loads = 2, .stores = 2}}}));
  EXPECT_EQ(accesses_of_a_copy_and_a_drop<atomic>(false), (access_map{{"count", {.rmws = 2}}}));
  EXPECT_EQ(accesses_of_a_copy_and_a_drop<looks>(false), (access_map{{"count", {.loads = 2, .stores = 2}}}));
  EXPECT_EQ(accesses_of_a_copy_and_a_drop<looks>(true), (access_map{{"count", {.loads = 2}}}));
  EXPECT_EQ(accesses_of_a_copy_and_a_drop<both>(false), (access_map{{"count", {.loads = 2, .rmws = 2}}}));
  EXPECT_EQ(accesses_of_a_copy_and_a_drop<both>(true), (access_map{{"count", {.loads = 2}}}));
}

TEST(GilAccesses, AWeakRefCostsAnRmwWithAtomicCountsToo) {
  using H = strategies::gil_heap<recording, gil_options{.counts = gil_counts::atomic}>;
  H h(heap_config{});
  H::context c(h);
  auto r = make<thing<H>>(c, {});
  recording::clear();
  const auto w = c.downgrade(r);
  c.drop(w);
  EXPECT_EQ(recording::seen["weak"], (access_counts{.loads = 1, .rmws = 2}));
  c.drop(r);
}

}  // namespace
}  // namespace unit_gil
