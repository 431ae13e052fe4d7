#include "harness/results/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "harness/counters/perf_report.hpp"
#include "harness/measure/environment.hpp"
#include "harness/results/binary.hpp"

namespace tally {
namespace {

class metrics {
 public:
  void add(const std::string& name, double value, const std::string& unit, const std::string& evidence = "measured") {
    values[name] = {{"value", value}, {"unit", unit}, {"class", evidence}};
  }
  json values = json::object();
};

// What results may not hold: the machine's directories.
json item_record(const run_item& item) {
  run_item clean = item;
  for (auto& [name, value] : clean.row.parameters) value = without_directories(value);
  for (auto& group : clean.row.counters) group = without_directories(group);
  return to_json(clean);
}

// The hardware counters' metrics: measured, or absent with the reason.
void counters(metrics& m, json& record, const window_result& w, const counter_plan& plan) {
  std::vector<lane_counts> lanes;
  for (const auto& l : w.lanes) lanes.push_back({l.counters, static_cast<double>(l.operations), l.seconds()});
  counter_report told = report_counters(plan, lanes);
  for (const auto& v : told.metrics) {
    if (v.value.absent.empty()) {
      m.add(v.name, v.value.value, v.unit);
    } else {
      m.values[v.name] = {{"value", nullptr}, {"unit", v.unit}, {"class", "absent"}, {"reason", v.value.absent}};
    }
  }
  record["counters"] = std::move(told.events);
}

// Rows of the observed policy: line hand-offs by field.
void add_fields(metrics& m, json& record, const measured_window& seen) {
  std::array<handoff_counts, handoff_watch::most_fields> by_field{};
  for (const auto& l : seen.window.lanes) {
    for (const auto& f : l.handoffs) by_field.at(f.field) += f.counts;
  }
  json fields = json::array();
  for (std::size_t f = 0; f < by_field.size(); ++f) {
    const handoff_counts& c = by_field[f];
    if (c.rmws == 0) continue;
    const std::string name(observed_field_name(f));
    fields.push_back({{"name", name}, {"rmws", c.rmws}, {"known", c.known}, {"handoffs", c.handoffs}});
    if (seen.operations > 0) m.add("handoffs_per_op." + name, static_cast<double>(c.handoffs) / seen.operations, "1/op");
  }
  record["handoffs"] = {{"fields", std::move(fields)}};
}

// The figures of a table of metrics; those of single fields stand before their sum.
void add_metrics(metrics& m, json& record, const measured_window& seen) {
  for (const auto& row : measured_metrics()) {
    if (row.name == "handoffs_per_op" && seen.row.mode == measure_mode::observed) add_fields(m, record, seen);
    if (const auto v = row.of(seen)) m.add(std::string(row.name), *v, std::string(row.unit), std::string(row.evidence));
  }
}

json buckets_of(const histogram& h) {
  json buckets = json::array();
  h.each([&](std::uint64_t lower, std::uint64_t upper, std::uint64_t count) { buckets.push_back({lower, upper, count}); });
  return {{"unit", "ns"}, {"total", h.total()}, {"buckets", std::move(buckets)}};
}

// The longest operations that something else delayed, and what that was.
json delayed_of(const window_result& w) {
  json all = json::array();
  for (std::size_t lane = 0; lane < w.longest.size(); ++lane) {
    for (const delayed_operation& o : w.longest[lane]) {
      json causes = json::array();
      for (std::size_t d = 0; d < delays; ++d) {
        if (o.inside.has(d)) causes.push_back(delay_table[d].name);
      }
      all.push_back({{"lane", lane}, {"at_ns", o.at_ns}, {"ns", o.ns}, {"causes", std::move(causes)}});
    }
  }
  return all;
}

// Of an open loop, beside the latencies from intended starts: what the same operations took from their actual ones, and the rate.
json open_loop_of(const window_result& w, const window_context& seen) {
  const open_loop_outcome o = outcome_of(w);
  json closed = nullptr;
  if (seen.closed_loop_rate) closed = {{"per_second", *seen.closed_loop_rate}, {"window_ns", seen.closed_loop_ns}};
  return {{"per_second", o.asked}, {"closed", std::move(closed)}, {"saturated", o.saturated}, {"service", buckets_of(w.service)}};
}

// Samples come every millisecond; a long window is thinned to what a plot can show.
json samples_of(const std::vector<memory_sample>& memory, bool with_held) {
  const std::size_t step = memory.size() / 1000 + 1;
  json samples = json::array();
  for (std::size_t i = 0; i < memory.size(); i += step) {
    const memory_sample& m = memory[i];
    json one = {{"at_ns", m.at_ns}, {"objects", m.objects}, {"bytes", m.bytes}};
    if (with_held) one["held"] = m.held.taken;
    for (std::size_t c = 0; with_held && m.held.told && c < held_causes; ++c)
      one["causes"][std::string(held_names[c])] = m.held.by_cause[c];
    samples.push_back(std::move(one));
  }
  return {{"samples", std::move(samples)}};
}

// Of mode promptness: times from last drop to free, what was not freed, and what was held back over time.
json promptness_of(const window_result& w) {
  json told = buckets_of(w.deaths.delays);
  told["objects"] = w.deaths.objects;
  told["censored"] = w.deaths.censored();
  told["held_back"] = samples_of(w.held_back, false);
  return told;
}

json lanes_of(const window_result& w) {
  json lanes = json::array();
  for (const auto& l : w.lanes) {
    lanes.push_back({{"operations", l.operations},
                     {"window_ns", l.closed_ns - l.opened_ns},
                     {"cpu_ns", l.usage.cpu_ns},
                     {"delay_ns", l.usage.delay_known ? json(l.usage.delay_ns) : json(nullptr)},
                     {"voluntary_switches", l.usage.voluntary_switches},
                     {"involuntary_switches", l.usage.involuntary_switches}});
  }
  return lanes;
}

// After each operation. A step that does several is followed by the work of all of them.
json think_json(const think_work& work) {
  const think_calibration& c = calibrated_think();
  return {{"steps", work.steps},
          {"took_ns", work.took_ns},
          {"step_ns", {{"value", c.step_ns}, {"least", c.least_ns}, {"most", c.most_ns}, {"rounds", c.rounds}}}};
}

json moment_of(const environment_moment& m, const std::optional<handoff_probe>& p) {
  json j = nlohmann::json(m);
  j["handoff"] = p ? json(nlohmann::json(*p)) : json(nullptr);
  return j;
}

// What became of the window; the reason if it is no result.
std::pair<const char*, std::string> status_of(const run_item& item, const bound_row& bound, const window_result& w) {
  const bool floor = bound.variant->can.oracle == oracle_class::never_frees;
  if (!w.failure.empty()) return {"error", w.failure};
  if (w.exhausted && !floor) {
    return {"error", item.row.heap.limit_bytes == 0
                         ? "the heap's own limit was reached"
                         : fmt::format("the heap limit of {} bytes was reached", item.row.heap.limit_bytes)};
  }
  if (!w.oracle.ok) return {"error", "oracle: " + w.oracle.message};
  if (w.operations_per_second() <= 0) {
    return {"error", "no operation ended inside the window; a longer --duration is needed"};
  }
  return {w.exhausted ? "exhausted" : "ok", w.exhausted ? "the arena was full before the window's end" : ""};
}

}  // namespace

json measured_record(const run_item& item, const bound_row& bound, const window_result& w, const window_context& seen) {
  json record = item_record(item);
  const auto [status, reason] = status_of(item, bound, w);
  record["status"] = status;
  if (!reason.empty()) record["reason"] = reason;
  record["binary"] = binary_identity();
  record["machine"] = nlohmann::json(environment());
  record["environment"] = {{"before", moment_of(seen.before, seen.probe_before)},
                           {"after", moment_of(seen.after, seen.probe_after)}};
  metrics m;
  add_metrics(m, record, measured_window(item.row, w, seen));
  if (item.row.mode == measure_mode::latency) {
    record["latency"] = buckets_of(w.latencies);
    record["delayed"] = delayed_of(w);
  }
  if (w.open) record["open_loop"] = open_loop_of(w, seen);
  if (item.row.mode == measure_mode::memory) record["memory"] = samples_of(w.memory, true);
  if (item.row.mode == measure_mode::promptness) record["promptness"] = promptness_of(w);
  for (const auto& own : w.metrics) m.add(own.name, own.value, own.unit, own.evidence);
  if (seen.counters != nullptr) counters(m, record, w, *seen.counters);
  record["metrics"] = std::move(m.values);
  record["lanes"] = lanes_of(w);
  if (seen.think.steps != 0) record["think"] = think_json(seen.think);
  if (!w.notes.empty()) record["notes"] = std::map<std::string, std::string>(w.notes.begin(), w.notes.end());
  record["quality"] = nlohmann::json(seen.quality);
  record["oracle"] = {{"class", oracle_names.at(static_cast<std::size_t>(bound.variant->can.oracle))},
                      {"ok", w.oracle.ok},
                      {"expected", w.oracle.expected},
                      {"live", w.oracle.live},
                      {"message", w.oracle.message}};
  return record;
}

json error_record(const run_item& item, const std::string& reason) {
  json record = item_record(item);
  record["status"] = "error";
  record["reason"] = reason;
  record["binary"] = binary_identity();
  return record;
}

void add_doubt(json& record, const std::string& reason) {
  const auto quality = record.find("quality");
  if (quality == record.end()) return;
  (*quality)["doubtful"] = true;
  (*quality)["reasons"].push_back(reason);
}

json skipped_record(const skipped_row& s) {
  json record{{"schema", schema_number}, {"status", "skipped"}, {"reason", s.reason}};
  record["row"] = s.parts().text();
  record["skipped"] = {
      {"strategy", s.strategy}, {"workload", s.workload}, {"threads", s.threads}, {"mode", s.mode}, {"heap", s.heap}};
  if (!s.allocator.empty()) record["skipped"]["allocator"] = s.allocator;
  return record;
}

}  // namespace tally
