// Textbook locks on the virtual multicore: how their traffic grows with the number of those who want them.
#include <gtest/gtest.h>

#include <type_traits>

#include "tests/sim/program.hpp"

namespace tally::sim::sim_locks {
namespace {

// Everybody takes the lock `rounds` times; invalidations for one acquisition.
template <class Lock>
double invalidations_an_acquisition(int cores, int rounds, std::uint64_t held = 3000) {
  test_program p(cores);
  p.run([&](multicore& m) {
    auto* lock = new Lock(cores);
    auto* inside = new atomic<simulated, int, "inside">(0);
    for (int i = 0; i < cores; ++i) {
      m.spawn(i, [=, &m] {
        typename Lock::place mine(*lock);
        for (int r = 0; r < rounds; ++r) {
          lock->acquire(mine);
          if (inside->fetch_add(1, std::memory_order_relaxed) != 0) m.fail("two holders");
          m.work(held);  // long enough that all others are waiting
          inside->store(0, std::memory_order_relaxed);
          lock->release(mine);
          m.work(3000);  // the next one's turn
        }
      });
    }
    m.join();
  });
  EXPECT_EQ(p.failure(), "");
  return static_cast<double>(p.field("lock").invalidations) / (static_cast<double>(cores) * rounds);
}

struct test_and_set {
  explicit test_and_set(int) {}
  struct place {
    explicit place(test_and_set&) {}
  };
  atomic<simulated, std::uint32_t, "lock"> word;
  void acquire(place&) {
    simulated::wait_until([&] { return word.exchange(1, std::memory_order_acquire) == 0; });
  }
  void release(place&) { word.store(0, std::memory_order_release); }
};

struct test_and_test_and_set : test_and_set {
  explicit test_and_test_and_set(int n) : test_and_set(n) {}
  struct place {
    explicit place(test_and_test_and_set&) {}
  };
  void acquire(place&) {
    simulated::wait_until(
        [&] { return word.load(std::memory_order_relaxed) == 0 && word.exchange(1, std::memory_order_acquire) == 0; });
  }
  void release(place&) { word.store(0, std::memory_order_release); }
};

struct ticket {
  explicit ticket(int) {}
  struct place {
    explicit place(ticket&) {}
  };
  alignas(64) atomic<simulated, std::uint32_t, "tickets"> next;
  alignas(64) atomic<simulated, std::uint32_t, "lock"> serving;
  void acquire(place&) {
    const std::uint32_t mine = next.fetch_add(1, std::memory_order_relaxed);
    simulated::wait_until([&] { return serving.load(std::memory_order_acquire) == mine; });
  }
  void release(place&) { serving.store(serving.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
};

struct mcs {
  explicit mcs(int) {}
  struct alignas(64) node {
    atomic<simulated, node*, "lock"> next;
    alignas(64) atomic<simulated, std::uint32_t, "lock"> waits;
  };
  struct place {
    explicit place(mcs&) : at(new node) {}
    node* at;
  };
  alignas(64) atomic<simulated, node*, "lock"> tail;
  void acquire(place& p) {
    p.at->next.store(nullptr, std::memory_order_relaxed);
    p.at->waits.store(1, std::memory_order_relaxed);
    if (node* before = tail.exchange(p.at, std::memory_order_acq_rel)) {
      before->next.store(p.at, std::memory_order_release);
      simulated::wait_until([&] { return p.at->waits.load(std::memory_order_acquire) == 0; });
    }
  }
  void release(place& p) {
    node* me = p.at;
    if (tail.compare_exchange_strong(me, nullptr, std::memory_order_release, std::memory_order_relaxed)) return;
    simulated::wait_until([&] { return p.at->next.load(std::memory_order_acquire) != nullptr; });
    p.at->next.load(std::memory_order_relaxed)->waits.store(0, std::memory_order_release);
  }
};

TEST(Locks, ATicketLocksHandOverInvalidatesEveryWaiter) {
  for (const int cores : {4, 8, 16, 32}) {
    EXPECT_NEAR(invalidations_an_acquisition<ticket>(cores, 20), cores - 1, 0.25 * cores) << cores;
  }
}

TEST(Locks, AnMcsLocksHandOverCostsTheSameForAnyNumberOfWaiters) {
  const double few = invalidations_an_acquisition<mcs>(4, 20);
  for (const int cores : {8, 16, 32, 64}) {
    const double many = invalidations_an_acquisition<mcs>(cores, 20);
    EXPECT_LE(many, 6) << cores;
    EXPECT_NEAR(many, few, 1) << cores;
  }
}

// All want it at the same time, once each, and hold it briefly: how the textbooks count. While N - k others spin, the k-th
// holder's release queues behind a vain attempt of each of them: N (N - 1) / 2 in all, and a few an acquisition for the taking,
// the release and what falls into the time that the lock is held.
TEST(Locks, AStormOnATestAndSetLockMovesItsLineAsTheSquareOfThoseWhoWantIt) {
  for (const int cores : {8, 16, 32, 64, 128}) {
    const double least = cores * (cores - 1) / 2.0;
    const double moves = cores * invalidations_an_acquisition<test_and_set>(cores, 1, 10);
    EXPECT_GE(moves, least) << cores;
    EXPECT_LE(moves, least + 4 * cores) << cores;
  }
}

TEST(Locks, AStormOnTheOthers) {
  const auto storm = [](auto lock, int cores) {
    return cores * invalidations_an_acquisition<typename decltype(lock)::type>(cores, 1, 10);
  };
  for (const int cores : {16, 32, 64}) {
    const auto growth = [&](auto lock) { return storm(lock, 2 * cores) / storm(lock, cores); };
    EXPECT_NEAR(growth(std::type_identity<ticket>()), 4, 0.25) << "every release invalidates all that still wait; " << cores;
    // A release invalidates all copies, all fetch it again, and the winner's exchange invalidates them again.
    EXPECT_NEAR(growth(std::type_identity<test_and_test_and_set>()), 4, 0.4) << cores;
    EXPECT_NEAR(growth(std::type_identity<mcs>()), 2, 0.1) << cores;
  }
}

// Every vain attempt takes the line: as long as the lock is held it moves once a transfer. The other two are quiet then.
TEST(Locks, ATestAndSetLocksLineMovesAsLongAsItIsHeld) {
  const double briefly = invalidations_an_acquisition<test_and_set>(4, 10, 1500);
  const double longer = invalidations_an_acquisition<test_and_set>(4, 10, 6000);
  EXPECT_GT(longer, 2 * briefly);
  EXPECT_NEAR(invalidations_an_acquisition<ticket>(4, 10, 1500), invalidations_an_acquisition<ticket>(4, 10, 6000), 0.5);
  EXPECT_NEAR(invalidations_an_acquisition<mcs>(4, 10, 1500), invalidations_an_acquisition<mcs>(4, 10, 6000), 0.5);
  for (const int cores : {4, 8, 16}) {
    EXPECT_GT(invalidations_an_acquisition<test_and_set>(cores, 10), 1.3 * invalidations_an_acquisition<ticket>(cores, 10))
        << cores;
  }
}

}  // namespace
}  // namespace tally::sim::sim_locks
