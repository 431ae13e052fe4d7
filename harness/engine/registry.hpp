// What is built into this binary: strategies, their variants, workloads, and for each pair a way to run it. No templates:
// everything that plans, measures and writes results works on this.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/contract/collector.hpp"
#include "harness/contract/held.hpp"
#include "harness/contract/strategy.hpp"
#include "harness/contract/workload.hpp"
#include "harness/watch/watch_maker.hpp"

namespace tally {

class lane_control;

struct oracle_verdict {
  bool ok = true;
  std::string message;  // what was expected and what was found
  std::int64_t expected = 0, live = 0;
};

// What the collector did while the lanes ran, ramps included.
struct collector_window {
  collector_totals totals;
  std::uint64_t lanes_ns = 0;  // how long they ran
};

// One run of a workload under a strategy: a heap, the shared state, lanes.
class run_body {
 public:
  virtual ~run_body() = default;
  // Makes the heap and the program, and no objects. Throws usage_error where the workload refuses its parameters (a text that
  // names nothing, a file that isn't there).
  virtual void prepare() = 0;
  // Builds the heap and the shared state, calls `lanes` (which starts the threads, each calling lane(), and joins them),
  // tears down and asks the oracle.
  virtual oracle_verdict run(const std::function<void()>& lanes) = 0;
  virtual void lane(int index, lane_control&) = 0;
  // The workload's threads are those of the memory policy's tasks: the engine starts one lane, which may run on all CPUs of
  // the row, and the threads of the arena run where it may.
  [[nodiscard]] virtual bool arena_threads() const { return false; }
  // At any time while the lanes run: estimates.
  [[nodiscard]] virtual std::int64_t live() const = 0;
  [[nodiscard]] virtual std::int64_t live_bytes() const = 0;
  [[nodiscard]] virtual held_memory held() const { return {.taken = live_bytes()}; }
  // After run().
  virtual void report(metric_list&) const = 0;
  virtual void notes(note_list&) const {}
  // After run(); empty where the heap has no collector that says what it does.
  [[nodiscard]] virtual std::optional<collector_window> collected() const { return {}; }
};

struct body_spec {
  parameters params;
  int lanes = 1;
  std::uint64_t seed = 1;
  std::size_t heap_limit_bytes = 0;
  int gc_workers = 1;
  std::vector<std::pair<std::string, double>> tunables;  // run-time ones
};

// A strategy variant with a workload. Plain functions, since there are hundreds of cells: whatever a cell holds is compiled for
// each. Those that the workload does not have are the ones below, never null; but a pair that is unmet has no make.
struct cell {
  std::string_view workload;
  std::string_view unmet;  // why the pair can't run; empty: it can
  // Why it can't run with these parameters (a chain that the heap can't free); empty: it can.
  std::string (*unmet_for)(const parameters&) = [](const parameters&) { return std::string(); };
  // The same for a number of lanes: why it can't run with this many.
  std::string (*unmet_lanes)(const parameters&, int lanes) = [](const parameters&, int) { return std::string(); };
  std::unique_ptr<run_body> (*make)(const body_spec&) = nullptr;
  // The workload's peak live payload and parallelism for these parameters; empty where it does not say.
  std::optional<std::size_t> (*payload_bytes)(const body_spec&) = [](const body_spec&) { return std::optional<std::size_t>(); };
  std::optional<double> (*parallelism)(const body_spec&) = [](const body_spec&) { return std::optional<double>(); };
};

struct tunable_entry {
  std::string name, summary, default_from;
  std::vector<std::string> values;  // empty: a number
  std::string fallback;
  double least = 0, most = 0;
  bool run_time = false;    // read by the heap: a number, or the place of one of the values
  std::string only_with{};  // "cycles=generational": without that option it means nothing
  // What was given at run time, as it is written.
  [[nodiscard]] std::string text(double value) const {
    return values.empty() ? number_text(value) : values.at(static_cast<std::size_t>(value));
  }
};

struct capabilities {
  bool single_threaded = false, weak = false, shared_slot = false, borrow = false, cycles = false, finalizers = false;
  bool observers = false, instrumented = false;
  bool process_global = false, takes_turns = false, limits_heap = false, own_heap = false;
  oracle_class oracle = oracle_class::exact;
};

struct variant_entry {
  std::vector<std::string> options;  // a value per compile-time tunable, in the order of strategy_entry::tunables
  std::string label;                 // "slot=epoch", "" for the default
  std::size_t header_bytes = 0;      // of an object that can hold references; others may have less
  capabilities can;
  std::vector<cell> cells;
  watch_maker watch = nullptr;  // of a heap that runs object programs; null: this one can run none
};

// Why combinations with an option ("cycles=stop") are not built.
struct refusal_entry {
  std::string option, reason;
};

struct strategy_entry {
  std::string name, summary, source;
  std::vector<tunable_entry> tunables;
  std::vector<variant_entry> variants;  // the first is the default
  std::vector<refusal_entry> refusals{};
};

// "atomic:slot=epoch"; the strategy's name alone for its default.
[[nodiscard]] inline std::string variant_name(const strategy_entry& s, const variant_entry& v) {
  return v.label.empty() ? s.name : s.name + ":" + v.label;
}

// The same with a maker for each of its variants, in their order.
[[nodiscard]] inline strategy_entry with_watched(strategy_entry s, const std::vector<watch_maker>& makers) {
  for (std::size_t i = 0; i < makers.size(); ++i) s.variants.at(i).watch = makers[i];
  return s;
}

struct registry {
  std::vector<strategy_entry> strategies;  // in the order of strategies.cmake
  std::vector<workload_info> workloads;    // in the order of workloads.cmake
  std::vector<strategy_entry> observed{};  // those with a twin on the observed policy: for rows that count line hand-offs
  std::vector<strategy_entry>
      stamped{};  // those with a twin on the stamped policy: for rows that tell how promptly objects are freed
};

// Everything in the binary; made at the first call.
const registry& built_in();

}  // namespace tally
