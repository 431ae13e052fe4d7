#include "harness/report/counters_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/base/text.hpp"
#include "harness/counters/perf.hpp"
#include "harness/measure/statistics.hpp"

namespace tally {
namespace {

resolved_group here(const counter_group& g) {
  counter_plan plan{resolve(g, this_cpu())};
  return available_here(std::move(plan), kernel_perf()).front();
}

// Why nothing, or not all of a group, is counted here; empty if all is.
std::string absence(const resolved_group& g) {
  if (!g.absent.empty()) return g.absent;
  std::size_t missing = 0;
  std::string first;
  for (const auto& e : g.events) {
    if (e.absent.empty()) continue;
    if (++missing == 1) first = e.absent;
  }
  if (missing == 0) return "";
  return missing == g.events.size() ? first : fmt::format("{} of {} events: {}", missing, g.events.size(), first);
}

std::string processors(const counter_section& s) {
  if (s.vendor == "any") return "any processor";
  std::string out = s.vendor;
  for (const auto& m : s.models) {
    out += fmt::format(" {}/{}", m.family, m.first);
    if (m.last != m.first) out += fmt::format("-{}", m.last);
  }
  return out;
}

struct column {
  std::string unit;
  std::map<std::string, std::vector<double>> values;  // by strategy
};
struct scene_table {
  std::string title;
  std::vector<std::string> rows;   // in the order of the results
  std::vector<std::string> order;  // of the metrics
  std::map<std::string, column> columns;
};

std::string table_text(const scene_table& t, const std::string& group) {
  std::vector<const std::string*> names;
  for (const auto& m : t.order) {
    if (m.starts_with(group + ".") && !t.columns.at(m).values.empty()) names.push_back(&m);
  }
  if (names.empty()) return "";
  std::size_t width = group.size();
  for (const auto& r : t.rows) width = std::max(width, r.size());
  std::string out = fmt::format("  {}\n  {:{}}", t.title, group, width + 2);
  for (const auto* n : names) {
    const auto& c = t.columns.at(*n);
    out += fmt::format("  {}{}", n->substr(group.size() + 1), c.unit == "1/op" ? "" : fmt::format(" ({})", c.unit));
  }
  out += "\n";
  for (const auto& row : t.rows) {
    std::string line = fmt::format("    {:{}}", row, width);
    for (const auto* n : names) {
      const auto& c = t.columns.at(*n);
      const std::size_t w = n->size() - group.size() - 1 + (c.unit == "1/op" ? 0 : c.unit.size() + 3);
      const auto found = c.values.find(row);
      line += fmt::format("  {:>{}}", found == c.values.end() ? "-" : fmt::format("{:.4g}", median(found->second)), w);
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string counters_text(std::string_view indent) {
  std::size_t width = 0;
  for (const auto& g : built_in_counters()) width = std::max(width, g.name.size());
  std::string out;
  for (const auto& g : built_in_counters()) {
    const std::string missing = absence(here(g));
    out += fmt::format("{}{:{}}  {}\n", indent, g.name, width, g.summary);
    if (!missing.empty()) out += fmt::format("{}{:{}}  absent here: {}\n", indent, "", width, missing);
  }
  return out;
}

json counter_group_json(const counter_group& g) {
  const resolved_group r = here(g);
  json events = json::array(), metrics = json::array();
  for (const auto& e : r.events) {
    json one{{"name", e.name}, {"encoding", e.encoding}, {"source", e.source}};
    if (!e.absent.empty()) one["absent"] = e.absent;
    events.push_back(std::move(one));
  }
  for (const auto& m : r.metrics) {
    metrics.push_back({{"name", g.name + "." + m.name}, {"unit", m.unit}, {"formula", m.text}, {"meaning", m.meaning}});
  }
  json one{{"name", g.name}, {"summary", g.summary}, {"notes", g.notes}, {"events", events}, {"metrics", metrics}};
  if (!r.absent.empty()) one["absent"] = r.absent;
  return one;
}

json counters_json() {
  json list = json::array();
  for (const auto& g : built_in_counters()) list.push_back(counter_group_json(g));
  return list;
}

std::string describe_counters(const counter_group& g) {
  std::string out = fmt::format("{}: {}\n", g.name, g.summary);
  for (const auto& n : g.notes) out += fmt::format("  note: {}\n", n);
  out += g.least_share > 1
             ? "  shared out in time: no figure\n"
             : fmt::format("  shared out in time: scaled if on the PMU for at least {:.0f} % of it\n", 100 * g.least_share);
  const counter_section* mine = g.section_for(this_cpu());
  const resolved_group r = here(g);
  for (const auto& s : g.sections) {
    out += fmt::format("\nOn {}{}:\n", processors(s), &s == mine ? " (this machine)" : "");
    for (const auto& e : s.events) {
      out += fmt::format("  event {}{}  {}\n      {}\n", e.name, e.kernel ? " (in the kernel)" : "",
                         fmt::join(e.encodings, " | "), e.source);
      if (&s != mine) continue;
      const auto found = std::ranges::find(r.events, e.name, &resolved_event::name);
      if (!found->absent.empty()) out += fmt::format("      absent here: {}\n", found->absent);
    }
    for (const auto& m : s.metrics) {
      out += fmt::format("  {}.{} = {}  [{}]\n      {}\n", g.name, m.name, m.text, m.unit, m.meaning);
    }
  }
  if (mine == nullptr) out += fmt::format("\nAbsent here: {}\n", r.absent);
  return out;
}

std::string counters_summary(const std::vector<result>& results, const std::vector<std::string>& order) {
  std::vector<std::string> groups, scenes;
  std::map<std::string, scene_table> tables;
  std::map<std::string, std::map<std::string, std::vector<std::string>>> absent;  // reason -> group -> metrics
  std::map<std::string, std::set<std::string>> all_metrics;                       // group -> metrics
  for (const result* r : in_order(results, order)) {                              // windows come in a random order
    if (!r->has_metrics() || r->counters.empty() || r->role == row_role::again) continue;
    for (const auto& file : r->counters) {
      const std::string g = std::filesystem::path(file).stem().string();
      if (std::ranges::find(groups, g) == groups.end()) groups.push_back(g);
    }
    if (!tables.contains(r->scene)) {
      scenes.push_back(r->scene);
      tables[r->scene].title = r->title();
    }
    scene_table& t = tables[r->scene];
    const std::string row = r->label();
    if (std::ranges::find(t.rows, row) == t.rows.end()) t.rows.push_back(row);
    for (const auto& m : r->metrics) {
      if (std::ranges::none_of(groups, [&](const std::string& g) { return m.name.starts_with(g + "."); })) continue;
      const std::string group = m.name.substr(0, m.name.find('.'));
      all_metrics[group].insert(m.name);
      if (!m.value) {
        auto& names = absent[m.reason][group];
        if (std::ranges::find(names, m.name) == names.end()) names.push_back(m.name);
        continue;
      }
      if (!t.columns.contains(m.name)) t.order.push_back(m.name), t.columns[m.name].unit = m.unit;
      t.columns[m.name].values[row].push_back(*m.value);
    }
  }
  if (groups.empty()) return "";
  std::string out = "Counters per operation, medians over the windows:\n";
  for (const auto& g : groups) {
    for (const auto& s : scenes) out += table_text(tables[s], g);
  }
  for (const auto& [reason, by_group] : absent) {
    std::vector<std::string> what;
    for (const auto& [group, names] : by_group) {
      if (names.size() == all_metrics[group].size()) {
        what.push_back(group);
      } else {
        what.insert(what.end(), names.begin(), names.end());
      }
    }
    out += fmt::format("  absent: {}: {}\n", fmt::join(what, ", "), reason);
  }
  return out + "\n";
}

}  // namespace tally
