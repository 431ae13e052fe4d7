// The lock helper of workloads: free locks cost no blocked region, taken ones are waited for in one.
#include "harness/contract/guarded.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

namespace unit_guarded {
namespace {

struct counting_blocks {
  int regions = 0;
  template <class F>
  void blocked(F&& f) {
    ++regions;
    f();
  }
};

TEST(guarded, a_free_lock_is_taken_without_a_blocked_region) {
  counting_blocks c;
  std::mutex m;
  {
    const auto hold = tally::lock_in(c, m);
    std::thread([&] { EXPECT_FALSE(m.try_lock()); }).join();
  }
  EXPECT_EQ(c.regions, 0);
}

// A stand-in for a lock that somebody else holds: the first try fails, as if its holder let go a moment later.
struct taken_once {
  int tries = 0, locks = 0, unlocks = 0;
  bool try_lock() { return ++tries > 1; }
  void lock() { ++locks; }
  void unlock() { ++unlocks; }
};

TEST(guarded, a_taken_lock_is_waited_for_in_a_blocked_region_and_released_once) {
  counting_blocks c;
  taken_once m;
  {
    const auto hold = tally::lock_in(c, m);
    EXPECT_EQ(m.unlocks, 0);
  }
  EXPECT_EQ(c.regions, 1);
  EXPECT_EQ(m.locks, 1);
  EXPECT_EQ(m.unlocks, 1);
}

TEST(guarded, it_excludes) {
  std::mutex m;
  long sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      counting_blocks c;
      for (int i = 0; i < 20'000; ++i) {
        const auto hold = tally::lock_in(c, m);
        ++sum;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(sum, 60'000);
}

}  // namespace
}  // namespace unit_guarded
