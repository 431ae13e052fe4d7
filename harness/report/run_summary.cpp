#include "harness/report/run_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "harness/results/metrics.hpp"

namespace tally {
namespace {

struct compared_row {
  const row_group* row = nullptr;
  std::optional<ratio_estimate> gain;  // above 1: it is better than what it was compared with
};

// A strategy on each allocator of a scene, in the plan's order.
using on_allocators = std::vector<const row_group*>;

class allocation_teller {
 public:
  allocation_teller(const scene_verdict& v, const estimator& statistics)
      : statistics_(statistics), metric_(judged_metric(v.scene->mode).name), noise_(v.noise), bound_(v.bound) {
    for (const auto& r : v.scene->rows) {
      if (r.again || r.never_frees() || !r.has(metric_)) continue;
      (r.own_heap ? own_ : counted_of(r)).push_back(&r);
    }
    std::erase_if(counted_, [](const auto& of) { return of.size() < 2; });
    if (std::ranges::any_of(counted_, [](const auto& of) { return of.front()->baseline; })) {
      std::erase_if(counted_, [](const auto& of) { return !of.front()->baseline; });
    }
  }

  // How much of what a heap of its own wins over counting is allocation: the same counting on the best other allocator of the
  // scene (a malloc, or the block heap) says it. Told of the baseline if it is there on several, else of every strategy that is.
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& of : counted_) {
      const row_group& first = *of.front();
      const compared_row malloced = best_of(first, {of.begin() + 1, of.end()});
      std::vector<std::string> told;  // of a strategy's heap sizes, the best
      for (const auto* one : own_) {
        if (std::ranges::find(told, one->strategy) != told.end()) continue;
        told.push_back(one->strategy);
        on_allocators sizes;
        std::ranges::copy_if(own_, std::back_inserter(sizes), [&](const auto* r) { return r->strategy == one->strategy; });
        out += share_text(first, malloced, best_of(first, sizes));
      }
    }
    return out;
  }

 private:
  on_allocators& counted_of(const row_group& r) {
    const auto same = std::ranges::find_if(counted_, [&](const auto& of) { return of.front()->strategy == r.strategy; });
    return same != counted_.end() ? *same : counted_.emplace_back();
  }
  [[nodiscard]] compared_row best_of(const row_group& than, const on_allocators& rows) const {
    compared_row best;
    for (const auto* r : rows) {
      if (auto gain = statistics_.ratio(than, *r, metric_); gain && (!best.gain || gain->ratio > best.gain->ratio)) {
        best = {r, gain};
      }
    }
    return best;
  }
  [[nodiscard]] std::string share_text(const row_group& first, const compared_row& malloced, const compared_row& winner) const {
    if (!malloced.gain || !winner.gain || winner.gain->ratio < 1 || !differs(*winner.gain, noise_, bound_)) return "";
    const auto rest = statistics_.ratio(*malloced.row, *winner.row, metric_);
    if (!rest) return "";
    const std::string against = fmt::format("({} against {})", malloced.row->label, first.label);
    const std::string share = ratio_text(*malloced.gain);
    std::string out = fmt::format("  {}'s {} over {}: ", winner.row->label, ratio_text(*winner.gain), first.label);
    if (!differs(*malloced.gain, noise_, bound_)) {
      out += fmt::format("what is allocation is lost in the noise, {} {}\n", share, against);
    } else if (malloced.gain->ratio < 1) {
      out += fmt::format("none of it is allocation, {} {}\n", share, against);
    } else if (!differs(*rest, noise_, bound_)) {
      out += fmt::format("{} of it is allocation {}, what remains is lost in the noise, {}\n", share, against, ratio_text(*rest));
    } else if (rest->ratio < 1) {
      out += fmt::format("all of it is allocation, {} {}\n", share, against);
    } else {
      out += fmt::format("{} of it is allocation {}, {} remains\n", share, against, ratio_text(*rest));
    }
    return out;
  }

  const estimator& statistics_;
  std::string_view metric_;
  double noise_;
  double bound_;
  std::vector<on_allocators> counted_;
  on_allocators own_;
};

std::string row_text(const judged_row& j, const scene_group& s, std::size_t width, double floor_cpu, bool citable) {
  const told_as& as = told_of_mode(s.mode);
  std::string against, cost;
  if (j.against) against = ratio_text(*j.against);
  if (j.cpu) cost = fmt::format("cpu {:.2f}x floor", *j.cpu / floor_cpu);
  const double value = j.value->value * as.scale;
  const std::string figure = value < 1000 ? fmt::format("{:.4g}", value) : fmt::format("{:.0f}", value);
  std::string line = fmt::format("  {:{}}  {:>9} {}  {:>{}}  {:>16}  {}", j.row->label, width, figure, as.unit, against,
                                 citable ? 22 : 8, cost, remarks(j));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string scene_text(const scene_verdict& v, const estimator& statistics, const summary_options& options) {
  std::string out = fmt::format("{}: {}\n", v.scene->title, v.headline);
  std::size_t width = 0;
  double floor_cpu = INFINITY;
  for (const auto& j : v.rows) {
    width = std::max(width, j.row->label.size());
    floor_cpu = std::min(floor_cpu, j.cpu.value_or(INFINITY));
  }
  for (const auto& j : v.rows) out += row_text(j, *v.scene, width, floor_cpu, options.citable);
  out += allocation_text(v, statistics);
  for (const auto* r : v.failed) {
    out += fmt::format("  {}{}: {}: {}\n", r->label, r->again ? " (again)" : "",
                       r->count(row_status::error) == 0 ? "no median" : "failed", why_without(*v.scene, *r));
  }
  return out;
}

}  // namespace

std::string allocation_text(const scene_verdict& v, const estimator& statistics) {
  return v.scene->mode == name_of(measure_mode::throughput) ? allocation_teller(v, statistics).text() : "";
}

std::string summary_text(const std::vector<scene_group>& scenes, const std::vector<estimate>& estimates,
                         const estimator& statistics, const summary_options& options) {
  if (scenes.empty()) return "";
  std::string out =
      "Of each row: its median per operation, on its thread; how many times better than\n"
      "the baseline that is (above 1 is better; of the baseline itself: than the same\n"
      "measured again); processor time per operation over the scene's least.\n\n";
  const std::vector<scene_verdict> verdicts = judge_all(scenes, estimates, statistics, options);
  for (const auto& v : verdicts) out += scene_text(v, statistics, options) + "\n";
  if (const std::string sight = sight_text(verdicts); !sight.empty()) out += sight + "\n";
  return out;
}

}  // namespace tally
