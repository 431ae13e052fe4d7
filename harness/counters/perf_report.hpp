// What a row reports of its counters: the lanes' counts together, and each group's metrics over them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/counters/perf.hpp"

namespace tally {

struct lane_counts {
  std::vector<std::vector<event_count>> counts;  // empty: the lane was not counted
  double operations = 0, seconds = 0;
};
struct counter_metric_value {
  std::string name, unit;  // "cycles.ipc"
  measured_value value;
};
struct counter_report {
  std::vector<counter_metric_value> metrics;
  nlohmann::ordered_json events;  // per group: each event with its encoding, its count by lane and its least share
};
[[nodiscard]] counter_report report_counters(const counter_plan&, const std::vector<lane_counts>&);

}  // namespace tally
