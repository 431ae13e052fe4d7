// The native policy: what only real threads show.
#include "harness/memory/native.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace unit_native {
namespace {

using tally::native;

// As often as a collector stops a thread whose heap is small.
TEST(Native, ASleepEndsHoweverOftenASignalComes) {
  struct sigaction nothing{}, before{};
  nothing.sa_handler = [](int) {};
  nothing.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR2, &nothing, &before), 0);
  std::atomic<bool> done{false};
  const auto sleeper = pthread_self();
  const std::uint64_t start = native::now(), most = start + 2'000'000'000;
  std::thread bell([&] {
    while (!done && native::now() < most) {
      pthread_kill(sleeper, SIGUSR2);
      for (const std::uint64_t until = native::now() + 20'000; native::now() < until;) native::pause();
    }
  });
  native::sleep(5'000'000);
  const std::uint64_t end = native::now();
  done = true;
  bell.join();
  sigaction(SIGUSR2, &before, nullptr);
  EXPECT_GE(end - start, 5'000'000u);
  EXPECT_LT(end, most);
}

}  // namespace
}  // namespace unit_native
