// A result as the program works with it: what a line of rows.jsonl says, without what only a reader of the file wants (latency
// buckets, samples, the machine's facts).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/measure/machine_changes.hpp"
#include "harness/results/json.hpp"
#include "harness/results/row.hpp"

namespace tally {

// ok; exhausted: the arena of a strategy that never frees was full before the window's end; error: no result; skipped: not tried.
enum class row_status { ok, exhausted, error, skipped };
inline constexpr std::array<std::string_view, 4> row_status_names{"ok", "exhausted", "error", "skipped"};
static_assert(row_status_names.size() == static_cast<std::size_t>(row_status::skipped) + 1);

struct metric_value {
  std::string name, unit, evidence;  // evidence: measured, simulated, modelled, absent
  std::optional<double> value;       // none where it is absent
  std::optional<double> low, high;   // over the schedules of a simulation
  std::string reason;                // of its absence
};

// What was counted of one named field: hand-offs as its read-modify-writes notice them, line transfers as a simulation sees them.
struct field_result {
  std::string name;
  double rmws = 0, known = 0, handoffs = 0, transfers = 0;
};

// A simulated row beside the same row as observed; see measure/agreement.hpp.
struct agreement_result {
  struct side {
    double per_op = 0, low = 0, high = 0;
  };
  std::string verdict, words;
  side simulated, observed;
  std::size_t windows = 0;           // that were observed and compared
  std::optional<double> latency_ns;  // of an observed hand-off
};

struct result {
  std::string row, scene;  // keys
  row_status status = row_status::ok;
  std::string reason;  // why it is an error, exhausted or skipped
  row_role role = row_role::measured;
  bool simulated = false;
  int process = 0, block = 0;
  std::string strategy;  // label: "biased:merge=detached"
  bool own_heap = false, on_block_heap = false;
  std::string workload;  // label: "copy_drop sharing=shared"
  std::string identity;  // strategy, workload with all its parameters, threads, heap, think time: equal in a run and a simulation
  std::size_t threads = 1;
  std::string measured;                // in words, with the loop: "latency at 20000/s"
  bool saturated = false;              // an open loop's rate was not reached
  std::uint64_t think_ns = 0;          // work between operations
  std::string mode;                    // throughput, latency, memory, observed, simulated
  std::uint64_t heap_limit_bytes = 0;  // 0: none
  bool oversubscribed = false;
  std::vector<std::string> counters;  // groups that were read
  std::vector<metric_value> metrics;
  std::vector<field_result> fields;
  bool doubtful = false;
  std::string verdict;  // of the window's quality
  bool never_frees = false;
  std::optional<agreement_result> agreement;
  std::string executable, machine;        // hash and id: what made it, and where
  std::string origin;                     // of a merged file: which machine and binary (origin.hpp); "" elsewhere
  std::vector<std::string> setup;         // what rows of one name must have alike to be compared: "window_ns 100000000"
  std::optional<window_moments> moments;  // measured: of the machine, around the window
  std::string unsettled;                  // simulated: "" or why its window says little of a longer one

  // A metric's value; NaN where there is none of this name.
  [[nodiscard]] double number(std::string_view name) const;
  // The same, `otherwise` where there is none.
  [[nodiscard]] double number_or(std::string_view name, double otherwise) const;
  [[nodiscard]] const metric_value* find(std::string_view name) const;
  [[nodiscard]] bool has_metrics() const { return !metrics.empty(); }
  // "atomic+mimalloc@2x": what differs between the rows of a scene.
  [[nodiscard]] std::string label() const { return row.substr(0, row.find('|')); }
  // "copy_drop sharing=shared, 2 threads".
  [[nodiscard]] std::string title() const;
};

// A window in a results file: row key, process, block.
using window_key = std::tuple<std::string, int, int>;
[[nodiscard]] inline window_key key_of(const result& r) { return {r.row, r.process, r.block}; }

// Of a record as it is written. Throws results_error that says what is missing or of another type.
[[nodiscard]] result result_from(const json& record);

// The results whose row is in `order` in that order, the others behind them; windows of a row stay as they are.
[[nodiscard]] std::vector<const result*> in_order(const std::vector<result>&, const std::vector<std::string>& order);

}  // namespace tally
