#include "harness/session/findings_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/measure/topology.hpp"
#include "harness/report/changes_summary.hpp"
#include "harness/report/findings_report.hpp"
#include "harness/results/results_file.hpp"
#include "harness/run/plan.hpp"
#include "harness/session/session.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr int exit_refuted = 1;

// Slugs, a line each; # begins a comment.
std::set<std::string> expected_in(const std::string& file, const std::vector<finding>& known) {
  std::set<std::string> slugs;
  if (file.empty()) return slugs;
  const auto text = text_in(file);
  if (!text) throw usage_error(fmt::format("--expect {}: can't be read", file));
  std::istringstream in(*text);
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    for (std::string slug; words >> slug;) {
      if (std::ranges::find(known, slug, &finding::slug) == known.end()) {
        throw usage_error(fmt::format("--expect {}:{}: no such finding: {}", file, number, slug));
      }
      slugs.insert(slug);
    }
  }
  return slugs;
}

// What a plan makes of the row.
finding_key key_of(const registry& all, const finding& f, const finding_row& r, bool simulated) {
  const auto unmet = [](std::string why) { return finding_key{"", "", 0, "", std::move(why)}; };
  const topology& machine = cpu_topology();
  if (!simulated && machine.cores() < f.cores) {
    return unmet(fmt::format("needs {}", counted(static_cast<std::size_t>(f.cores), "core")));
  }
  if (simulated && !f.not_simulated(r).empty()) return unmet(f.not_simulated(r));
  suite_info alone{.name = "row", .summary = "", .how = standard_protocol(), .groups = {r.group()}, .baseline = false};
  run_request request;
  request.suite = &alone;
  request.seed = 1;
  try {
    const std::string label = choose_strategies(all, "row", r.group().strategies.front()).front().label();
    const run_plan plan = make_plan(all, request, machine);
    for (const auto& row : plan.rows) {
      if (row.strategy != label) continue;
      return {label, row.workload_label, static_cast<std::size_t>(row.threads),
              std::string(simulated ? simulated_mode : name_of(row.mode)), ""};
    }
    return unmet(plan.skipped.empty() ? "not in this build" : plan.skipped.front().reason);
  } catch (const usage_error& e) {
    return unmet(e.what());
  }
}

std::vector<finding_keys> keys_of(const registry& all, const std::vector<finding>& chosen, bool simulated) {
  std::vector<finding_keys> keys;
  for (const finding& f : chosen) {
    finding_keys& of = keys.emplace_back();
    for (const finding_row& r : f.rows) of[r.name] = key_of(all, f, r, simulated);
  }
  return keys;
}

bool nothing_to_measure(const finding_keys& keys) {
  return std::ranges::none_of(keys, [](const auto& named) { return named.second.reason.empty(); });
}

std::string words_of(const std::vector<judged_finding>& judged, const std::vector<scene_group>& scenes,
                     const std::vector<finding_keys>& keys, const findings_options& o) {
  if (o.as_json) return findings_json(judged).dump(2) + "\n";
  std::string out;
  if (o.slugs.size() == 1) return finding_in_full(judged.front(), scenes, keys.front());
  out = findings_table(judged);
  std::array<std::size_t, 4> sums{};
  for (const auto& j : judged) ++sums.at(static_cast<std::size_t>(j.verdict));
  for (std::size_t i = 0; i < sums.size(); ++i) {
    out += fmt::format("{}{} {}", i == 0 ? "" : ", ", sums.at(i), name_of(static_cast<finding_verdict>(i)));
  }
  out += "\n";
  if (o.simulate)
    out += "Modelled: the rows were simulated, and their ratios are of counted accesses and a machine's latencies.\n";
  return out;
}

}  // namespace

int findings_session(const registry& all, const findings_options& o, const findings_source& source) {
  const std::vector<finding> chosen = choose_findings(o.slugs);
  const std::set<std::string> expected = expected_in(o.expect, choose_findings({}));
  const std::vector<finding_keys> keys = keys_of(all, chosen, o.simulate);
  std::vector<judged_finding> judged;
  const auto judge_all = [&](const std::vector<scene_group>& scenes, const std::vector<result>& results) {
    std::set<int> processes;
    for (const result& r : results) processes.insert(r.process);
    const estimator statistics(processes.size() >= citable_processes);
    judged.clear();
    for (std::size_t i = 0; i < chosen.size(); ++i) judged.push_back(judge(chosen[i], keys[i], scenes, statistics));
    correct_refutations(judged);
  };
  const auto tell_of = [&](const std::vector<result>& results) {
    const std::vector<scene_group> scenes = group_scenes(results, {});
    judge_all(scenes, results);
    if (!o.quiet) tell(words_of(judged, scenes, keys, o) + (o.as_json ? "" : changes_summary(results)));
  };
  const auto undecided = [&](const std::vector<result>& results) {
    judge_all(group_scenes(results, {}), results);
    std::set<std::string> rows;
    for (std::size_t i = 0; i < judged.size(); ++i) {
      for (const std::string& name : judged[i].open_rows()) rows.insert(keys[i].at(name).text());
    }
    return rows;
  };
  int code = exit_fine;
  if (!o.results.empty()) {
    const fs::path file = fs::path(o.results) / "rows.jsonl";
    if (!fs::exists(file)) throw usage_error(fmt::format("--results {}: there is no rows.jsonl", o.results));
    const loaded_results loaded = load_results(file);
    if (!loaded.message.empty()) complain(loaded.message);
    tell_of(loaded.results);
  } else if (std::ranges::all_of(keys, nothing_to_measure)) {
    tell_of({});  // the reasons are the answer
  } else {
    code = source(findings_suite(findings_suite_of(o.slugs)), {tell_of, undecided});
  }
  const auto counts = [&](const judged_finding& j) {
    if (expected.contains(j.about->slug)) return false;
    return j.verdict == finding_verdict::refuted || (o.strict && j.verdict != finding_verdict::reproduced);
  };
  return code == exit_fine && std::ranges::any_of(judged, counts) ? exit_refuted : code;
}

}  // namespace tally
