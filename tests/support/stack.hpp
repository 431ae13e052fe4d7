// What tests of stack scans need: frames that are known to be gone.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

namespace tally::testing {

// Runs f some way down the stack, where wipe_stack() overwrites all of its frames.
template <class F>
[[gnu::noinline]] auto far_down(F&& f) {
  [[maybe_unused]] volatile std::uintptr_t room[128];
  room[0] = 0;
  auto result = f();
  room[127] = 0;  // after the call: the frame lasts as long
  return result;
}

// Overwrites the part of the stack that calls before this one used.
[[gnu::noinline, gnu::no_sanitize_address]] inline void wipe_stack() {
  volatile std::uintptr_t nothing[4096];
  for (auto& w : nothing) w = 0;
}

// A test whose frame begins without the words of the tests before it: heaps come back at the same addresses.
struct clean_stack : ::testing::Test {
  void SetUp() override { wipe_stack(); }  // called from where the test's body is
};

}  // namespace tally::testing
