// The metrics: one row each, from which a record is written, a summary and a plot's axis are named, and `tally describe METRIC`
// tells. A new metric is a row here (of a simulation: in sim/sim_metrics.cpp), and nothing else.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "harness/engine/engine.hpp"
#include "harness/engine/think.hpp"
#include "harness/measure/environment.hpp"
#include "harness/measure/open_loop.hpp"
#include "harness/results/row.hpp"

namespace tally {

enum class better { less, more, neither };

struct metric_info {
  std::string_view name, unit;
  std::string_view evidence;  // measured, simulated, modelled
  better which = better::neither;
  std::string_view meaning;  // a sentence's predicate: "time of an operation on its thread"
};
// With how it is read from a Source; nothing where it says nothing of it.
template <class Source>
struct metric_row : metric_info {
  std::optional<double> (*of)(const Source&);
};

// Everything that was seen around a window.
struct window_context {
  environment_moment before, after;
  std::optional<handoff_probe> probe_before, probe_after;
  row_quality quality;
  const counter_plan* counters = nullptr;  // what was counted
  // What a closed loop reached before the window, in steps per second, and in how long a window: of a rate in per cent.
  std::optional<double> closed_loop_rate;
  std::uint64_t closed_loop_ns = 0;
  think_work think;  // between operations
  // What the process has in RAM, of a row that began without what earlier ones left there: after the window, and at most since the
  // row began.
  std::optional<std::uint64_t> rss_bytes, peak_rss_bytes;
};

// A window with the sums that several metrics are read from.
struct measured_window {
  measured_window(const row_spec&, const window_result&, const window_context&);
  const row_spec& row;
  const window_result& window;
  const window_context& context;
  double operations = 0;                                              // of all lanes
  double rate = 0, least_rate = 0, most_rate = 0, squared_rates = 0;  // operations per second: the lanes' sum, extremes
  handoff_counts handoffs;                                            // of all lanes and fields
  std::optional<open_loop_outcome> open;                              // of an open loop
  double objects_peak = 0, bytes_peak = 0, bytes_sum = 0;             // of the samples
  double held_peak = 0, held_sum = 0;                                 // what was taken and not given back, likewise
  std::array<double, held_causes> held_peaks{};                       // by cause, each at its own sample
  bool held_told = false;                                             // the heap knew the causes
  double late_peak = 0, late_sum = 0;                                 // bytes, of the samples of what is dead and not freed
  [[nodiscard]] bool timed() const { return row.mode == measure_mode::throughput || row.mode == measure_mode::memory; }
};

[[nodiscard]] std::span<const metric_row<measured_window>> measured_metrics();

// What a mode is judged by.
[[nodiscard]] const metric_info& judged_metric(std::string_view mode);
// By name; null where nobody knows it (a workload's own, a group's of counters).
[[nodiscard]] const metric_info* measured_metric(std::string_view name);

}  // namespace tally
