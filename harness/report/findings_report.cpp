#include "harness/report/findings_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/engine.hpp"

namespace tally {
namespace {

constexpr std::array<std::string_view, 4> verdict_names{"reproduced", "direction only", "refuted", "not testable here"};

const row_group* find_group(const std::vector<scene_group>& scenes, const finding_key& key) {
  for (const auto& scene : scenes) {
    for (const auto& row : scene.rows) {
      if (!row.again && key.names(*row.windows.front())) return &row;
    }
  }
  return nullptr;
}

interval reach(const ratio_estimate& r) { return r.confidence.value_or(r.spread); }

std::string with_interval(const ratio_estimate& r) {
  const interval around = reach(r);
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", r.ratio, around.low, around.high);
}

std::string here_text(const judged_check& c) { return c.here ? with_interval(*c.here) : c.why; }

// Of the table: reasons may be sentences.
std::string short_text(const judged_check& c) {
  constexpr std::size_t most = 40;
  const std::string text = here_text(c);
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

// Of a finding: the worst that a check says; what can't be tested counts only where nothing else is known.
finding_verdict together(const std::vector<judged_check>& checks) {
  constexpr std::array order{finding_verdict::refuted, finding_verdict::direction_only, finding_verdict::not_testable,
                             finding_verdict::reproduced};
  for (const auto v : order) {
    if (std::ranges::find(checks, v, &judged_check::verdict) != checks.end()) return v;
  }
  return finding_verdict::not_testable;
}

}  // namespace

bool finding_key::names(const result& r) const {
  return reason.empty() && r.strategy == strategy && r.workload == workload && r.threads == threads && r.mode == mode;
}

std::string finding_key::text() const { return fmt::format("{}|{}|{}|{}", strategy, workload, threads, mode); }

std::string_view name_of(finding_verdict v) { return verdict_names.at(static_cast<std::size_t>(v)); }

finding_verdict verdict_of(const finding_check& c, const ratio_estimate& r) {
  const interval around = reach(r);
  if (c.refuted_above && around.low > *c.refuted_above) return finding_verdict::refuted;
  if (c.refuted_below && around.high < *c.refuted_below) return finding_verdict::refuted;
  const bool may_be_refuted =
      around.high > c.refuted_above.value_or(around.high) || around.low < c.refuted_below.value_or(around.low);
  return !may_be_refuted && r.ratio >= c.low && r.ratio <= c.high ? finding_verdict::reproduced : finding_verdict::direction_only;
}

judged_finding judge(const finding& f, const finding_keys& keys, const std::vector<scene_group>& scenes,
                     const estimator& statistics) {
  judged_finding out{&f, {}, {}, false};
  for (const finding_check& c : f.checks) {
    judged_check j{&c, {}, finding_verdict::not_testable, ""};
    std::array<const row_group*, 2> rows{};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string& name = i == 0 ? c.over : c.under;
      const finding_key& key = keys.at(name);
      rows[i] = find_group(scenes, key);
      if (rows[i] == nullptr) {
        j.why = key.reason.empty() ? fmt::format("{} was not measured", name) : fmt::format("{}: {}", name, key.reason);
      } else {
        out.shaky = out.shaky || 2 * rows[i]->doubtful() >= rows[i]->windows.size();
      }
    }
    if (j.why.empty()) {
      j.here = statistics.ratio(*rows[0], *rows[1], c.metric);
      if (j.here) {
        j.verdict = verdict_of(c, *j.here);
      } else {
        j.why = fmt::format("a row has no {}", c.metric);
      }
    }
    out.checks.push_back(std::move(j));
  }
  out.verdict = together(out.checks);
  return out;
}

std::string findings_table(const std::vector<judged_finding>& all) {
  std::size_t slug = 7, expected = 8, here = 4;
  for (const auto& j : all) {
    slug = std::max(slug, j.about->slug.size());
    for (const auto& c : j.checks) {
      expected = std::max(expected, c.check->expected().size());
      here = std::max(here, short_text(c).size());
    }
  }
  std::string out = fmt::format("{:{}}  {:{}}  {:{}}  verdict\n", "finding", slug, "expected", expected, "here", here);
  for (const auto& j : all) {
    bool first = true;
    for (const auto& c : j.checks) {  // each with its own verdict: the finding's is the worst of them
      out += fmt::format("{:{}}  {:{}}  {:{}}  {}{}\n", first ? j.about->slug : "", slug, c.check->expected(), expected,
                         here_text(c), here, name_of(c.verdict), first && j.shaky ? " *" : "");
      first = false;
    }
  }
  if (std::ranges::any_of(all, &judged_finding::shaky)) {
    out += "* the machine was busy, or threads did not overlap, in half of a row's windows or more\n";
  }
  return out;
}

std::string finding_in_full(const judged_finding& j, const std::vector<scene_group>& scenes, const finding_keys& keys) {
  const finding& f = *j.about;
  std::string out = fmt::format("{}: {}\n  {}\n\n", f.slug, f.claim, name_of(j.verdict));
  for (const auto& p : f.published) out += fmt::format("published  {} [{}]\n", p.value, p.source);
  for (const auto& m : f.machines) out += fmt::format("on         {} [{}]\n", m.value, m.source);
  if (!f.explained.empty()) out += fmt::format("here       {}\n", f.explained);
  out += "\n";
  for (const auto& c : j.checks) {
    out += fmt::format("{}: {} / {}, {}\n  expected {} [{}]\n  here     {}  {}\n", c.check->name, c.check->over, c.check->under,
                       c.check->metric, c.check->expected(), c.check->source, here_text(c), name_of(c.verdict));
  }
  out += "\n";
  for (const finding_row& r : f.rows) {
    const finding_key& key = keys.at(r.name);
    out += fmt::format("{}: {}\n", r.name, key.reason.empty() ? key.text() : key.reason);
    if (const row_group* row = find_group(scenes, key)) {
      for (const char* metric : {"ns_per_op", "ops_per_second"}) {
        if (row->has(metric)) out += fmt::format("  {} {:.4g}\n", metric, centre(row->values(metric)));
      }
    }
    const std::string threads = std::to_string(r.threads);
    out += "  " +
           (key.mode == simulated_mode ? command("sim", "--strategy", r.strategy, "--workload", r.workload, "--cores", threads)
                                       : command("run", "--strategy", r.strategy, "--workload", r.workload, "--threads", threads,
                                                 "--mode", name_of(r.mode))) +
           "\n";
  }
  return out;
}

json findings_json(const std::vector<judged_finding>& all) {
  json list = json::array();
  for (const auto& j : all) {
    json checks = json::array();
    for (const auto& c : j.checks) {
      json one{{"name", c.check->name},        {"metric", c.check->metric},       {"low", c.check->low},
               {"high", c.check->high},        {"expected", c.check->expected()}, {"source", c.check->source},
               {"verdict", name_of(c.verdict)}};
      if (c.check->refuted_above) one["refuted_above"] = *c.check->refuted_above;
      if (c.check->refuted_below) one["refuted_below"] = *c.check->refuted_below;
      if (c.here) {
        const interval around = reach(*c.here);
        one["ratio"] = c.here->ratio;
        one["interval"] = {around.low, around.high};
      } else {
        one["reason"] = c.why;
      }
      checks.push_back(std::move(one));
    }
    list.push_back({{"finding", j.about->slug},
                    {"claim", j.about->claim},
                    {"verdict", name_of(j.verdict)},
                    {"doubtful", j.shaky},
                    {"checks", checks}});
  }
  return list;
}

}  // namespace tally
