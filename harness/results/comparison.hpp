// Two runs of the same rows, an old one and a new one: for each row a ratio, new over old, and what may be said of it.
//
// The runs share no block, so the ratio is unpaired (measure/statistics.hpp). A difference is one that Holm's correction over all
// figures of the table leaves at 5 %, and that is more than the A/A pairs of either run differ by. Interval and p-value are of one test,
// so a word never says more than the interval beside it. What no statistics of two runs can tell apart is a change of the program and a
// change of the machine between them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/estimates.hpp"
#include "harness/results/metrics.hpp"

namespace tally {

// few: fewer processes than intervals need, on a side; doubtful: half of a side's windows or more are; rose, fell: of a metric of which
// nobody knows the better side.
enum class change { few, doubtful, none, better, worse, rose, fell };

struct compared_figure {
  std::string scene, title, row, label, metric, unit;
  better which = better::less;
  double before = 0, after = 0;      // values: the mean over processes of the median over blocks
  unpaired_ratio ratio;              // after over before
  bool exact = false;                // simulated: the same program gives the same figure
  double p = 1;                      // ratio.p, adjusted for the table
  std::optional<double> noise;       // what the A/A pair of the scene differs by, in the run where it is more; 0.02: by 2 %
  std::optional<double> least_seen;  // the least difference that would have been called one here; 0.02: 2 %
  change verdict = change::few;
  // It is called different, by a test and not since simulated figures are what they are.
  [[nodiscard]] bool tested_different() const {
    return !exact && verdict != change::few && verdict != change::doubtful && verdict != change::none;
  }
  // The ranks alone (ratio.rank_p, not corrected for the table) don't say so.
  [[nodiscard]] bool doubted_by_ranks() const { return tested_different() && ratio.rank_p >= significance; }
};

// A row of one side, or of both, that is not compared.
struct uncompared_row {
  std::string row, why;
  bool failed = false;  // it was measured before, and fails now
};

struct run_comparison {
  std::vector<compared_figure> figures;  // in the order of the old run
  std::vector<uncompared_row> only_before, only_after, unlike;
  std::size_t tests = 0;  // figures with a p-value: what Holm's correction is over
};

struct comparison_options {
  std::vector<std::string> metrics;  // besides what each row is judged by
  int processes_needed = 5;          // on either side, for an interval and a verdict
  bool unlike_rows = false;          // compare rows of one name that were set up differently, too
};

[[nodiscard]] run_comparison compare_runs(const std::vector<scene_group>& before, const std::vector<scene_group>& after,
                                          const comparison_options&);

// The figures that got worse beyond `percent` by their whole interval.
[[nodiscard]] std::vector<const compared_figure*> regressions(const run_comparison&, double percent);

}  // namespace tally
