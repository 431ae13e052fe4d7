#include "harness/report/verdicts.hpp"

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "harness/base/text.hpp"
#include "harness/results/metrics.hpp"
#include "harness/run/suites.hpp"

namespace tally {
namespace {

constexpr std::size_t most_named = 3;  // of those that are first together

// What backs no claim: half of its windows or more are doubtful.
bool shaky(const row_group& r) { return 2 * r.doubtful() >= r.windows.size(); }

bool more_than(double ratio, double noise) { return std::abs(std::log(ratio)) > std::log(1 + noise); }

std::string in_words(const std::vector<std::string>& names) {
  std::string out = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) out += (i + 1 == names.size() ? " and " : ", ") + names[i];
  return out;
}

std::vector<judged_row> judged_rows(scene_verdict& v, const std::vector<estimate>& estimates) {
  const scene_group& s = *v.scene;
  const std::string_view metric = judged_metric(s.mode).name;
  std::vector<judged_row> rows;
  for (const auto& r : s.rows) {
    judged_row j{&r, find_estimate(estimates, r.row, metric), {}, {}, {}, true, true};
    if (j.value == nullptr) {
      v.failed.push_back(&r);
      continue;
    }
    if (r.again) continue;
    if (s.mode != name_of(measure_mode::memory)) {
      if (const estimate* cpu = find_estimate(estimates, r.row, "cpu_ns_per_op")) j.cpu = cpu->value;
    }
    j.against = j.value->against;
    if (const estimate* again = r.baseline && s.again() != nullptr ? find_estimate(estimates, s.again()->row, metric) : nullptr) {
      j.against = again->against;
    }
    rows.push_back(j);
  }
  std::ranges::stable_sort(rows, {}, [](const judged_row& j) { return j.value->value; });
  return rows;
}

// Of the baseline over its second measurement the farther end of the interval, as `tally compare` has it; without an interval, the
// worst window.
double noise_of_pair(const scene_verdict& v) {
  for (const auto& j : v.rows) {
    if (!j.row->baseline) continue;
    if (v.scene->again() == nullptr || !j.against || !j.against->confidence) return j.value->noise.value_or(0);
    const interval& c = *j.against->confidence;
    return std::max(c.high, 1 / c.low) - 1;
  }
  return 0;
}

// What the strictest step of the correction leaves or the noise, whichever is more. The middle one of the rows.
std::optional<double> smallest_seen(const scene_verdict& v, std::size_t tests) {
  std::vector<double> widths;
  for (const auto& j : v.rows) {
    if (j.row->baseline || !j.against || !j.against->confidence || tests == 0) continue;
    const double seen = least_seen(j.against->log_error, j.against->freedom(), tests);
    widths.push_back(std::max(seen, std::log(1 + v.noise)));
  }
  if (widths.empty()) return std::nullopt;
  return std::exp(median(std::move(widths))) - 1;
}

// The best of those that free, whose windows are not in doubt; null where nothing can be told.
const row_group* first_of(const scene_verdict& v) {
  const row_group* base = v.scene->baseline();
  if (base == nullptr || shaky(*base)) return nullptr;
  const auto found = std::ranges::find_if(v.rows, [](const judged_row& j) { return !j.row->never_frees() && !shaky(*j.row); });
  return found == v.rows.end() || !found->value->against || found->value->windows < 2 ? nullptr : found->row;
}

// How far the others are behind the first; its windows against theirs of the same blocks.
void compare_with_first(scene_verdict& v, const estimator& statistics) {
  const std::string_view metric = judged_metric(v.scene->mode).name;
  for (auto& j : v.rows) {
    if (v.first != nullptr && j.row != v.first) j.behind = statistics.ratio(*j.row, *v.first, metric);
  }
}

// The p-values of a scene: of each row with the baseline, and with the first where that is another comparison.
std::vector<double> tests_of(const scene_verdict& v) {
  std::vector<double> p;
  const bool baseline_first = v.first != nullptr && v.first->baseline;
  for (const auto& j : v.rows) {
    if (j.row->baseline) continue;
    if (const auto& e = j.value->against; e && e->confidence) p.push_back(e->p);
    if (j.behind && j.behind->confidence && !baseline_first) p.push_back(j.behind->p);
  }
  return p;
}

void decide(scene_verdict& v) {
  const std::vector<double> p = tests_of(v);
  v.bound = holm_bound(p);
  v.smallest = smallest_seen(v, p.size());
  for (auto& j : v.rows) {
    if (j.value->against) j.different = differs(*j.value->against, v.noise, v.bound);
    if (v.first != nullptr && j.row != v.first) j.apart = j.behind && differs(*j.behind, v.noise, v.bound);
  }
}

// Those that can't be told apart from the first, and the first; what backs no claim is not among them.
std::vector<std::string> first_together(const scene_verdict& v) {
  std::vector<std::string> names{v.first->label};
  for (const auto& j : v.rows) {
    if (j.row != v.first && !j.apart && !j.row->never_frees() && !shaky(*j.row)) names.push_back(j.row->label);
  }
  if (names.size() > most_named) {
    const std::string others = counted(names.size() - most_named + 1, "other");
    names.resize(most_named - 1);
    names.push_back(others);
  }
  return names;
}

// Sets what is told, and returns it in words.
std::string headline(scene_verdict& v, const summary_options& options) {
  const row_group* base = v.scene->baseline();
  const auto frees = [](const judged_row& j) { return !j.row->never_frees(); };
  const auto fastest = std::ranges::find_if(v.rows, frees);
  v.outcome = scene_outcome::nothing;
  if (fastest == v.rows.end()) return "no result";
  v.outcome = scene_outcome::unclear;
  if (base == nullptr || !fastest->value->against) {
    return fmt::format("{} is first; {} is no baseline here", fastest->row->label, options.baseline);
  }
  if (shaky(*base)) {
    return fmt::format("no verdict: {} is doubtful in {} of {} windows", base->label, base->doubtful(), base->windows.size());
  }
  if (v.first == nullptr) return "no verdict of one window per row";
  const judged_row& winner = *std::ranges::find(v.rows, v.first, &judged_row::row);
  v.outcome = scene_outcome::baseline;
  const bool smoke = !options.citable || !winner.value->against->confidence;
  if (winner.row->baseline) {
    return !smoke ? fmt::format("nothing beats {}", base->label) : fmt::format("{} is first (smoke: no verdict)", base->label);
  }
  const ratio_estimate& over = *winner.value->against;
  if (!winner.different) {
    const char* why = more_than(over.ratio, v.noise) ? "beyond doubt" : "by more than it differs from itself";
    return fmt::format("nothing beats {} {} ({}: {})", base->label, why, winner.row->label, ratio_text(over));
  }
  const std::string by = fmt::format(fmt::runtime(told_of_mode(v.scene->mode).better), over.ratio, base->label);
  if (smoke) {
    v.outcome = scene_outcome::smoke;
    return fmt::format("{} is first, {} (smoke: no verdict)", winner.row->label, by);
  }
  const std::vector<std::string> together = first_together(v);
  v.outcome = together.size() > 1 ? scene_outcome::alike : scene_outcome::wins;
  if (together.size() == 1) return fmt::format("{} wins, {}", winner.row->label, by);
  return fmt::format("{} are first and can't be told apart, {} {}", in_words(together), winner.row->label, by);
}

// "Throughput (12 scenes): deferred wins 5, plain 3; in 2 several are first ...".
std::string wins_text(const std::string& mode, const std::vector<const scene_verdict*>& scenes) {
  std::map<scene_outcome, std::size_t> outcomes;
  std::map<std::string, std::size_t> wins;
  for (const auto* v : scenes) {
    ++outcomes[v->outcome];
    if (v->outcome == scene_outcome::wins) ++wins[v->first->strategy];
  }
  std::vector<std::pair<std::string, std::size_t>> most(wins.begin(), wins.end());
  std::ranges::stable_sort(most, std::greater{}, &std::pair<std::string, std::size_t>::second);
  std::vector<std::string> parts;
  for (const auto& [strategy, n] : most) parts.push_back(fmt::format("{}{} {}", strategy, parts.empty() ? " wins" : "", n));
  const auto say = [&](scene_outcome o, const char* what) {
    if (outcomes[o] != 0) parts.push_back(fmt::format(fmt::runtime(what), outcomes[o]));
  };
  say(scene_outcome::alike, "several are first and can't be told apart in {}");
  say(scene_outcome::baseline, "nothing beats the baseline in {}");
  say(scene_outcome::smoke, "no verdict of {}, since there are too few processes");
  say(scene_outcome::unclear, "no verdict of {}");
  say(scene_outcome::nothing, "no result in {}");
  std::string opening = mode;
  opening.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(opening.front())));
  return fmt::format("{} ({}): {}.", opening, counted(scenes.size(), "scene"), fmt::join(parts, ", "));
}

}  // namespace

const told_as& told_of_mode(std::string_view mode) {
  static const told_as speed{"ns/op", 1, "{:.3g} times as fast as {}"};
  static const told_as tail{"ns p99", 1, "with a 99th percentile {:.3g} times shorter than {}'s"};
  static const told_as peak{"MiB peak", 1.0 / 1048576, "with a peak {:.3g} times smaller than {}'s"};
  static const told_as freed{"ns p50", 1, "with a median time from last drop to free {:.3g} times shorter than {}'s"};
  return mode == "latency" ? tail : mode == "memory" ? peak : mode == "promptness" ? freed : speed;
}

std::string why_without(const scene_group& s, const row_group& r) {
  if (std::string failure = r.failure(); !failure.empty()) return failure;
  return s.mode == name_of(measure_mode::promptness) ? "half of what died, or more, was not freed before its windows closed" : "";
}

std::string ratio_text(const ratio_estimate& e) {
  std::string text = e.ratio < 0.1 ? fmt::format("{:.2g}x", e.ratio) : fmt::format("{:.2f}x", e.ratio);
  if (const auto& c = e.confidence) text += fmt::format(" [{:.2f}, {:.2f}]", c->low, c->high);
  return text;
}

bool differs(const ratio_estimate& e, double noise, double bound) {
  return more_than(e.ratio, noise) && (!e.confidence || e.p < bound);
}

std::string remarks(const judged_row& j) {
  std::vector<std::string> words;
  const row_group& r = *j.row;
  if (r.baseline) words.emplace_back("baseline");
  if (j.noise > 0) words.push_back(fmt::format("against itself within {}", percent_text(j.noise)));
  if (!j.different && !r.baseline) words.emplace_back("no difference");
  if (r.never_frees()) words.emplace_back("never frees: the floor");
  if (r.serial()) words.emplace_back("serial: no scaling claim");
  if (r.has("held_bytes_peak") && !r.has("held_weak_peak") && !r.never_frees())
    words.emplace_back("at least: does not tell what it holds");
  const auto of_windows = [&](std::size_t n, const char* what) {
    if (n != 0) words.push_back(fmt::format(fmt::runtime(what), n, r.windows.size()));
  };
  of_windows(r.doubtful(), "doubtful in {} of {} windows");
  of_windows(r.saturated(), "saturated in {} of {} windows: its percentiles grow with them");
  if (const auto& h = j.value->halves; h && h->unstable()) {
    const double more = h->ratio - 1;
    words.push_back(fmt::format("unstable: {} {} in the second half", percent_text(std::abs(more)), more > 0 ? "more" : "less"));
  }
  of_windows(j.value->outliers.severe, "severe outlier in {} of {} windows");
  of_windows(r.count(row_status::exhausted), "arena full in {} of {} windows");
  of_windows(r.count(row_status::error), "{} of {} windows failed");
  return fmt::format("{}", fmt::join(words, "; "));
}

std::string scene_verdict::smallest_text() const {
  if (!smallest) return "there is no interval, so no difference counts";
  return fmt::format("differences below {} could not have been seen here", percent_text(*smallest));
}

std::vector<scene_verdict> judge_all(const std::vector<scene_group>& scenes, const std::vector<estimate>& estimates,
                                     const estimator& statistics, const summary_options& options) {
  std::vector<scene_verdict> verdicts(scenes.size());
  oneapi::tbb::parallel_for(std::size_t{0}, scenes.size(), [&](std::size_t i) {
    scene_verdict& v = verdicts[i];
    v.scene = &scenes[i];
    v.rows = judged_rows(v, estimates);
    v.noise = noise_of_pair(v);
    for (auto& j : v.rows) j.noise = j.row->baseline ? v.noise : 0;
    v.first = first_of(v);
    compare_with_first(v, statistics);
    decide(v);
    v.headline = headline(v, options);
  });
  return verdicts;
}

std::string sight_text(const std::vector<scene_verdict>& all) {
  std::vector<double> smallest;
  for (const auto& v : all) {
    if (v.smallest) smallest.push_back(*v.smallest);
  }
  if (smallest.empty()) return "";
  const auto [least, most] = std::ranges::minmax(smallest);
  const std::string below = fmt::format("Differences below {} could not have been seen", percent_text(median(smallest)));
  if (smallest.size() == 1) return below + ".";
  return fmt::format(
      "{} (the median over {} scenes, from {} to {}). Each scene is judged by itself: of {:.0f} in which nothing "
      "differs, one has a difference by chance.",
      below, smallest.size(), percent_text(least), percent_text(most), 1 / significance);
}

std::vector<std::string> overview(const std::vector<scene_verdict>& all, const summary_options& options) {
  std::vector<std::string> sentences;
  if (!options.citable) {
    sentences.push_back(
        fmt::format("Fewer than {} processes: a smoke run, which has no intervals and backs no verdict.", citable_processes));
  }
  std::vector<std::string> modes;
  std::map<std::string, std::vector<const scene_verdict*>> of_mode;
  for (const auto& v : all) {
    auto& of = of_mode[v.scene->mode];
    if (of.empty()) modes.push_back(v.scene->mode);
    of.push_back(&v);
  }
  for (const auto& mode : modes) sentences.push_back(wins_text(mode, of_mode[mode]));
  if (std::string sight = sight_text(all); !sight.empty()) sentences.push_back(std::move(sight));
  return sentences;
}

}  // namespace tally
