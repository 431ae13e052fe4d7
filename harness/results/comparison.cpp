#include "harness/results/comparison.hpp"

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <tuple>

#include "harness/base/text.hpp"

namespace tally {
namespace {

// A row with its scene: what noise and title are of.
struct placed_row {
  const scene_group* scene = nullptr;
  const row_group* row = nullptr;
};
using rows_by_key = std::map<std::string_view, placed_row>;

rows_by_key keyed(const std::vector<scene_group>& scenes) {
  rows_by_key rows;
  for (const auto& s : scenes) {
    for (const auto& r : s.rows) {
      if (!r.again) rows.emplace(r.row, placed_row{&s, &r});
    }
  }
  return rows;
}

const result* first_ok(const row_group& r) {
  const auto found = std::ranges::find_if(r.windows, [](const result* w) { return w->has_metrics(); });
  return found == r.windows.end() ? nullptr : *found;
}

std::string failed_because(const row_group& r) { return fmt::format("failed: {}", r.failure()); }

// What one side has and the other lacks.
std::string only_in(const std::vector<std::string>& here, const std::vector<std::string>& there) {
  std::vector<std::string> only;
  std::ranges::copy_if(here, std::back_inserter(only), [&](const auto& s) { return std::ranges::find(there, s) == there.end(); });
  return only.empty() ? "nothing of that" : joined(only);
}

// Why rows of one name are not the same row; "" if they are.
std::string unlike(const result& before, const result& after) {
  if (before.setup == after.setup) return "";
  return fmt::format("set up with {}, it was {}", only_in(after.setup, before.setup), only_in(before.setup, after.setup));
}

// Of the baseline over its second measurement: the farther end of the interval, as a logarithm. It is an estimate like those that it
// is held against, not a window.
std::optional<double> reach_of_pair(const scene_group& s, std::string_view metric, const comparison_options& o) {
  if (s.baseline() == nullptr || s.again() == nullptr) return std::nullopt;
  const auto pair = ratio_of(s.baseline()->values(metric), s.again()->values(metric), o.processes_needed);
  if (!pair || !pair->confidence) return std::nullopt;
  return std::max(std::abs(std::log(pair->confidence->low)), std::abs(std::log(pair->confidence->high)));
}

bool half_doubtful(const row_group& r) { return 2 * r.doubtful() >= r.windows.size(); }

class comparer {
 public:
  comparer(const std::vector<scene_group>& before, const std::vector<scene_group>& after, const comparison_options& o)
      : options_(o), before_(before), old_rows_(keyed(before)), new_rows_(keyed(after)) {}

  run_comparison all() {
    pair_up();
    for (const auto& work : pairs_) {
      if (const auto key = noise_key(work); !noise_.contains(key)) noise_[key] = std::nullopt;
    }
    measure_noise();
    std::vector<std::optional<compared_figure>> found(pairs_.size());
    oneapi::tbb::parallel_for(std::size_t{0}, pairs_.size(), [&](std::size_t i) { found[i] = figure(pairs_[i]); });
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto& [was, is, metric] = pairs_[i];
      if (found[i]) {
        out_.figures.push_back(std::move(*found[i]));
      } else if (metric == judged_metric(was.scene->mode).name) {
        out_.unlike.push_back({was.row->row, fmt::format("one of them has no {} above 0", metric), false});
      }
    }
    judge_all();
    return std::move(out_);
  }

 private:
  struct pair_of_rows {
    placed_row before, after;
    std::string_view metric;
  };
  using noise_place = std::tuple<const scene_group*, const scene_group*, std::string_view>;
  static noise_place noise_key(const pair_of_rows& p) { return {p.before.scene, p.after.scene, p.metric}; }

  void pair_up() {
    for (const auto& s : before_) {
      for (const auto& r : s.rows) {
        if (!r.again) pair_up({&s, &r});
      }
    }
    for (const auto& [key, now] : new_rows_) {
      if (!old_rows_.contains(key)) out_.only_after.push_back({std::string(key), "", false});
    }
  }

  void pair_up(const placed_row& before) {
    const std::string& key = before.row->row;
    const auto found = new_rows_.find(key);
    if (found == new_rows_.end()) return out_.only_before.push_back({key, "", false});
    const placed_row& after = found->second;
    const result *was = first_ok(*before.row), *is = first_ok(*after.row);
    if (was == nullptr) return out_.only_after.push_back({key, "before it " + failed_because(*before.row), false});
    if (is == nullptr) return out_.only_before.push_back({key, failed_because(*after.row), true});
    if (const std::string why = unlike(*was, *is); !why.empty() && !options_.unlike_rows) {
      return out_.unlike.push_back({key, why, false});
    }
    if (!was->unsettled.empty() || !is->unsettled.empty()) return out_.unlike.push_back({key, "it has not settled", false});
    std::vector<std::string_view> metrics{judged_metric(before.scene->mode).name};
    for (const auto& m : options_.metrics) {
      if (std::ranges::find(metrics, m) == metrics.end()) metrics.push_back(m);
    }
    for (const auto m : metrics) pairs_.push_back({before, after, m});
  }

  void measure_noise() {
    std::vector<std::pair<const noise_place, std::optional<double>>*> places;
    for (auto& place : noise_) places.push_back(&place);
    oneapi::tbb::parallel_for(std::size_t{0}, places.size(), [&](std::size_t i) {
      const auto& [old_scene, new_scene, metric] = places[i]->first;
      const auto was = reach_of_pair(*old_scene, metric, options_), is = reach_of_pair(*new_scene, metric, options_);
      if (was || is) places[i]->second = std::max(was.value_or(0), is.value_or(0));
    });
  }

  [[nodiscard]] std::optional<compared_figure> figure(const pair_of_rows& p) const {
    const auto was = estimator(false).one(*p.before.scene, *p.before.row, p.metric);
    const auto is = estimator(false).one(*p.after.scene, *p.after.row, p.metric);
    const auto ratio =
        unpaired_ratio_of(p.after.row->values(p.metric), p.before.row->values(p.metric), options_.processes_needed);
    if (!was || !is || !ratio) return std::nullopt;
    compared_figure f;
    f.scene = p.before.scene->scene;
    f.title = p.before.scene->title;
    f.row = p.before.row->row;
    f.label = p.before.row->label;
    f.metric = p.metric;
    if (const metric_value* said = first_ok(*p.after.row)->find(p.metric); said != nullptr) f.unit = said->unit;
    const metric_info* info = measured_metric(p.metric);
    f.which = info == nullptr ? better::neither : info->which;
    f.before = was->value;
    f.after = is->value;
    f.ratio = *ratio;
    f.exact = first_ok(*p.before.row)->simulated && first_ok(*p.after.row)->simulated;
    f.noise = noise_.at(noise_key(p));
    if (half_doubtful(*p.before.row) || half_doubtful(*p.after.row)) f.verdict = change::doubtful;
    return f;
  }

  // Once all p-values are known: what counts as a difference depends on how many there are.
  void judge_all() {
    std::vector<compared_figure*> tested;
    std::vector<double> p;
    for (auto& f : out_.figures) {
      if (f.exact) f.ratio.confidence = {f.ratio.ratio, f.ratio.ratio}, f.p = f.ratio.ratio == 1 ? 1 : 0;
      if (!f.exact && f.ratio.confidence && f.verdict != change::doubtful) tested.push_back(&f), p.push_back(f.ratio.p);
    }
    out_.tests = tested.size();
    const std::vector<double> adjusted = holm_adjusted(p);
    for (std::size_t i = 0; i < tested.size(); ++i) {
      compared_figure& f = *tested[i];
      f.p = adjusted[i];
      const double seen = least_seen(f.ratio.log_error, f.ratio.freedom, tested.size());
      f.least_seen = std::exp(std::max(seen, f.noise.value_or(0))) - 1;
    }
    for (auto& f : out_.figures) {
      if (f.noise) f.noise = std::exp(*f.noise) - 1;
      if (f.ratio.confidence && f.verdict != change::doubtful) f.verdict = verdict_of(f);
    }
  }

  static change verdict_of(const compared_figure& f) {
    const bool beyond_noise = f.exact || std::abs(std::log(f.ratio.ratio)) > std::log(1 + f.noise.value_or(0));
    if (!(f.p < significance && beyond_noise)) return change::none;
    const bool more = f.ratio.ratio > 1;
    if (f.which == better::neither) return more ? change::rose : change::fell;
    return more == (f.which == better::more) ? change::better : change::worse;
  }

  const comparison_options& options_;
  const std::vector<scene_group>& before_;
  rows_by_key old_rows_, new_rows_;
  std::vector<pair_of_rows> pairs_;
  std::map<noise_place, std::optional<double>> noise_;  // logarithms
  run_comparison out_;
};

}  // namespace

run_comparison compare_runs(const std::vector<scene_group>& before, const std::vector<scene_group>& after,
                            const comparison_options& o) {
  return comparer(before, after, o).all();
}

std::vector<const compared_figure*> regressions(const run_comparison& c, double percent) {
  std::vector<const compared_figure*> worse;
  const double most = 1 + percent / 100;
  for (const auto& f : c.figures) {
    if (f.verdict != change::worse) continue;
    const interval& i = *f.ratio.confidence;
    if (f.which == better::more ? 1 / i.high > most : i.low > most) worse.push_back(&f);
  }
  return worse;
}

}  // namespace tally
