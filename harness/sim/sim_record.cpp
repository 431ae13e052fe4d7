#include "harness/sim/sim_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "harness/results/binary.hpp"
#include "harness/sim/sim_metrics.hpp"

namespace tally::sim {
namespace {

double per_operation(std::uint64_t n, const point_result& p) {
  return p.operations == 0 ? 0 : static_cast<double>(n) / static_cast<double>(p.operations);
}

json metrics_of(const row_points& r) {
  json all = json::object();
  const auto add = [&](std::string_view name, double seen_value, std::string_view unit, std::string_view evidence) {
    all[std::string(name)] = {{"value", seen_value}, {"unit", unit}, {"class", evidence}};
  };
  const simulated_point seen(r.points.front(), r.clock_ghz, r.row.header_bytes);
  for (const auto& m : simulated_metrics()) {
    if (const auto v = m.of(seen)) add(m.name, *v, m.unit, m.evidence);
  }
  // The band over schedules.
  double low = per_operation(seen.total.transfers(), seen.point), high = low;
  for (const auto& other : r.points) {
    if (other.operations == 0) continue;
    const double here = per_operation(other.total().transfers(), other);
    low = std::min(low, here);
    high = std::max(high, here);
  }
  all["transfers_per_op"]["low"] = low;
  all["transfers_per_op"]["high"] = high;
  for (const auto& own : r.points.front().metrics) add(own.name, own.value, own.unit, "simulated");
  return all;
}

// A row's band has all schedules in it.
std::string unsettled(const row_points& r) {
  for (std::size_t i = 0; i < r.points.size(); ++i) {
    const point_result& p = r.points[i];
    if (p.unsettled.empty()) continue;
    return fmt::format("after {} operations under {}: {}", p.operations, r.schedules[i], p.unsettled);
  }
  return "";
}

json simulation(const row_points& r) {
  const point_result& p = r.points.front();
  json fields = json::object(), paths = json::object(), schedules = json::array();
  for (const auto& f : p.fields) {
    fields[f.name] = to_json(f.sum);
    if (f.failed_cas != 0) fields[f.name]["failed_cas"] = f.failed_cas;
    if (f.handoffs.rmws != 0) {
      fields[f.name].update({{"rmws", f.handoffs.rmws}, {"known", f.handoffs.known}, {"handoffs", f.handoffs.handoffs}});
    }
  }
  for (const auto& [name, n] : p.paths) paths[name] = n;
  for (std::size_t i = 0; i < r.points.size(); ++i) {
    const point_result& s = r.points[i];
    schedules.push_back({{"schedule", r.schedules[i]},
                         {"operations", s.operations},
                         {"cycles", s.cycles},
                         {"transfers", s.total().transfers()},
                         {"invalidations", s.total().invalidations},
                         {"handoffs", s.handoffs().handoffs}});
    if (!s.unsettled.empty()) schedules.back()["unsettled"] = s.unsettled;
  }
  json result{{"operations", p.operations},
              {"cycles", p.cycles},
              {"fields", std::move(fields)},
              {"paths", std::move(paths)},
              {"schedules", std::move(schedules)}};
  if (const std::string why = unsettled(r); !why.empty()) result["unsettled"] = why;
  // Who takes lines from whom; sparse, since most pairs never do.
  json taken = json::array();
  for (std::size_t from = 0; from < p.taken.size(); ++from) {
    for (std::size_t to = 0; to < p.taken[from].size(); ++to) {
      if (p.taken[from][to] != 0) taken.push_back({from, to, p.taken[from][to]});
    }
  }
  result["taken"] = std::move(taken);
  return result;
}

}  // namespace

row_key key_of(const row_points& p) {
  row_key key = p.row.parts();
  key.mode = "simulated";
  key.simulated_on = fmt::format("{}|{}|{}", p.machine_name, p.protocol, p.caches);
  key.again = false;
  return key;
}

json to_json(const traffic& t) {
  json hits = json::object(), misses = json::object(), data = json::object();
  for (unsigned k = 0; k < access_kinds; ++k) {
    for (unsigned level = 0; level < 2; ++level) {
      for (unsigned s = 0; s < hit_states; ++s) {
        if (t.hit[k][level][s] != 0)
          hits[fmt::format("{}_{}_l{}", access_kind_names[k], hit_state_names[s], level + 1)] = t.hit[k][level][s];
      }
    }
    if (t.miss[k] != 0) misses[access_kind_names[k]] = t.miss[k];
  }
  for (unsigned o = 0; o < origins; ++o) {
    if (t.data[o] != 0) data[origin_names[o]] = t.data[o];
  }
  json j{{"hits", std::move(hits)}, {"misses", std::move(misses)}, {"data", std::move(data)}};
  traffic::each_counter(t, [&](const char* name, std::uint64_t n) {
    if (n != 0) j[name] = n;
  });
  return j;
}

void add_agreement(json& record, const compared_handoffs& c) {
  const observed_handoffs& seen = c.observed;
  const simulated_handoffs& told = c.simulated;
  record["agreement"] = {
      {"verdict", name_of(c.verdict.kind)},
      {"words", c.verdict.words},
      {"factor", c.verdict.factor},
      {"within_band", c.verdict.within_band},
      {"fields", seen.fields},
      {"simulated", {{"class", "simulated"}, {"handoffs_per_op", told.per_op}, {"low", *told.least}, {"high", *told.most}}},
      {"observed",
       {{"class", "measured"},
        {"handoffs_per_op", seen.per_op},
        {"low", seen.least},
        {"high", seen.most},
        {"windows", seen.windows},
        {"left_out", seen.left_out},
        {"operations", seen.operations},
        {"known_share", seen.known_share},
        {"latency_ns", seen.latency_ns == 0 ? json(nullptr) : json(seen.latency_ns)}}}};
}

std::string failure_of(const point_result& p, oracle_class oracle) {
  if (!p.failure.empty()) return p.failure;
  if (p.exhausted && oracle != oracle_class::never_frees) return "the heap's limit was reached";
  if (!p.oracle.ok) return "oracle: " + p.oracle.message;
  if (p.operations == 0) return "no operation ended inside the window; more --ops are needed";
  return "";
}

json simulated_record(const row_points& r) {
  row_spec row = r.row;
  for (auto& [name, value] : row.parameters) value = without_directories(value);
  json record = to_json(run_item{row, 0, 0, 0, r.seed});
  const row_key key = key_of(r);
  record["row"] = key.text();
  record["scene"] = key.scene();
  record["config"]["mode"] = "simulated";
  record["config"]["simulation"] = {{"machine", r.machine_name},  {"protocol", r.protocol},          {"caches", r.caches},
                                    {"clock_ghz", r.clock_ghz},   {"schedules", r.schedules},        {"warm_up", r.warm_up},
                                    {"operations", r.operations}, {"most_accesses", r.most_accesses}};
  std::string reason;
  for (std::size_t i = 0; i < r.points.size() && reason.empty(); ++i) {
    reason = failure_of(r.points[i], r.oracle);
    if (!reason.empty()) reason = fmt::format("schedule {}: {}", r.schedules[i], reason);
  }
  const bool exhausted = reason.empty() && std::ranges::any_of(r.points, &point_result::exhausted);
  record["status"] = !reason.empty() ? "error" : exhausted ? "exhausted" : "ok";
  if (exhausted) reason = "the arena was full before the window's end";
  if (!reason.empty()) record["reason"] = reason;
  record["binary"] = binary_identity();
  if (record["status"] == "error") return record;
  record["metrics"] = metrics_of(r);
  if (r.think != 0) record["think"] = {{"cycles", r.think}};
  const point_result& p = r.points.front();
  json lanes = json::array();
  for (const std::uint64_t n : p.lanes) lanes.push_back({{"operations", n}});
  record["lanes"] = std::move(lanes);
  record["simulation"] = simulation(r);
  record["oracle"] = {{"class", oracle_names.at(static_cast<std::size_t>(r.oracle))},
                      {"ok", p.oracle.ok},
                      {"expected", p.oracle.expected},
                      {"live", p.oracle.live},
                      {"message", p.oracle.message}};
  return record;
}

json skipped_simulated(const std::string& strategy, const std::string& workload, int cores, const std::string& reason) {
  return {{"schema", schema_number},
          {"status", "skipped"},
          {"reason", reason},
          {"row", row_key{strategy, workload, cores, "simulated"}.text()},
          {"skipped", {{"strategy", strategy}, {"workload", workload}, {"threads", cores}, {"mode", "simulated"}, {"heap", ""}}}};
}

}  // namespace tally::sim
