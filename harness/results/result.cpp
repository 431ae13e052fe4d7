#include "harness/results/result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/base/errors.hpp"
#include "harness/base/text.hpp"

namespace tally {
namespace {

const json& none() {
  static const json empty = json::object();
  return empty;
}
// An object's member, or an empty object where there is none.
const json& member(const json& in, const char* key) {
  const auto found = in.find(key);
  return found == in.end() || found->is_null() ? none() : *found;
}
std::optional<double> number_in(const json& in, const char* key) {
  const auto found = in.find(key);
  return found != in.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::vector<metric_value> metrics_in(const json& metrics) {
  std::vector<metric_value> all;
  for (const auto& [name, m] : metrics.items()) {
    metric_value v;
    v.name = name;
    v.unit = m.value("unit", "");
    v.evidence = m.value("class", "");
    v.value = number_in(m, "value");
    v.low = number_in(m, "low");
    v.high = number_in(m, "high");
    v.reason = m.value("reason", "");
    all.push_back(std::move(v));
  }
  return all;
}

std::vector<field_result> fields_in(const json& record) {
  std::vector<field_result> all;
  const auto add = [&](const std::string& name, const json& f) {
    all.push_back({name, f.value("rmws", 0.0), f.value("known", 0.0), f.value("handoffs", 0.0), f.value("transfers", 0.0)});
  };
  for (const auto& f : member(member(record, "handoffs"), "fields")) add(f.at("name"), f);
  for (const auto& [name, f] : member(member(record, "simulation"), "fields").items()) add(name, f);
  return all;
}

std::optional<agreement_result> agreement_in(const json& record) {
  const json& a = member(record, "agreement");
  if (a.empty()) return std::nullopt;
  const auto side = [](const json& s) { return agreement_result::side{s.at("handoffs_per_op"), s.at("low"), s.at("high")}; };
  const json& seen = a.at("observed");
  return agreement_result{a.at("verdict"), a.at("words"),      side(a.at("simulated")),
                          side(seen),      seen.at("windows"), number_in(seen, "latency_ns")};
}

std::optional<window_moments> moments_in(const json& record) {
  const json& around = member(record, "environment");
  if (around.empty()) return std::nullopt;
  window_moments moments;
  from_json(around.at("before"), moments.before);
  from_json(around.at("after"), moments.after);
  const json& probe = member(around.at("before"), "handoff");
  if (probe.contains("p50_ns")) moments.handoff = {probe.at("cpus").at(0), probe.at("cpus").at(1), probe.at("p50_ns")};
  return moments;
}

// What a row's name does not say: options and parameters at their defaults, which another revision may have changed, and how the row
// was measured.
std::vector<std::string> setup_in(const json& c) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& name, const json& value) { all.push_back(fmt::format("{} {}", name, value.dump())); };
  for (const char* whose : {"options", "tunables"}) {
    for (const auto& [name, value] : member(member(c, "strategy"), whose).items()) add(name, value);
  }
  for (const auto& [name, value] : member(member(c, "workload"), "parameters").items()) add(name, value);
  for (const auto& [name, value] : member(c, "simulation").items()) add(name, value);
  add("heap limit", number_in(member(c, "heap"), "limit_bytes").value_or(0));
  for (const char* name : {"ramp_ns", "window_ns", "pin", "cpus", "gc_workers"}) {
    if (c.contains(name)) add(name, c.at(name));
  }
  return all;
}

void read_config(const json& c, result& r) {
  const json &strategy = member(c, "strategy"), &workload = member(c, "workload"), &heap = member(c, "heap");
  r.strategy = strategy.value("label", "");
  r.own_heap = strategy.value("own_heap", false);
  r.on_block_heap = member(strategy, "options").value("heap", "") == "block";
  r.workload = workload.value("label", "");
  r.threads = c.value("threads", std::size_t{1});
  r.think_ns = c.value("think_ns", std::uint64_t{0});
  r.mode = c.value("mode", "");
  r.simulated = r.mode == "simulated";
  measure_choice how;
  read_rate(c, how.rate, how.arrivals);
  r.measured = r.mode;
  if (how.rate.open()) how.mode = measure_mode::latency, r.measured = how.words();
  r.heap_limit_bytes = static_cast<std::uint64_t>(number_in(heap, "limit_bytes").value_or(0));
  r.oversubscribed = c.value("oversubscribed", false);
  r.counters = c.value("counters", std::vector<std::string>{});
  r.setup = setup_in(c);
  r.identity = fmt::format("{}|{}|{}|{}|{}|{}", r.strategy, workload.value("name", ""), member(workload, "parameters").dump(),
                           r.threads, r.heap_limit_bytes, r.think_ns);
}

result read(const json& record) {
  result r;
  r.row = record.at("row");
  r.scene = record.value("scene", "");
  r.status = enum_named<row_status>(row_status_names, record.at("status").get<std::string>(), "status");
  r.reason = record.value("reason", "");
  if (record.contains("role")) r.role = role_named(record.at("role").get<std::string>());
  r.process = record.value("process", 0);
  r.block = record.value("block", 0);
  read_config(member(record, "config"), r);
  r.metrics = metrics_in(member(record, "metrics"));
  r.fields = fields_in(record);
  r.doubtful = member(record, "quality").value("doubtful", false);
  r.verdict = member(record, "quality").value("verdict", "");
  r.never_frees =
      member(record, "oracle").value("class", "") == oracle_names[static_cast<std::size_t>(oracle_class::never_frees)];
  r.saturated = member(record, "open_loop").value("saturated", false);
  r.agreement = agreement_in(record);
  r.executable = member(record, "binary").value("executable", "");
  r.machine = member(record, "machine").value("machine_id", "");
  r.moments = moments_in(record);
  r.origin = member(record, "merged").value("origin", "");
  r.unsettled = member(record, "simulation").value("unsettled", "");
  return r;
}

}  // namespace

const metric_value* result::find(std::string_view name) const {
  const auto found = std::ranges::find(metrics, name, &metric_value::name);
  return found == metrics.end() ? nullptr : &*found;
}

double result::number(std::string_view name) const {
  const metric_value* m = find(name);
  return m != nullptr && m->value ? *m->value : NAN;
}

double result::number_or(std::string_view name, double otherwise) const {
  const metric_value* m = find(name);
  return m != nullptr ? m->value.value_or(otherwise) : otherwise;
}

std::string result::title() const { return fmt::format("{}, {}", workload, counted(threads, "thread")); }

result result_from(const json& record) {
  try {
    return read(record);
  } catch (const json::exception&) {
    throw results_error("not a record of results (results/schema.json)");
  } catch (const usage_error& e) {
    throw results_error(e.what());
  }
}

std::vector<const result*> in_order(const std::vector<result>& results, const std::vector<std::string>& order) {
  std::map<std::string, std::size_t> rank;
  for (const auto& key : order) rank.emplace(key, rank.size());
  std::vector<const result*> all;
  for (const auto& r : results) all.push_back(&r);
  std::ranges::stable_sort(all, {}, [&](const result* r) {
    const auto found = rank.find(r->row);
    return found == rank.end() ? rank.size() : found->second;
  });
  return all;
}

}  // namespace tally
