// The measured engine: one timed window of one workload under one strategy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/histogram.hpp"
#include "harness/counters/perf.hpp"
#include "harness/engine/arrivals.hpp"
#include "harness/engine/lane.hpp"
#include "harness/engine/registry.hpp"
#include "harness/engine/usage.hpp"
#include "harness/memory/deaths.hpp"
#include "harness/memory/handoffs.hpp"

namespace tally {

// observed: counts line hand-offs, and nothing that a clock would tell. promptness: how long what was dropped is still there.
enum class measure_mode { throughput, latency, memory, observed, promptness };
inline constexpr std::array<std::string_view, 5> mode_names{"throughput", "latency", "memory", "observed", "promptness"};
static_assert(mode_names.size() == static_cast<std::size_t>(measure_mode::promptness) + 1);

struct window_spec {
  int lanes = 1;
  std::vector<int> cpus;  // lane i is pinned to cpus[i % size]; empty: not pinned
  measure_mode mode = measure_mode::throughput;
  std::uint64_t ramp_ns = 20'000'000;
  std::uint64_t window_ns = 100'000'000;
  const counter_plan* counters = nullptr;  // what each lane counts for itself, or nothing
  perf_source* perf = nullptr;             // where from; not null with counters
  std::optional<open_loop> open{};         // of mode latency; nothing: a closed loop
  std::optional<double> planted = {};      // a share of each batch's time that is added to it (planted.hpp); tests only
  std::uint64_t think_steps = 0;           // of work after each operation (think.hpp)
  std::uint32_t stack_offset = 0;          // bytes by which the lanes' frames lie lower (stack_offset.hpp)
};

struct lane_result {
  std::uint64_t operations = 0;  // inside the window
  std::uint64_t opened_ns = 0, closed_ns = 0;
  thread_usage usage;                              // inside the window
  std::vector<field_handoffs> handoffs;            // inside the window, mode observed
  std::vector<std::vector<event_count>> counters;  // as the window's counter_plan; empty: not counted
  std::uint64_t steps = 0;                         // inside the window, mode latency; some workloads' have several operations
  open_lane_counts paced;                          // inside the window, of an open loop
  [[nodiscard]] double seconds() const { return static_cast<double>(closed_ns - opened_ns) * 1e-9; }
  // CPU time over wall time, inside the window.
  [[nodiscard]] double cpu_share() const {
    return closed_ns > opened_ns ? static_cast<double>(usage.cpu_ns) / static_cast<double>(closed_ns - opened_ns) : 0;
  }
  [[nodiscard]] double rate() const { return closed_ns > opened_ns ? static_cast<double>(operations) / seconds() : 0; }
};

struct memory_sample {
  std::uint64_t at_ns = 0;  // from the window's opening
  std::int64_t objects = 0, bytes = 0;
  held_memory held{};
};

struct window_result {
  std::vector<lane_result> lanes;
  std::optional<open_loop> open;                        // as the window was asked for
  histogram latencies;                                  // of an open loop: from their intended starts
  histogram service;                                    // of an open loop, the same operations: from their actual ones
  std::array<histogram, delays> delayed;                // of these: the operations that had something else inside them
  std::vector<std::vector<delayed_operation>> longest;  // of each lane, the longest of those
  std::optional<collector_window> collector;
  std::vector<memory_sample> memory;
  std::optional<std::uint64_t> malloc_free;  // mode memory: malloc_free_bytes() as the window closed
  window_deaths deaths;                      // mode promptness
  std::vector<memory_sample> held_back;      // of it: what died and was not yet freed
  oracle_verdict oracle;
  metric_list metrics;               // the workload's own
  note_list notes;                   // the strategy's and the workload's
  bool exhausted = false;            // the heap's limit ended the window
  std::string failure;               // an exception in a lane
  std::uint64_t process_cpu_ns = 0;  // all threads, collectors included, while the window was open
  std::uint64_t window_ns = 0;       // as the conductor saw it
  [[nodiscard]] double operations_per_second() const {
    double sum = 0;
    for (const auto& l : lanes) sum += l.rate();
    return sum;
  }
  [[nodiscard]] double steps_per_second() const {  // mode latency
    double sum = 0;
    for (const auto& l : lanes) sum += l.closed_ns > l.opened_ns ? static_cast<double>(l.steps) / l.seconds() : 0;
    return sum;
  }
};

// Blocks until the lanes have been joined. Never throws for what a strategy or workload does: that is in the result.
[[nodiscard]] window_result run_window(run_body& body, const window_spec& spec);

// A thread that stays parked for the life of the process: libstdc++ turns shared_ptr's atomics off in a process that never
// had a second thread, and a one-thread row must not measure that.
void park_sentinel();

}  // namespace tally
