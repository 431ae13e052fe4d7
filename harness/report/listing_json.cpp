#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "harness/base/bundled.hpp"
#include "harness/report/counters_report.hpp"
#include "harness/report/listing.hpp"
#include "harness/report/machines_list.hpp"
#include "harness/report/metrics_list.hpp"
#include "harness/report/runtimes_list.hpp"
#include "harness/run/choices.hpp"

namespace tally {
namespace {

json capability_json(const capabilities& c) {
  return {{"threads", !c.single_threaded},
          {"weak", c.weak},
          {"shared_slots", c.shared_slot},
          {"borrow", c.borrow},
          {"cycles", c.cycles},
          {"finalizers", c.finalizers},
          {"observers", c.observers},
          {"heap_limit", c.limits_heap},
          {"own_heap", c.own_heap},
          {"process_global", c.process_global},
          {"takes_turns", c.takes_turns},
          {"instrumented", c.instrumented}};
}

json tunable_json(const tunable_entry& t) {
  json one{{"name", t.name}, {"summary", t.summary}, {"default", t.fallback}, {"default_from", t.default_from}};
  if (t.values.empty()) one["least"] = t.least, one["most"] = t.most;
  if (!t.values.empty()) one["values"] = t.values;
  if (!t.only_with.empty()) one["only_with"] = t.only_with;
  return one;
}

json strategy_json(const strategy_entry& s) {
  json variants = json::array(), tunables = json::array(), cannot = json::object(), refusals = json::object();
  for (const auto& v : s.variants) {
    variants.push_back({{"name", variant_name(s, v)}, {"header_bytes", v.header_bytes}, {"can", capability_json(v.can)}});
  }
  for (const auto& t : s.tunables) tunables.push_back(tunable_json(t));
  for (const auto& c : s.variants.front().cells) {
    if (!c.unmet.empty()) cannot[std::string(c.workload)] = c.unmet;
  }
  for (const auto& r : s.refusals) refusals[std::string(r.option)] = r.reason;
  return {{"name", s.name},       {"summary", s.summary},
          {"source", s.source},   {"oracle", oracle_words(s.variants.front().can.oracle)},
          {"tunables", tunables}, {"variants", variants},
          {"cannot_run", cannot}, {"not_combined", refusals}};
}

json workload_json(const registry& all, std::size_t index) {
  const workload_info& w = all.workloads[index];
  json parameters = json::array(), cannot = json::object();
  for (const auto& p : w.parameters) {
    json one{{"name", p.name}, {"default", p.fallback()}, {"help", p.help}};
    if (p.is_number()) one["least"] = p.least, one["most"] = p.most;
    if (p.kind == parameter_kind::word) one["values"] = p.words();
    parameters.push_back(std::move(one));
  }
  for (const auto& s : all.strategies) {
    const auto& unmet = s.variants.front().cells.at(index).unmet;
    if (!unmet.empty()) cannot[std::string(s.name)] = unmet;
  }
  return {{"name", w.name},           {"summary", w.summary}, {"step", w.step}, {"min_threads", w.min_lanes},
          {"parameters", parameters}, {"cannot_run", cannot}};
}

json suite_json(const suite_info& s) {
  json groups = json::array();
  for (const auto& g : s.groups) {
    json modes = json::array();
    for (const auto m : g.modes) modes.push_back(name_of(m));
    groups.push_back({{"title", g.title},
                      {"workloads", texts_of(g.workloads)},
                      {"strategies", texts_of(g.strategies)},
                      {"set", texts_of(g.sets)},
                      {"threads", g.threads.text()},
                      {"modes", modes},
                      {"think", g.thinks.ns.empty() ? "" : g.thinks.text()},
                      {"heaps", texts_of(g.heaps)},
                      {"allocators", texts_of(g.allocators)}});
  }
  return {{"name", s.name},
          {"summary", s.summary},
          {"processes", s.how.processes},
          {"windows", s.how.windows},
          {"window", duration_text(s.how.window)},
          {"brief_windows", s.how.briefs},
          {"groups", groups}};
}

}  // namespace

json list_json(const registry& all, std::string_view what) {
  const auto wanted = [&](std::string_view section) { return what.empty() || what == section; };
  json out = json::object();
  if (wanted("strategies")) {
    json& list = out["strategies"] = json::array();
    for (const auto& s : all.strategies) list.push_back(strategy_json(s));
  }
  if (wanted("workloads")) {
    json& list = out["workloads"] = json::array();
    for (std::size_t i = 0; i < all.workloads.size(); ++i) list.push_back(workload_json(all, i));
  }
  if (wanted("suites")) {
    json& list = out["suites"] = json::array();
    for (const auto& s : all_suites()) list.push_back(suite_json(s));
  }
  for (const auto& [section, files] : bundled_sections) {
    if (const std::string why = bundled_missing(files); wanted(section) && !why.empty()) throw results_error(why);
  }
  if (wanted("counters")) out["counters"] = counters_json();
  if (wanted("metrics")) out["metrics"] = metrics_json();
  if (wanted("machines")) out["machines"] = machines_json();
  if (wanted("runtimes")) out["runtimes"] = runtimes_json();
  return out;
}

json describe_json(const registry& all, const std::string& name) {
  (void)describe_text(all, name);  // what throws where there is nothing of that name
  if (name.ends_with(".group")) return {{"counters", json::array({counter_group_json(choose_counters({name}).front())})}};
  if (name.ends_with(".machine")) return {{"machines", json::array({machine_json(sim::load_machine(name), name)})}};
  // A variant is described by its strategy.
  const std::string family = name.substr(0, name.find(':'));
  json out = json::object();
  for (const auto section : list_sections) {
    const auto files = std::ranges::find(bundled_sections, section, [](const auto& s) { return s.first; });
    if (files != bundled_sections.end() && !bundled_missing(files->second).empty()) continue;
    const json listed = list_json(all, section);
    const std::string in(section);
    for (const auto& entry : listed.at(in)) {
      if (entry.at("name") == name || entry.at("name") == family) out[in].push_back(entry);
    }
    if (!out.empty()) break;  // as the text does: the first section that has it
  }
  return out;
}

}  // namespace tally
