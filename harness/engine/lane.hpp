// The inside of a lane: ramp up, window, ramp down, seen from the thread that works.
//
// The conductor (engine.cpp) moves a phase word; lanes look at it between batches of operations and take their own
// timestamps when they see it change, so that nobody's scheduling delay but their own is in their numbers. A lane that waits for
// its turn can't look, and does nothing meanwhile: of a strategy whose threads take turns a window is from change to change.
// A window that no lane has looked at when its time is over goes on: else an operation that takes longer would hide it from all.
// A batch is grown until it takes some 20 us: looking at the phase then costs nothing that can be measured.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/histogram.hpp"
#include "harness/contract/collector.hpp"
#include "harness/contract/strategy.hpp"
#include "harness/contract/workload.hpp"
#include "harness/engine/arrivals.hpp"
#include "harness/engine/usage.hpp"
#include "harness/memory/handoffs.hpp"

namespace tally {

enum class phase : int { attach, ramp_up, window, ramp_down, stop };
inline constexpr std::size_t phases = static_cast<std::size_t>(phase::stop) + 1;

// What the lanes of a run share.
struct conductor_words {
  std::atomic<int> phase{static_cast<int>(tally::phase::attach)};
  std::array<std::atomic<std::uint64_t>, phases> since_ns{};  // when it became each; there before it does
  std::atomic<bool> stop{false};
  std::atomic<int> ready{0};
  std::atomic<bool> opened{false};          // a lane has opened its window
  std::atomic<std::uint64_t> origin_ns{0};  // of the open loop's schedules; there before ramp_up
};

// A workload's step() in a loop, behind one pointer: the only code of a lane that exists per strategy and workload, and it
// holds step() once, so that a strategy compiles in seconds. `run` does `batch` steps and returns the operations done.
struct batch_runner {
  void* state = nullptr;
  std::uint64_t (*run)(void* state, std::uint64_t batch) = nullptr;
  std::uint64_t (*clock)() = nullptr;
  void* context = nullptr;
  std::uint64_t (*freed_word)(const void* context) = nullptr;  // null: the strategy's contexts don't say (collector.hpp)
  // Runs f(argument) in a blocked region of the context: no collector waits for this thread meanwhile.
  void (*blocked)(void* context, void (*f)(void* argument), void* argument) = nullptr;
  void (*sleep)(std::uint64_t ns) = nullptr;
};

// What was inside an operation beside its own work: one step after the other, of the calling thread.
class delay_reader {
 public:
  // Since the last call; the first one says nothing.
  delay_bits read(const batch_runner&);

 private:
  static constexpr std::int64_t cascade_from = 16;  // objects that one step frees; see delay_table
  std::uint64_t freed_ = 0;
  bool begun_ = false;
};

// One of the operations that something delayed.
struct delayed_operation {
  std::uint64_t at_ns = 0;  // its end, from the lane's opening
  std::uint64_t ns = 0;
  delay_bits inside;
};
// The longest of them.
class delayed_operations {
 public:
  static constexpr std::size_t most = 200;
  // Needs no memory from here on.
  void allocate() { heap_.reserve(most); }
  void note(const delayed_operation&);
  // In the order of time.
  [[nodiscard]] std::vector<delayed_operation> by_time() const;

 private:
  std::vector<delayed_operation> heap_;  // the shortest first
};

// How many steps a lane does between two looks at the phase: doubled until they take long enough, ramp or not, since a lane may wait
// for its turn while the others ramp up. It takes two batches in a row that do, as one of them may have had such a wait inside.
class batch_length {
 public:
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] bool settled() const { return long_enough_ == 2 || steps_ == most_steps; }
  void took(std::uint64_t ns) {
    long_enough_ = ns < enough_ns ? 0 : long_enough_ + 1;
    if (long_enough_ == 0) steps_ *= 2;
  }

 private:
  static constexpr std::uint64_t enough_ns = 20'000, most_steps = 1U << 16;
  std::uint64_t steps_ = 1;
  int long_enough_ = 0;
};

class lane_control;
class thread_counters;

// What an exception says, in words that a record may hold.
[[nodiscard]] const char* reason_of(const std::exception&) noexcept;

// Something else than time that says how long a lane works: the simulated engine.
class lane_driver {
 public:
  virtual ~lane_driver() = default;
  virtual void operate(lane_control&, const batch_runner&) = 0;
};

class lane_control {
 public:
  lane_env env;
  bool latency = false;                 // time every operation
  std::optional<open_loop> open;        // begin each when it is due; with latency
  int sharing = 1;                      // lanes that share the open loop's rate
  bool observed = false;                // keep what this thread saw of line hand-offs
  bool stamped = false;                 // its window is that of this thread's deaths
  bool in_turns = false;                // there are others, and the strategy lets one lane run at a time
  std::uint64_t think_steps = 0;        // of work after each operation (think.hpp), outside of its latency
  thread_counters* counters = nullptr;  // of this thread, or none
  conductor_words* shared = nullptr;
  lane_driver* driver = nullptr;  // null: the phases of `shared`

  // Results, read after the thread has been joined.
  std::uint64_t operations = 0;  // inside the window
  std::uint64_t opened_ns = 0, closed_ns = 0;
  thread_usage usage;                    // inside the window
  std::vector<field_handoffs> handoffs;  // inside the window
  std::uint64_t all_operations = 0;
  std::uint64_t steps = 0;  // that were timed inside the window
  histogram latencies;      // of an open loop: from their intended starts
  histogram service;        // the same operations from when they did begin
  open_lane_counts paced;
  std::array<histogram, delays> delayed;  // of these: the operations that had something else inside them
  delayed_operations longest;             // and the longest of those
  std::string failure;                    // what ended the lane early
  bool exhausted = false;                 // the heap's limit did

  [[nodiscard]] phase now() const { return static_cast<phase>(shared->phase.load(std::memory_order_relaxed)); }
  // Ends the lane early, for a reason that its record gives. Needs no memory.
  void fail(const std::exception& why) noexcept;
  void arrive() { shared->ready.fetch_add(1, std::memory_order_release); }  // pairs with the conductor's acquire
  [[nodiscard]] bool waiting() const { return now() == phase::attach; }

  // Runs batches until the conductor, or the driver, says stop.
  void operate(const batch_runner& batches);

  // For a lane that ends early (an exhausted heap): closes its window now. The batch in which it ended is not counted.
  void cut(std::uint64_t ns);

 private:
  std::uint64_t worked(const batch_runner& batches, std::uint64_t batch) const;
  std::uint64_t timed(const batch_runner& batches, bool record, std::uint64_t batch);
  std::uint64_t paced_step(const batch_runner& batches, phase seen);
  bool wait_until_due(const batch_runner& batches, std::uint64_t due, phase seen);
  void note(const delayed_operation&);
  void mark(phase from, phase to, std::uint64_t done, std::uint64_t (*clock)());
  std::uint64_t moment_of(phase, std::uint64_t (*clock)()) const;
  std::uint64_t opened_at_ = 0;
  std::optional<arrival_schedule> arrivals_;  // of an open loop
  delay_reader inside_;
  thread_usage usage_at_opening_;
  handoff_totals handoffs_at_opening_{};
};

}  // namespace tally
