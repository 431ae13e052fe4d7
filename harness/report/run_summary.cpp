#include "harness/report/run_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "harness/results/metrics.hpp"

namespace tally {
namespace {

// How a mode's judged metric is told; less is better for all of them.
struct told_as {
  std::string_view unit;
  double scale;
  const char* better;  // "{} times as fast as", for the winner
};
const told_as& of_mode(std::string_view mode) {
  static const told_as speed{"ns/op", 1, "{:.3g} times as fast as {}"};
  static const told_as tail{"ns p99", 1, "with a 99th percentile {:.3g} times shorter than {}'s"};
  static const told_as peak{"MiB peak", 1.0 / 1048576, "with a peak {:.3g} times smaller than {}'s"};
  return mode == "latency" ? tail : mode == "memory" ? peak : speed;
}

struct judged_row {
  const row_group* row = nullptr;
  const estimate* value = nullptr;
  std::optional<ratio_estimate> against;  // the baseline; of the baseline: itself, measured again
  std::optional<double> cpu;              // ns per operation
  bool different = true;
};

// What backs no claim: half of its windows or more are doubtful.
bool shaky(const row_group& r) { return 2 * r.doubtful() >= r.windows.size(); }

std::string remarks(const judged_row& j) {
  std::vector<std::string> words;
  const row_group& r = *j.row;
  const double noise = j.value->noise.value_or(0);
  if (r.baseline) words.emplace_back("baseline");
  if (r.baseline && noise > 0) words.push_back(fmt::format("against itself within {:.1f} %", 100 * noise));
  if (!j.different && !r.baseline) words.emplace_back("no difference");
  if (r.never_frees()) words.emplace_back("never frees: the floor");
  if (r.serial()) words.emplace_back("serial: no scaling claim");
  const auto of_windows = [&](std::size_t n, const char* what) {
    if (n != 0) words.push_back(fmt::format(fmt::runtime(what), n, r.windows.size()));
  };
  of_windows(r.doubtful(), "doubtful in {} of {} windows");
  of_windows(r.count(row_status::exhausted), "arena full in {} of {} windows");
  of_windows(r.count(row_status::error), "{} of {} windows failed");
  return fmt::format("{}", fmt::join(words, "; "));
}

std::string ratio_text(const ratio_estimate& e) {
  std::string text = e.ratio < 0.1 ? fmt::format("{:.2g}x", e.ratio) : fmt::format("{:.2f}x", e.ratio);
  if (const auto& c = e.confidence) text += fmt::format(" [{:.2f}, {:.2f}]", c->low, c->high);
  return text;
}

bool differs(const ratio_estimate& e, double noise) {
  const bool more_than_noise = std::abs(std::log(e.ratio)) > std::log(1 + noise);
  const auto& c = e.confidence;
  return more_than_noise && (!c || c->low > 1 || c->high < 1);
}

struct compared_row {
  const row_group* row = nullptr;
  std::optional<ratio_estimate> gain;  // above 1: it is better than what it was compared with
};

// A strategy on each allocator of a scene, in the plan's order.
using on_allocators = std::vector<const row_group*>;

class allocation_teller {
 public:
  allocation_teller(const scene_group& s, const estimator& statistics)
      : statistics_(statistics), metric_(judged_metric(s.mode).name), noise_(statistics.noise(s, metric_).value_or(0)) {
    for (const auto& r : s.rows) {
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
    if (!malloced.gain || !winner.gain || winner.gain->ratio < 1 || !differs(*winner.gain, noise_)) return "";
    const auto rest = statistics_.ratio(*malloced.row, *winner.row, metric_);
    if (!rest) return "";
    const std::string against = fmt::format("({} against {})", malloced.row->label, first.label);
    const std::string share = ratio_text(*malloced.gain);
    std::string out = fmt::format("  {}'s {} over {}: ", winner.row->label, ratio_text(*winner.gain), first.label);
    if (!differs(*malloced.gain, noise_)) {
      out += fmt::format("what is allocation is lost in the noise, {} {}\n", share, against);
    } else if (malloced.gain->ratio < 1) {
      out += fmt::format("none of it is allocation, {} {}\n", share, against);
    } else if (!differs(*rest, noise_)) {
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
  std::vector<on_allocators> counted_;
  on_allocators own_;
};

std::string headline(const scene_group& s, const std::vector<judged_row>& rows, const std::string& asked_baseline) {
  const row_group* base = s.baseline();
  const auto frees = [](const judged_row& j) { return !j.row->never_frees(); };
  const auto first = std::ranges::find_if(rows, frees);
  if (first == rows.end()) return "no result";
  if (base == nullptr || !first->value->against) {
    return fmt::format("{} is first; {} is no baseline here", first->row->label, asked_baseline);
  }
  if (shaky(*base))
    return fmt::format("no verdict: {} is doubtful in {} of {} windows", base->label, base->doubtful(), base->windows.size());
  const auto winner = std::ranges::find_if(rows, [&](const judged_row& j) { return frees(j) && !shaky(*j.row); });
  if (winner->value->windows < 2) return "no verdict of one window per row";
  if (winner->row->baseline) return fmt::format("nothing beats {}", base->label);
  if (!winner->different) {
    return fmt::format("nothing beats {} beyond the noise ({}: {})", base->label, winner->row->label,
                       ratio_text(*winner->value->against));
  }
  return fmt::format("{} wins, {}", winner->row->label,
                     fmt::format(fmt::runtime(of_mode(s.mode).better), winner->value->against->ratio, base->label));
}

std::string row_text(const judged_row& j, const scene_group& s, std::size_t width, double floor_cpu, bool citable) {
  const told_as& as = of_mode(s.mode);
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

std::string scene_text(const scene_group& s, const std::vector<estimate>& estimates, const estimator& statistics,
                       const summary_options& options) {
  const std::string_view metric = judged_metric(s.mode).name;
  const bool throughput = s.mode == name_of(measure_mode::throughput);
  std::vector<judged_row> rows;
  std::vector<const row_group*> failed;
  double floor_cpu = INFINITY;
  for (const auto& r : s.rows) {
    judged_row j{&r, find_estimate(estimates, r.row, metric), {}, {}, true};
    if (j.value == nullptr) {
      failed.push_back(&r);
      continue;
    }
    if (const estimate* cpu = throughput ? find_estimate(estimates, r.row, "cpu_ns_per_op") : nullptr; cpu != nullptr) {
      j.cpu = cpu->value;
      floor_cpu = std::min(floor_cpu, cpu->value);
    }
    if (r.again) continue;
    j.against = j.value->against;
    if (const estimate* again = r.baseline && s.again() != nullptr ? find_estimate(estimates, s.again()->row, metric) : nullptr) {
      j.against = again->against;
    }
    if (j.value->against) j.different = differs(*j.value->against, j.value->noise.value_or(0));
    rows.push_back(j);
  }
  std::ranges::stable_sort(rows, {}, [](const judged_row& j) { return j.value->value; });

  std::string out = fmt::format("{}: {}\n", s.title, headline(s, rows, options.baseline));
  std::size_t width = 0;
  for (const auto& j : rows) width = std::max(width, j.row->label.size());
  for (const auto& j : rows) out += row_text(j, s, width, floor_cpu, options.citable);
  if (throughput) out += allocation_teller(s, statistics).text();
  for (const auto* r : failed) out += fmt::format("  {}: failed: {}\n", r->label + (r->again ? " (again)" : ""), r->failure());
  return out;
}

}  // namespace

std::string summary_text(const std::vector<scene_group>& scenes, const std::vector<estimate>& estimates,
                         const estimator& statistics, const summary_options& options) {
  if (scenes.empty()) return "";
  std::string out =
      "Of each row: its median per operation, on its thread; how many times better than\n"
      "the baseline that is (above 1 is better; of the baseline itself: than the same\n"
      "measured again); processor time per operation over the scene's least.\n\n";
  for (const auto& s : scenes) out += scene_text(s, estimates, statistics, options) + "\n";
  return out;
}

}  // namespace tally
