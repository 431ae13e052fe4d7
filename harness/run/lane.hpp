// The inside of a lane: ramp up, window, ramp down, seen from the thread that works.
//
// The conductor (engine.cpp) moves a phase word; lanes look at it between batches of operations and take their own
// timestamps when they see it change, so that nobody's scheduling delay but their own is in their numbers. A batch is grown
// during the ramp until it takes some 20 us: looking at the phase then costs nothing that can be measured.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "harness/measure/histogram.hpp"
#include "harness/measure/usage.hpp"
#include "harness/strategy.hpp"
#include "harness/workload.hpp"

namespace tally {

enum class phase : int { attach, ramp_up, window, ramp_down, stop };

// What the lanes of a run share.
struct conductor_words {
  std::atomic<int> phase{static_cast<int>(tally::phase::attach)};
  std::atomic<bool> stop{false};
  std::atomic<int> ready{0};
};

class lane_control {
 public:
  lane_env env;
  bool latency = false;           // time every operation
  conductor_words* shared = nullptr;

  // Results, read after the thread has been joined.
  std::uint64_t operations = 0;   // inside the window
  std::uint64_t opened_ns = 0, closed_ns = 0;
  thread_usage usage;             // inside the window
  std::uint64_t all_operations = 0;
  histogram latencies;
  std::string failure;            // what ended the lane early
  bool exhausted = false;         // the heap's limit did

  [[nodiscard]] phase now() const { return static_cast<phase>(shared->phase.load(std::memory_order_relaxed)); }
  void arrive() { shared->ready.fetch_add(1, std::memory_order_release); }  // pairs with the conductor's acquire
  [[nodiscard]] bool waiting() const { return now() == phase::attach; }

  // Runs step() until the conductor says stop.
  template <class Clock, class Step>
  void operate(Clock&& clock, Step&& step) {
    phase seen = phase::ramp_up;
    std::uint64_t done = 0, batch = 1;
    for (;;) {
      const phase p = now();
      if (p != seen) [[unlikely]] {
        mark(seen, p, done, clock);
        if (p == phase::stop) break;
        seen = p;
      }
      if (latency) {
        done += timed(clock, step, seen == phase::window, batch);
        if (seen == phase::ramp_up && batch < 64) batch *= 2;
      } else if (seen == phase::ramp_up && batch < (1U << 16)) {
        const std::uint64_t before = clock();
        done += run(step, batch);
        if (clock() - before < 20'000) batch *= 2;
      } else {
        done += run(step, batch);
      }
      all_operations = done;
    }
  }

  // For a lane that ends early (an exhausted heap): closes its window now. The batch in which it ended is not counted.
  void cut(std::uint64_t ns) {
    if (opened_ns != 0 && closed_ns == 0) {
      closed_ns = ns;
      usage = thread_usage::now().since(usage_at_opening_);
      operations = all_operations - opened_at_;
    }
  }

 private:
  template <class Step>
  static std::uint64_t run(Step& step, std::uint64_t batch) {
    std::uint64_t done = 0;
    if constexpr (std::is_void_v<decltype(step())>) {
      for (std::uint64_t i = 0; i < batch; ++i) step();
      done = batch;
    } else {
      for (std::uint64_t i = 0; i < batch; ++i) done += step();  // bool, or a number of operations
    }
    return done;
  }
  // Chained clock reads: one a step, which is counted into the step before it.
  template <class Clock, class Step>
  std::uint64_t timed(Clock& clock, Step& step, bool record, std::uint64_t batch) {
    std::uint64_t done = 0, last = clock();
    for (std::uint64_t i = 0; i < batch; ++i) {
      const std::uint64_t counted = run(step, 1);
      const std::uint64_t t = clock();
      if (record && counted != 0) latencies.record(t - last);
      last = t;
      done += counted;
    }
    return done;
  }
  // The clock is read inside of the two readings of the usage, which are slow.
  template <class Clock>
  void mark(phase from, phase to, std::uint64_t done, Clock& clock) {
    if (from < phase::window && to == phase::window) {
      usage_at_opening_ = thread_usage::now();
      opened_ns = clock();
      opened_at_ = done;
    }
    if (from <= phase::window && to > phase::window && opened_ns != 0) {
      closed_ns = clock();
      usage = thread_usage::now().since(usage_at_opening_);
      operations = done - opened_at_;
    }
  }
  std::uint64_t opened_at_ = 0;
  thread_usage usage_at_opening_;
};

}  // namespace tally
