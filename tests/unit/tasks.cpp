// The native tasks: bounded threads, nested waits, exceptions, and the row's CPUs.
#include "harness/memory/tasks.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "harness/memory/native.hpp"

namespace unit_tasks {
namespace {

static_assert(tally::has_tasks<tally::native>);

struct fake_context {
  int regions = 0, depth = 0;
  template <class F>
  void blocked(F&& f) {
    ++regions, ++depth;
    f();
    --depth;
  }
};

long fib(tally::native::tasks& pool, int n) {
  if (n < 2) return n;
  long a = 0, b = 0;
  tally::native::tasks::group g(pool);
  g.spawn([&] { a = fib(pool, n - 1); });
  g.spawn([&] { b = fib(pool, n - 2); });
  fake_context c;
  tally::wait_in(c, g);
  EXPECT_EQ(c.regions, 1);
  return a + b;
}

TEST(tasks, nested_groups_join) {
  for (int threads : {1, 2, 3, 8}) {
    tally::native::tasks pool(threads);
    long result = 0;
    fake_context c;
    tally::run_in(c, pool, [&](auto& g) { g.spawn([&] { result = fib(pool, 15); }); });
    EXPECT_EQ(result, 610) << threads;
    EXPECT_EQ(c.regions, 1);
    EXPECT_EQ(c.depth, 0);
  }
}

// Also above the number of cores: a row with more threads than cores is allowed.
TEST(tasks, exactly_the_threads_that_were_asked_for_work_at_once) {
  for (int threads : {1, 2, 5}) {
    tally::native::tasks pool(threads);
    std::atomic<int> inside{0}, most{0};
    fake_context c;
    tally::run_in(c, pool, [&](auto& g) {
      for (int i = 0; i < 4 * threads; ++i) {
        g.spawn([&] {
          const int now = ++inside;
          for (int seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {}
          // Long enough for a worker to wake up; ends early once everybody was there.
          tally::native::wait_until([&] { return most.load() >= threads; }, tally::native::now() + 2'000'000'000);
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
          --inside;
        });
      }
    });
    EXPECT_EQ(most.load(), threads);
  }
}

TEST(tasks, a_task_may_spawn_into_the_group_that_is_waited_for) {
  tally::native::tasks pool(2);
  std::atomic<int> done{0};
  fake_context c;
  tally::run_in(c, pool, [&](auto& g) {
    for (int i = 0; i < 10; ++i) {
      g.spawn([&] {
        g.spawn([&] { ++done; });
        ++done;
      });
    }
  });
  EXPECT_EQ(done.load(), 20);
}

TEST(tasks, what_a_task_throws_comes_out_after_the_blocked_region) {
  tally::native::tasks pool(2);
  fake_context c;
  EXPECT_THROW(tally::run_in(c, pool, [&](auto& g) { g.spawn([] { throw std::runtime_error("full"); }); }), std::runtime_error);
  EXPECT_EQ(c.depth, 0);
  int after = 0;
  tally::run_in(c, pool, [&](auto& g) { g.spawn([&] { after = 1; }); });
  EXPECT_EQ(after, 1);
}

TEST(tasks, workers_run_on_the_cpus_of_the_thread_that_made_the_pool) {
  cpu_set_t all;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof all, &all), 0);
  std::mutex lock;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    std::set<int> seen;
    std::thread([&] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ASSERT_EQ(pthread_setaffinity_np(pthread_self(), sizeof one, &one), 0);
      tally::native::tasks pool(3);
      fake_context c;
      tally::run_in(c, pool, [&](auto& g) {
        for (int i = 0; i < 30; ++i) {
          g.spawn([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(300));
            const std::lock_guard hold(lock);
            seen.insert(sched_getcpu());
          });
        }
      });
    }).join();
    EXPECT_EQ(seen, std::set<int>{cpu});
  }
}

}  // namespace
}  // namespace unit_tasks
