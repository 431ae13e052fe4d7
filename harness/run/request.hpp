// What was asked for, as values: what the flags of the command line, of a file of flags and of an earlier run's config.json say
// (session/flags.hpp reads them). The plan (plan.hpp) says which rows that are.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/counters/perf_group.hpp"
#include "harness/measure/allocators.hpp"
#include "harness/measure/topology.hpp"
#include "harness/results/row.hpp"
#include "harness/run/choices.hpp"
#include "harness/run/stopping.hpp"
#include "harness/run/suites.hpp"

namespace tally {

// Of a parallel collector.
struct worker_count {
  int number = 0;  // at most 256; 0: as many as the row has threads, and no more than there are cores
  // "threads", or a number. Throws usage_error.
  [[nodiscard]] static worker_count read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const worker_count&, const worker_count&) = default;
};

// What a run and a simulation have in common.
struct selection {
  const suite_info* suite = nullptr;  // none: made of strategies and workloads alone
  std::vector<name_spec> strategies;  // none: the suite's, or all
  std::vector<name_spec> workloads;
  std::vector<set_spec> sets;
  std::vector<heap_limit> heaps;
  std::optional<think_list> thinks;  // none: the suite's, or no work
  name_spec baseline = "atomic";
  std::uint64_t seed = 0;  // 0: drawn when the run starts, and kept

  friend bool operator==(const selection&, const selection&) = default;
};

struct run_request : selection {
  std::optional<thread_list> threads;  // none: the suite's, or auto
  std::vector<measure_mode> modes;     // none: the suite's, or throughput
  std::vector<rate_choice> rates;      // of latency rows; none: a closed loop
  std::optional<arrival_kind> arrivals;
  std::vector<counter_choice> counters;
  bool observe = false;  // rows that count line hand-offs, beside the others
  pinning pin;
  std::vector<allocator_choice> allocators;  // none: the suite's, or system
  worker_count gc_workers;
  std::optional<std::chrono::nanoseconds> duration;  // of a window; none: the suite's
  std::optional<int> processes, blocks;              // none: the suite's
  std::optional<interval_width> until;               // processes go on until all intervals are as narrow
  std::optional<time_budget> budget;                 // as many processes as fit

  friend bool operator==(const run_request&, const run_request&) = default;
};

}  // namespace tally
