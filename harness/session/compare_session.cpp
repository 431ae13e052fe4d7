#include "harness/session/compare_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "harness/base/errors.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/report/comparison_report.hpp"
#include "harness/results/by_origin.hpp"
#include "harness/results/metrics.hpp"
#include "harness/run/suites.hpp"
#include "harness/session/config_file.hpp"
#include "harness/session/session.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

struct loaded_side {
  std::string name;
  sorted_results rows;
  std::vector<std::string> order;
};

loaded_side load_side(const fs::path& directory) {
  const fs::path file = directory / "rows.jsonl";
  if (!fs::exists(file)) throw usage_error(fmt::format("compare {}: there is no run (no rows.jsonl)", directory.string()));
  loaded_side side{directory.string(), load_by_origin(file), planned_rows(directory)};
  for (const auto& sentence : side.rows.damaged) complain(sentence);
  return side;
}

// Two origins that are compared; the indices are into the sides' origins.
struct origin_pair {
  std::size_t before = 0, after = 0;
  std::vector<origin_difference> differences;
};

struct pairing {
  std::vector<origin_pair> pairs;
  std::string why;  // there is none, or not one way to do it
};

std::string names_of(const std::vector<origin_results>& origins) {
  std::vector<std::string> names;
  for (const auto& o : origins) names.push_back(o.origin.name());
  return joined(names);
}

std::string refusal(const loaded_side& before, const loaded_side& after, const std::vector<origin_difference>& differences) {
  return fmt::format(
      "{} and {} differ in more than the revision of tally, so that a difference may be one of these; --force compares "
      "them all the same\n{}",
      before.name, after.name, differences_text(differences, before.name, after.name));
}

// Each origin of a side with the one of the other that differs in its revision only.
pairing pair_origins(const loaded_side& before, const loaded_side& after, bool force) {
  const auto &old_origins = before.rows.origins, &new_origins = after.rows.origins;
  pairing found;
  if (old_origins.size() == 1 && new_origins.size() == 1) {
    origin_pair one{0, 0, differences(old_origins.front().origin, new_origins.front().origin)};
    if (!one.differences.empty() && !force) {
      found.why = refusal(before, after, one.differences);
    } else {
      found.pairs.push_back(std::move(one));
    }
    return found;
  }
  std::set<std::size_t> taken;
  for (std::size_t i = 0; i < old_origins.size(); ++i) {
    bool any = false;
    for (std::size_t j = 0; j < new_origins.size(); ++j) {
      if (!differences(old_origins[i].origin, new_origins[j].origin).empty()) continue;
      if (any || !taken.insert(j).second) {
        found.why = fmt::format(
            "{} holds {}, {} holds {}: more than one pair of them is of one machine; compare runs that were not "
            "merged\n",
            before.name, names_of(old_origins), after.name, names_of(new_origins));
        return found;
      }
      any = true;
      found.pairs.push_back({i, j, {}});
    }
  }
  if (found.pairs.empty()) {
    found.why = fmt::format("{} holds {}, {} holds {}: no two of them are of one machine and kind of build\n", before.name,
                            names_of(old_origins), after.name, names_of(new_origins));
  }
  return found;
}

void check_metrics(const std::vector<std::string>& asked, const loaded_side& before, const loaded_side& after) {
  std::set<std::string> known;
  for (const auto& m : measured_metrics()) known.emplace(m.name);
  for (const auto* side : {&before, &after}) {
    for (const auto& of : side->rows.origins) {
      for (const auto& r : of.results) {
        for (const auto& m : r.metrics) known.insert(m.name);
      }
    }
  }
  for (const auto& name : asked) {
    if (!known.contains(name)) {
      throw unknown_name(no_such("--metric", name, "metric", std::vector<std::string>(known.begin(), known.end())));
    }
  }
}

std::size_t processes_in(const std::vector<result>& results) {
  std::set<int> processes;
  for (const auto& r : results) {
    if (r.status != row_status::skipped) processes.insert(r.process);
  }
  return processes.size();
}

told_comparison compared(const loaded_side& before, const loaded_side& after, const origin_pair& pair, const compare_options& o) {
  const origin_results &was = before.rows.origins[pair.before], &is = after.rows.origins[pair.after];
  comparison_options how;
  how.metrics = o.metrics;
  how.processes_needed = citable_processes;
  how.unlike_rows = o.force;
  return {{before.name, was.origin, processes_in(was.results)},
          {after.name, is.origin, processes_in(is.results)},
          pair.differences,
          compare_runs(group_scenes(was.results, before.order), group_scenes(is.results, after.order), how),
          citable_processes,
          o.gate};
}

// Why a gate can neither pass nor fail; "" if it can.
std::string ungated(const run_comparison& c) {
  if (const auto failed = std::ranges::find_if(c.only_before, &uncompared_row::failed); failed != c.only_before.end()) {
    return fmt::format("{} was measured before, and now {}", failed->row, failed->why);
  }
  const auto says = [](const compared_figure& f) { return f.verdict != change::few && f.verdict != change::doubtful; };
  if (std::ranges::any_of(c.figures, says)) return "";
  return fmt::format("no figure has a verdict: each is doubtful, or of fewer than {} processes on a side", citable_processes);
}

}  // namespace

int compare_session(const compare_options& o) {
  const loaded_side before = load_side(o.before), after = load_side(o.after);
  check_metrics(o.metrics, before, after);
  const auto refuse = [](const std::string& why) {
    complain("can't compare: " + why);
    return static_cast<int>(exit_inconclusive);
  };
  const pairing found = pair_origins(before, after, o.force);
  if (found.pairs.empty() || !found.why.empty()) return refuse(found.why);
  bool regressed = false, any = false;
  std::string undecided;
  for (const auto& pair : found.pairs) {
    const told_comparison told = compared(before, after, pair, o);
    any = any || !told.result.figures.empty();
    if (o.markdown) {
      fmt::print("{}", comparison_markdown(told));
    } else {
      tell(comparison_text(told));
    }
    if (!o.gate) continue;
    regressed = regressed || !regressions(told.result, *o.gate).empty();
    if (const std::string why = ungated(told.result); !why.empty()) undecided = why;
  }
  if (!any) return refuse(fmt::format("no row is in both {} and {}", before.name, after.name));
  if (regressed) return exit_regression;
  return undecided.empty() ? static_cast<int>(exit_fine) : refuse("--gate: " + undecided);
}

}  // namespace tally
