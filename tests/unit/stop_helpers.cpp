// Threads that a stop finds at safepoints work with the stopper: each call is made once by each of them, a barrier holds them
// together, and those who do not come are not waited for.
#include "harness/heap/stop_helpers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "harness/heap/world.hpp"
#include "harness/memory/native.hpp"

namespace unit_stop_helpers {
namespace {

using tally::native;
using world = tally::world<native>;

// One lane stops the world `stops` times, the others only poll: all of them come to the first stop, and who is still on its way
// out of a stop does not come to the next. `work(helpers, size)` is in each stop.
template <class F>
void stop_often(int lanes, int stops, F&& work) {
  world w;
  std::atomic<int> ready{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int t = 1; t < lanes; ++t) {
    threads.emplace_back([&] {
      world::mutator m(w);
      ++ready;
      while (!over) {
        if (m.asked()) m.attend();
      }
    });
  }
  while (ready != lanes - 1) std::this_thread::yield();
  world::mutator m(w);
  for (int i = 0; i < stops; ++i) {
    w.stop(m, [&] {
      auto& helpers = w.helpers();
      std::size_t size = 0;
      do {  // who has come is let go again until all have
        helpers.recruit(static_cast<std::size_t>(lanes));
        for (int spin = 0; spin < 200; ++spin) native::pause();
        std::this_thread::yield();
        size = helpers.muster().size() + 1;
      } while (i == 0 && size != static_cast<std::size_t>(lanes));
      work(helpers, size);
    });
  }
  over = true;
  for (auto& t : threads) t.join();
}

TEST(StopHelpers, EachMemberMakesEachCallOnceAndNobodyElseDoes) {
  stop_often(3, 300, [&](auto& helpers, std::size_t size) {
    std::vector<std::atomic<int>> calls(size);
    for (int round = 1; round <= 5; ++round) {
      helpers.work([&](std::size_t number) {
        ASSERT_LT(number, size);
        ++calls[number];
      });
      for (auto& c : calls) ASSERT_EQ(c, round);
    }
  });
}

TEST(StopHelpers, NobodyPassesABarrierBeforeAllHaveCome) {
  stop_often(3, 100, [&](auto& helpers, std::size_t size) {
    std::vector<std::uint64_t> written(size, 0);  // plain words: a barrier publishes them
    helpers.work([&](std::size_t number) {
      for (std::uint64_t round = 1; round <= 20; ++round) {
        written[number] = round;
        helpers.barrier();
        for (const std::uint64_t n : written) ASSERT_EQ(n, round);
        helpers.barrier();
      }
    });
  });
}

TEST(StopHelpers, AThreadInABlockedRegionIsNotWaitedForAndNoMoreComeThanAreWanted) {
  world w;
  std::atomic<int> blocked{0};
  std::atomic<bool> over{false};
  std::thread away([&] {
    world::mutator m(w);
    m.blocked([&] {
      ++blocked;
      while (!over) std::this_thread::yield();
    });
  });
  while (blocked == 0) std::this_thread::yield();
  world::mutator m(w);
  for (int i = 0; i < 20; ++i) {
    w.stop(m, [&] {
      w.helpers().recruit(0);
      EXPECT_EQ(w.helpers().muster().size(), 0U);
      w.helpers().recruit(5);
      EXPECT_EQ(w.helpers().muster().size(), 0U);
      int calls = 0;
      w.helpers().work([&](std::size_t number) { calls += number == 0 ? 1 : 100; });
      EXPECT_EQ(calls, 1);
      w.helpers().barrier();
    });
  }
  over = true;
  away.join();
}

}  // namespace
}  // namespace unit_stop_helpers
