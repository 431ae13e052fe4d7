// A row: one strategy variant with one workload, its parameters, the work between its operations, a number of threads, a mode, a
// heap limit, an allocator; everything resolved. Its key says which row a result belongs to; its JSON is what a worker is sent and what is recorded.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/engine/engine.hpp"
#include "harness/engine/registry.hpp"
#include "harness/measure/allocators.hpp"
#include "harness/results/json.hpp"
#include "harness/results/rate.hpp"

namespace tally {

// --heap: a limit that was asked for.
struct heap_limit {
  double multiple = 0;      // of the workload's payload, at most 1000; 0: in bytes
  std::uint64_t bytes = 0;  // 0: a multiple
  heap_limit() = default;
  heap_limit(const char* typed) : heap_limit(read("--heap", typed)) {}
  // 2x, 1.5x, 64M, 4096. Throws usage_error.
  [[nodiscard]] static heap_limit read(std::string_view flag, std::string_view text);
  // "2x", "64M"; "" of no limit.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const heap_limit&, const heap_limit&) = default;
};

// The limit of a row.
struct heap_size {
  std::uint64_t limit_bytes = 0;            // 0: the strategy's own default
  double multiple = 0;                      // of the workload's payload; 0: given in bytes
  std::uint64_t payload_bytes = 0;          // 0: the workload does not say
  [[nodiscard]] std::string label() const;  // "2x", "64M", ""
};

// "copy_drop think=100ns": a workload's label with so much work between its operations; without work, the label.
[[nodiscard]] std::string with_think(std::string label, std::uint64_t think_ns);

// The A/A pair: the baseline measured a second time is the noise floor. Observed rows are not compared with each other.
enum class row_role { measured, baseline, again, observed };
inline constexpr std::array<std::string_view, 4> role_names{"measured", "baseline", "aa", "observed"};
static_assert(role_names.size() == static_cast<std::size_t>(row_role::observed) + 1);

// The key of a row, in records and everywhere: "mark_sweep@2x|tree_churn|1|throughput". Its scene, the rows that are compared
// with each other, is what is behind the strategy.
struct row_key {
  std::string strategy;  // label, with allocator and heap limit
  std::string workload;  // label
  int threads = 0;
  std::string mode;               // with its loop: "latency@20000/s"
  std::string simulated_on = {};  // "machine|protocol|caches"
  bool again = false;             // the baseline, measured a second time
  [[nodiscard]] std::string scene() const;
  [[nodiscard]] std::string text() const;
};

struct row_spec {
  row_role role = row_role::measured;
  std::string strategy;                                  // label: "biased:merge=detached"
  std::map<std::string, std::string> options;            // compile-time ones, complete
  std::vector<std::pair<std::string, double>> tunables;  // run-time ones that were given
  std::size_t header_bytes = 0;
  bool own_heap = false;     // its objects are not malloc's
  bool own_process = false;  // its variant has one heap a process: so does the row
  std::string workload;
  std::map<std::string, std::string> parameters;  // complete
  std::string workload_label;                     // "copy_drop sharing=shared": what differs from the defaults
  int threads = 1;
  std::vector<int> cpus;  // thread i runs on cpus[i % size]; empty: not pinned
  std::string pin = "cores";
  bool oversubscribed = false;  // more threads than processors
  measure_mode mode = measure_mode::throughput;
  rate_choice rate{};  // and of mode latency, its loop
  arrival_kind arrivals = arrival_kind::constant;
  std::uint64_t ramp_ns = 0, window_ns = 0;
  int briefs = 1;              // the run's windows are so many times as long as this row's
  std::uint64_t think_ns = 0;  // work between operations; in the workload's label, too
  heap_size heap;
  std::string allocator = "system";
  int gc_workers = 1;
  std::vector<std::string> counters;  // groups of counters that were read, by name or file
  std::string beside;  // rows with the same are measured one after the other; empty: those of a scene. Of the plan alone

  // "atomic+mimalloc", "mark_sweep@2x": what differs between the rows of a scene.
  [[nodiscard]] std::string label() const;
  [[nodiscard]] measure_choice measured() const { return {mode, rate, arrivals}; }
  // What a process has in RAM is a figure of rows of memory, and of those at a rate, which are asked what a service costs.
  [[nodiscard]] bool asks_for_memory() const { return mode == measure_mode::memory || rate.open(); }
  [[nodiscard]] row_key parts() const;
  [[nodiscard]] std::string scene() const { return parts().scene(); }
  // Unique in a plan.
  [[nodiscard]] std::string key() const { return parts().text(); }
};

// One window to be measured: a row in a block of a process.
struct run_item {
  row_spec row;
  int process = 0, block = 0;
  int order = 0;  // position in its process
  std::uint64_t seed = 1;
};

// A row that was asked for and can't be.
struct skipped_row {
  std::string strategy, workload;  // labels
  int threads = 0;                 // 0: any number
  std::string mode, heap;
  std::string reason;
  std::string allocator = {};  // empty: any, or the first
  [[nodiscard]] std::string label() const { return under_allocator(strategy, allocator); }
  [[nodiscard]] row_key parts() const;
};

[[nodiscard]] std::string_view name_of(measure_mode);
[[nodiscard]] measure_mode mode_named(std::string_view);
[[nodiscard]] std::string_view name_of(row_role);
[[nodiscard]] row_role role_named(std::string_view);

// The beginning of a record: schema, row, role, process, block, config, seed.
[[nodiscard]] json to_json(const run_item&);
[[nodiscard]] run_item item_from(const json&);
// The loop that a record's config is of; both as they were where it says none.
void read_rate(const json& config, rate_choice&, arrival_kind&);

// What is behind a row in this binary. Throws usage_error if it isn't there.
struct bound_row {
  const strategy_entry* strategy = nullptr;
  const variant_entry* variant = nullptr;
  const cell* pair = nullptr;
  const workload_info* workload = nullptr;
};
[[nodiscard]] bound_row find_row(const registry&, const row_spec&);
[[nodiscard]] body_spec body_of(const workload_info&, const row_spec&, std::uint64_t seed);

// A value that may be a path: its last part, since results hold no paths of the machine.
[[nodiscard]] std::string without_directories(const std::string& value);

}  // namespace tally
