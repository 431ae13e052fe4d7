// Stopping the world: who runs when, with real threads.
#include "harness/heap/world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "harness/memory/native.hpp"

namespace unit_world {
namespace {

using tally::native;
using world = tally::world<native>;
using mutator = world::mutator;

void safepoint(mutator& m) {
  if (m.asked()) m.attend();
}

TEST(World, NobodyElseRunsInsideAStop) {
  world w;
  constexpr int threads = 4, rounds = 300;
  int plain = 0;  // only ever touched with the world stopped, so it needs no lock; TSan checks that
  std::atomic<int> stopped_now{0}, overlaps{0};
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      mutator m(w);
      for (int i = 0; i < rounds; ++i) {
        safepoint(m);
        if (i % threads == t) {
          w.stop(m, [&] {
            if (stopped_now.fetch_add(1) != 0) overlaps.fetch_add(1);
            ++plain;
            stopped_now.fetch_sub(1);
          });
        }
        if (i % 16 == 0) m.blocked([] { std::this_thread::yield(); });
      }
    });
  }
  for (auto& t : pool) t.join();
  EXPECT_EQ(plain, rounds);
  EXPECT_EQ(overlaps.load(), 0);
}

TEST(World, AStopSeesWhatEveryRunningThreadDidAndTheySeeWhatTheStopDid) {
  world w;
  constexpr int threads = 3;
  int counters[threads * 16] = {};  // plain: each written by its thread while it runs and by a stopper while it does not
  std::atomic<bool> end{false};
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      mutator m(w);
      int& mine = counters[t * 16];
      while (!end.load(std::memory_order_relaxed)) {
        const int before = ++mine;
        EXPECT_EQ(mine, before);
        safepoint(m);
      }
    });
  }
  {
    mutator m(w);
    for (int i = 0; i < 200; ++i) {
      w.stop(m, [&] {
        for (int t = 0; t < threads; ++t) counters[t * 16] = 0;
      });
    }
    end = true;
    m.blocked([&] {
      for (auto& t : pool) t.join();
    });
  }
}

TEST(World, ABlockedThreadIsNotWaitedForAndDoesNotLeaveItsRegionDuringAStop) {
  world w;
  std::atomic<bool> inside{false}, go{false}, left{false};
  std::thread other([&] {
    mutator m(w);
    m.blocked([&] {
      inside = true;
      native::wait_until([&] { return go.load(); });
    });
    left = true;
  });
  {
    mutator m(w);
    native::wait_until([&] { return inside.load(); });
    w.stop(m, [&] {  // would never begin if the blocked thread had to poll
      go = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_FALSE(left.load());
    });
    m.blocked([&] { other.join(); });
  }
  EXPECT_TRUE(left.load());
}

TEST(World, AttachingDuringAStopWaitsForItsEnd) {
  world w;
  std::atomic<bool> attached{false};
  std::thread late;
  {
    mutator m(w);
    w.stop(m, [&] {
      EXPECT_EQ(w.mutators(), 1u);
      late = std::thread([&] {
        mutator other(w);
        attached = true;
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_FALSE(attached.load());
      EXPECT_EQ(w.mutators(), 1u);
    });
    m.blocked([&] { late.join(); });
    w.stop(m, [&] { EXPECT_EQ(w.mutators(), 1u); });
  }
  EXPECT_TRUE(attached.load());
}

TEST(World, AnExceptionInABlockedRegionOrAStopLeavesTheWorldRunning) {
  world w;
  mutator m(w);
  EXPECT_THROW(m.blocked([] { throw std::runtime_error("in the region"); }), std::runtime_error);
  EXPECT_THROW(w.stop(m, [] { throw std::runtime_error("in the stop"); }), std::runtime_error);
  int ran = 0;
  w.stop(m, [&] { ++ran; });
  EXPECT_EQ(ran, 1);
}

TEST(World, AMutatorsOwnRequestIsMetOnceAtItsNextSafepoint) {
  world w;
  mutator m(w);
  EXPECT_FALSE(m.asked());
  m.ask();
  EXPECT_TRUE(m.asked());
  EXPECT_TRUE(m.attend());
  EXPECT_FALSE(m.asked());
  EXPECT_FALSE(m.attend());
}

TEST(World, RegisteredPlacesAreFoundUntilTheyAreRemovedOrEmptied) {
  world w;
  int objects[3];
  tally::root_place<native> places[3];
  for (int i = 0; i < 3; ++i) {
    places[i].object.store(&objects[i]);
    w.add(places[i]);
  }
  const auto found = [&] {
    unsigned times = 0;  // a digit for each
    w.for_each_root([&](void* p) { times += 1U << 4 * (static_cast<int*>(p) - objects); });
    return times;
  };
  EXPECT_EQ(found(), 0x111u);
  w.remove(places[0]);
  EXPECT_EQ(found(), 0x110u);
  places[2].object.store(nullptr);
  EXPECT_EQ(found(), 0x010u);
  w.remove(places[2]);
  EXPECT_EQ(found(), 0x010u);
  w.remove(places[1]);
  EXPECT_EQ(found(), 0u);
}

}  // namespace
}  // namespace unit_world
