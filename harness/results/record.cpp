#include "harness/results/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "harness/counters/perf_report.hpp"
#include "harness/results/binary.hpp"

namespace tally {
namespace {

class metrics {
 public:
  void add(const std::string& name, double value, const char* unit, const std::string& evidence = "measured") {
    json_[name] = {{"value", value}, {"unit", unit}, {"class", evidence}};
  }
  json json_ = json::object();
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
      m.add(v.name, v.value.value, v.unit.c_str());
    } else {
      m.json_[v.name] = {{"value", nullptr}, {"unit", v.unit}, {"class", "absent"}, {"reason", v.value.absent}};
    }
  }
  record["counters"] = std::move(told.events);
}

void speed(metrics& m, const window_result& w, int threads) {
  double operations = 0, least = 0, most = 0, sum = 0, squares = 0;
  for (const auto& l : w.lanes) {
    operations += static_cast<double>(l.operations);
    const double rate = l.rate();
    least = sum == 0 ? rate : std::min(least, rate);
    most = std::max(most, rate);
    sum += rate;
    squares += rate * rate;
  }
  m.add("operations", operations, "1");
  if (sum <= 0) return;
  m.add("ops_per_second", sum, "1/s");
  m.add("ns_per_op", 1e9 * threads / sum, "ns");
  // Over the conductor's window, which the lanes' own windows follow within microseconds.
  const double in_window = sum * static_cast<double>(w.window_ns) * 1e-9;
  if (w.window_ns != 0) m.add("cpu_ns_per_op", static_cast<double>(w.process_cpu_ns) / in_window, "ns");
  if (w.lanes.size() > 1) {
    m.add("fairness_min_max", most > 0 ? least / most : 0, "ratio");
    m.add("fairness_jain", sum * sum / (static_cast<double>(w.lanes.size()) * squares), "ratio");
  }
}

void latency(metrics& m, json& record, const histogram& h) {
  static constexpr std::array<std::pair<const char*, double>, 4> quantiles{
      {{"latency_p50", 0.5}, {"latency_p90", 0.9}, {"latency_p99", 0.99}, {"latency_p999", 0.999}}};
  for (const auto& [name, q] : quantiles) m.add(name, static_cast<double>(h.quantile(q)), "ns");
  m.add("latency_max", static_cast<double>(h.max()), "ns");
  m.add("latency_mean", h.mean(), "ns");
  json buckets = json::array();
  h.each([&](std::uint64_t lower, std::uint64_t upper, std::uint64_t count) { buckets.push_back({lower, upper, count}); });
  record["latency"] = {{"unit", "ns"}, {"total", h.total()}, {"buckets", std::move(buckets)}};
}

void memory(metrics& m, json& record, const window_result& w) {
  // Samples come every millisecond; a long window is thinned to what a plot can show.
  const std::size_t step = w.memory.size() / 1000 + 1;
  json samples = json::array();
  std::int64_t objects = 0, bytes = 0;
  double sum = 0;
  for (std::size_t i = 0; i < w.memory.size(); ++i) {
    const auto& s = w.memory[i];
    objects = std::max(objects, s.objects);
    bytes = std::max(bytes, s.bytes);
    sum += static_cast<double>(s.bytes);
    if (i % step == 0) samples.push_back({{"at_ns", s.at_ns}, {"objects", s.objects}, {"bytes", s.bytes}});
  }
  m.add("live_objects_peak", static_cast<double>(objects), "1");
  m.add("live_bytes_peak", static_cast<double>(bytes), "B");
  if (!w.memory.empty()) m.add("live_bytes_mean", sum / static_cast<double>(w.memory.size()), "B");
  record["memory"] = {{"samples", std::move(samples)}};
}

// Rows of the observed policy: hand-offs of an operation, in all and by field; never a rate.
void handoffs(metrics& m, json& record, const window_result& w, const window_context& seen) {
  double operations = 0;
  handoff_counts all;
  std::array<handoff_counts, handoff_watch::most_fields> by_field{};
  for (const auto& l : w.lanes) {
    operations += static_cast<double>(l.operations);
    for (const auto& f : l.handoffs) by_field.at(f.field) += f.counts;
  }
  m.add("operations", operations, "1");
  json fields = json::array();
  for (std::size_t f = 0; f < by_field.size(); ++f) {
    const handoff_counts& c = by_field[f];
    if (c.rmws == 0) continue;
    all += c;
    const std::string name(observed_field_name(f));
    fields.push_back({{"name", name}, {"rmws", c.rmws}, {"known", c.known}, {"handoffs", c.handoffs}});
    if (operations > 0) m.add("handoffs_per_op." + name, static_cast<double>(c.handoffs) / operations, "1/op");
  }
  record["handoffs"] = {{"fields", std::move(fields)}};
  if (operations > 0) {
    m.add("handoffs_per_op", static_cast<double>(all.handoffs) / operations, "1/op");
    m.add("rmws_per_op", static_cast<double>(all.rmws) / operations, "1/op");
  }
  if (all.handoffs != 0) m.add("ops_per_handoff", operations / static_cast<double>(all.handoffs), "1");
  if (all.rmws != 0) m.add("rmws_known_share", static_cast<double>(all.known) / static_cast<double>(all.rmws), "ratio");
  // The latency of a hand-off, probed before and after.
  double sum = 0, probes = 0;
  for (const json* e : {&seen.environment_before, &seen.environment_after}) {
    const json& probe = e->at("handoff");
    if (probe.is_object() && probe.value("p50_ns", 0.0) > 0) sum += probe.at("p50_ns").get<double>(), probes += 1;
  }
  if (probes != 0) m.add("handoff_latency", sum / probes, "ns");
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
  static constexpr std::array<const char*, 3> oracles{"exact", "never_frees", "bounded"};
  json record = item_record(item);
  const auto [status, reason] = status_of(item, bound, w);
  record["status"] = status;
  if (!reason.empty()) record["reason"] = reason;
  record["binary"] = binary_identity();
  record["machine"] = seen.machine;
  record["environment"] = {{"before", seen.environment_before}, {"after", seen.environment_after}};
  metrics m;
  json lanes = json::array();
  for (const auto& l : w.lanes) {
    lanes.push_back({{"operations", l.operations},
                     {"window_ns", l.closed_ns - l.opened_ns},
                     {"cpu_ns", l.usage.cpu_ns},
                     {"delay_ns", l.usage.delay_known ? json(l.usage.delay_ns) : json(nullptr)},
                     {"voluntary_switches", l.usage.voluntary_switches},
                     {"involuntary_switches", l.usage.involuntary_switches}});
  }
  const bool timed = item.row.mode != measure_mode::latency && item.row.mode != measure_mode::observed;
  if (timed) speed(m, w, item.row.threads);
  if (item.row.mode == measure_mode::observed) handoffs(m, record, w, seen);
  if (item.row.mode == measure_mode::latency) latency(m, record, w.latencies);
  if (item.row.mode == measure_mode::memory) memory(m, record, w);
  m.add("rss_bytes", static_cast<double>(seen.rss_bytes), "B");
  m.add("rss_peak_bytes", static_cast<double>(seen.peak_rss_bytes), "B");
  if (item.row.header_bytes != 0) m.add("header_bytes", static_cast<double>(item.row.header_bytes), "B");
  for (const auto& own : w.metrics) m.add(own.name, own.value, own.unit.c_str(), own.evidence);
  if (seen.counters != nullptr) counters(m, record, w, *seen.counters);
  record["metrics"] = std::move(m.json_);
  record["lanes"] = std::move(lanes);
  if (!w.notes.empty()) record["notes"] = std::map<std::string, std::string>(w.notes.begin(), w.notes.end());
  record["quality"] = seen.quality;
  record["oracle"] = {{"class", oracles.at(static_cast<std::size_t>(bound.variant->can.oracle))},
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

json skipped_record(const skipped_row& s) {
  json record{{"schema", schema_number}, {"status", "skipped"}, {"reason", s.reason}};
  const std::string heap = s.heap.empty() ? "" : "@" + s.heap;
  record["row"] = fmt::format("{}{}|{}|{}|{}", s.label(), heap, s.workload, s.threads, s.mode);
  record["skipped"] = {{"strategy", s.strategy}, {"workload", s.workload}, {"threads", s.threads}, {"mode", s.mode},
                       {"heap", s.heap}};
  if (!s.allocator.empty()) record["skipped"]["allocator"] = s.allocator;
  return record;
}

}  // namespace tally
