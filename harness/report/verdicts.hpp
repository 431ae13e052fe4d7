// What a scene says: who is first, who can't be told apart from it, and how small a difference could have been seen. The printed
// summary and the page of `tally report` take their words from here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/estimates.hpp"

namespace tally {

struct summary_options {
  std::string baseline;  // as typed
  bool citable = false;  // enough processes for intervals
};

// How a mode's judged metric is told; less is better for all of them.
struct told_as {
  std::string_view unit;
  double scale;
  const char* better;  // "{} times as fast as {}", for the winner
};
[[nodiscard]] const told_as& told_of_mode(std::string_view mode);

struct judged_row {
  const row_group* row = nullptr;
  const estimate* value = nullptr;
  std::optional<ratio_estimate> against;  // the baseline; of the baseline: itself, measured again
  std::optional<ratio_estimate> behind;   // its figure over the first one's; of the first: nothing
  std::optional<double> cpu;              // ns per operation
  double noise = 0;                       // of the baseline: the scene's, what the words go by
  bool different = true;                  // from the baseline
  bool apart = true;                      // from the first one
};

enum class scene_outcome { nothing, unclear, smoke, baseline, alike, wins };

struct scene_verdict {
  const scene_group* scene = nullptr;
  std::vector<judged_row> rows;          // the best first, without the second measurement of the baseline
  std::vector<const row_group*> failed;  // no window of theirs has a figure
  scene_outcome outcome = scene_outcome::nothing;
  const row_group* first = nullptr;                 // what is told of: not the floor, nor in doubt; null where there is none
  std::optional<double> smallest;                   // difference that could have been seen: 0.05 is 5 %; none without intervals
  double noise = 0;                                 // what the A/A pair differs by, as a share
  double bound = significance;                      // p-values below it are what Holm's correction over the scene leaves
  std::string headline;                             // "deferred wins, 4 times as fast as atomic"
  [[nodiscard]] std::string smallest_text() const;  // a sentence's rest, or why there is none
};

// Of all scenes, in their order. Each is a table of its own, whatever else the run has: what differs is what Holm's correction over
// the scene's comparisons leaves, each row with the baseline and with the first one. The estimates are those of the scenes' rows, and
// outlive what is returned.
[[nodiscard]] std::vector<scene_verdict> judge_all(const std::vector<scene_group>&, const std::vector<estimate>&,
                                                   const estimator&, const summary_options&);

// What all scenes say together, a sentence each.
[[nodiscard]] std::vector<std::string> overview(const std::vector<scene_verdict>&, const summary_options&);

// Why a row has no figure.
[[nodiscard]] std::string why_without(const scene_group&, const row_group&);
// "Differences below 3.1 % could not have been seen ...": the median over the scenes, and the ends; empty without intervals.
[[nodiscard]] std::string sight_text(const std::vector<scene_verdict>&);

// "baseline; against itself within 3.5 %": what must be known beside a row's figures; empty where that is nothing.
[[nodiscard]] std::string remarks(const judged_row&);

// "4.00x [3.80, 4.20]"; without the interval where there is none.
[[nodiscard]] std::string ratio_text(const ratio_estimate&);
// More than the noise, and, if there is an interval, with a p-value below the scene's bound.
[[nodiscard]] bool differs(const ratio_estimate&, double noise, double bound);

}  // namespace tally
