#include "harness/report/findings_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/engine.hpp"

namespace tally {
namespace {

constexpr std::string_view by_chance = "beyond what refutes it, and that may be chance among so many checks";
constexpr int never_an_interval = 1'000'000;  // processes

constexpr std::array<std::string_view, 4> verdict_names{"reproduced", "direction only", "refuted", "not testable here"};

// A row, and the scene that it is in.
struct found_row {
  const scene_group* scene = nullptr;
  const row_group* row = nullptr;
};

found_row find_row(const std::vector<scene_group>& scenes, const finding_key& key) {
  for (const auto& scene : scenes) {
    for (const auto& row : scene.rows) {
      if (!row.again && key.names(*row.windows.front())) return {&scene, &row};
    }
  }
  return {};
}

interval spread_of(const replicated& values) {
  interval out{INFINITY, -INFINITY};
  for (const auto& process : values) {
    for (const double v : process) {  // a window without the figure has NaN, which is neither less nor greater
      if (v < out.low) out.low = v;
      if (v > out.high) out.high = v;
    }
  }
  return out;
}

// Of what an estimate with an interval says of a check's bounds.
double p_beyond(const finding_check& c, const ratio_estimate& r) {
  if (c.refuted_above && r.ratio > *c.refuted_above) return r.p_of(*c.refuted_above);
  if (c.refuted_below && r.ratio < *c.refuted_below) return r.p_of(*c.refuted_below);
  return 1;
}

std::optional<check_figure> figure_of(const finding_check& c, const found_row& at, const estimator& statistics) {
  const auto e = statistics.one(*at.scene, *at.row, c.metric);
  if (!e) return {};
  const replicated values = at.row->values(c.metric);
  check_figure out{e->value, e->confidence.value_or(spread_of(values))};
  if (!e->confidence) return out;
  replicated ones = values;  // over 1, a figure is a ratio
  for (auto& process : ones) std::ranges::fill(process, 1.0);
  if (const auto r = ratio_of(values, ones, never_an_interval)) out.p = p_beyond(c, *r);
  return out;
}
std::optional<check_figure> ratio_of_rows(const finding_check& c, const found_row& over, const found_row& under,
                                          const estimator& statistics) {
  const auto r = statistics.ratio(*over.row, *under.row, c.metric);
  if (!r) return {};
  check_figure out{r->ratio, r->confidence.value_or(r->spread)};
  if (r->confidence) out.p = p_beyond(c, *r);
  return out;
}

std::string figure_text(double v) { return v < 1000 ? fmt::format("{:.3g}", v) : fmt::format("{:.0f}", v); }

std::string here_text(const judged_check& c) {
  if (!c.here) return c.why;
  return fmt::format("{} [{}, {}]", figure_text(c.here->value), figure_text(c.here->around.low),
                     figure_text(c.here->around.high));
}

// Of the table: reasons may be sentences.
std::string short_text(const judged_check& c) {
  constexpr std::size_t most = 40;
  const std::string text = here_text(c);
  return text.size() <= most ? text : text.substr(0, most - 3) + "...";
}

bool may_be_refuted(const finding_check& c, const interval& around) {
  return around.high > c.refuted_above.value_or(around.high) || around.low < c.refuted_below.value_or(around.low);
}
bool may_be_in_band(const finding_check& c, const interval& around) { return around.high >= c.low && around.low <= c.high; }

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

finding_verdict verdict_of(const finding_check& c, const check_figure& here) {
  const interval& around = here.around;
  if (c.refuted_above && around.low > *c.refuted_above) return finding_verdict::refuted;
  if (c.refuted_below && around.high < *c.refuted_below) return finding_verdict::refuted;
  return !may_be_refuted(c, around) && may_be_in_band(c, around) ? finding_verdict::reproduced : finding_verdict::direction_only;
}

std::set<std::string> judged_finding::open_rows() const {
  if (verdict == finding_verdict::refuted) return {};
  const auto outside = [](const judged_check& c) {
    return c.here && !may_be_in_band(*c.check, c.here->around) && !may_be_refuted(*c.check, c.here->around);
  };
  const bool never_reproduced = std::ranges::any_of(checks, outside);
  const auto at_an_edge = [](const judged_check& c) {
    return may_be_in_band(*c.check, c.here->around) && !may_be_in_band(*c.check, {c.here->value, c.here->value});
  };
  std::set<std::string> rows;
  for (const judged_check& c : checks) {
    if (!c.here) continue;
    const interval point{c.here->value, c.here->value};
    const bool may_be = may_be_refuted(*c.check, c.here->around);
    if (!may_be && (never_reproduced || !at_an_edge(c))) continue;
    if (never_reproduced && !may_be_refuted(*c.check, point)) continue;
    rows.insert(c.check->over);
    if (!c.check->under.empty()) rows.insert(c.check->under);
  }
  return rows;
}

judged_finding judge(const finding& f, const finding_keys& keys, const std::vector<scene_group>& scenes,
                     const estimator& statistics) {
  judged_finding out{&f, {}, {}, false};
  for (const finding_check& c : f.checks) {
    judged_check j{&c, {}, finding_verdict::not_testable, ""};
    const auto look_up = [&](const std::string& name) {
      const finding_key& key = keys.at(name);
      const found_row at = find_row(scenes, key);
      if (at.row == nullptr) {
        j.why = key.reason.empty() ? fmt::format("{} was not measured", name) : fmt::format("{}: {}", name, key.reason);
      } else {
        out.shaky = out.shaky || 2 * at.row->doubtful() >= at.row->windows.size();
      }
      return at;
    };
    const found_row over = look_up(c.over), under = c.under.empty() ? found_row{} : look_up(c.under);
    if (j.why.empty()) {
      j.here = c.under.empty() ? figure_of(c, over, statistics) : ratio_of_rows(c, over, under, statistics);
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

void correct_refutations(std::vector<judged_finding>& all) {
  std::vector<judged_check*> checks;
  std::vector<double> p;
  for (auto& j : all) {
    for (auto& c : j.checks) {
      if (!c.here || !c.here->p || !(c.check->refuted_above || c.check->refuted_below)) continue;
      checks.push_back(&c);
      p.push_back(*c.here->p);
    }
  }
  const std::vector<double> adjusted = holm_adjusted(p);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    judged_check& c = *checks[i];
    c.corrected = c.verdict == finding_verdict::refuted && adjusted[i] >= significance;
    if (c.corrected) c.verdict = finding_verdict::direction_only;
  }
  for (auto& j : all) j.verdict = together(j.checks);
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
      out += fmt::format("{:{}}  {:{}}  {:{}}  {}{}{}\n", first ? j.about->slug : "", slug, c.check->expected(), expected,
                         here_text(c), here, name_of(c.verdict), first && j.shaky ? " *" : "", c.corrected ? " +" : "");
      first = false;
    }
  }
  const auto corrected = [](const judged_finding& j) { return std::ranges::any_of(j.checks, &judged_check::corrected); };
  if (std::ranges::any_of(all, corrected)) out += fmt::format("+ {}\n", by_chance);
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
  if (!f.interpreters.empty()) out += fmt::format("of CPython scripts/gil_vs_ft.py --only {}\n", fmt::join(f.interpreters, ","));
  out += "\n";
  for (const auto& c : j.checks) {
    out +=
        fmt::format("{}: {}\n  expected {} [{}]\n  here     {}  {}{}\n", c.check->name, c.check->subject(), c.check->expected(),
                    c.check->source, here_text(c), name_of(c.verdict), c.corrected ? fmt::format(" ({})", by_chance) : "");
  }
  out += "\n";
  for (const finding_row& r : f.rows) {
    const finding_key& key = keys.at(r.name);
    out += fmt::format("{}: {}\n", r.name, key.reason.empty() ? key.text() : key.reason);
    if (const row_group* row = find_row(scenes, key).row) {
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
        one[c.check->under.empty() ? "value" : "ratio"] = c.here->value;
        one["interval"] = {c.here->around.low, c.here->around.high};
        one["p"] = c.here->p ? json(*c.here->p) : json(nullptr);
        one["corrected"] = c.corrected;
      } else {
        one["reason"] = c.why;
      }
      checks.push_back(std::move(one));
    }
    list.push_back({{"finding", j.about->slug},
                    {"claim", j.about->claim},
                    {"interpreters", j.about->interpreters},
                    {"verdict", name_of(j.verdict)},
                    {"doubtful", j.shaky},
                    {"checks", checks}});
  }
  return list;
}

}  // namespace tally
