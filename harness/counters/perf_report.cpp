#include "harness/counters/perf_report.hpp"

#include <algorithm>

namespace tally {

// A lane without counts: the engine opens none where the work is done by threads that are not its own.
constexpr const char* not_counted = "this workload's threads are the task library's; only a lane's own thread is counted";

counter_report report_counters(const counter_plan& plan, const std::vector<lane_counts>& lanes) {
  counter_report out;
  out.events = nlohmann::ordered_json::array();
  double operations = 0, seconds = 0;
  for (const auto& l : lanes) operations += l.operations, seconds += l.seconds;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const resolved_group& g = plan[i];
    std::vector<measured_value> sums(g.events.size());
    nlohmann::ordered_json events = nlohmann::ordered_json::array();
    for (std::size_t k = 0; k < g.events.size(); ++k) {
      double least = 1;
      auto by_lane = nlohmann::ordered_json::array();
      if (lanes.empty()) sums[k].absent = "no lane was counted";
      for (const auto& l : lanes) {
        const event_count c = i < l.counts.size() ? l.counts[i].at(k) : event_count{0, 0, not_counted};
        if (!c.absent.empty() && sums[k].absent.empty()) sums[k].absent = c.absent;
        sums[k].value += c.count;
        least = std::min(least, c.share);
        by_lane.push_back(c.absent.empty() ? nlohmann::ordered_json(c.count) : nlohmann::ordered_json(nullptr));
      }
      nlohmann::ordered_json event{{"name", g.events[k].name}, {"encoding", g.events[k].encoding}};
      if (sums[k].absent.empty()) {
        event["lanes"] = std::move(by_lane);
        event["share"] = least;
      } else {
        event["absent"] = sums[k].absent;
      }
      events.push_back(std::move(event));
    }
    const auto value_of = [&](const std::string& name) -> measured_value {
      if (name == "ops") return {operations, ""};
      if (name == "seconds") return {seconds, ""};
      if (name == "lanes") return {static_cast<double>(lanes.size()), ""};
      const auto e = std::ranges::find(g.events, name, &resolved_event::name);
      return sums.at(static_cast<std::size_t>(e - g.events.begin()));
    };
    for (const auto& m : g.metrics) {
      out.metrics.push_back(
          {g.name + "." + m.name, m.unit, g.absent.empty() ? m.value.evaluate(value_of) : measured_value{0, g.absent}});
    }
    nlohmann::ordered_json group{{"group", g.name}, {"events", std::move(events)}};
    if (!g.absent.empty()) group["absent"] = g.absent;
    out.events.push_back(std::move(group));
  }
  return out;
}

}  // namespace tally
