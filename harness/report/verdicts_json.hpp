// Verdicts and their words for another program: what the page of `tally report` is told.
#pragma once

#include <string_view>
#include <vector>

#include "harness/report/verdicts.hpp"
#include "harness/results/json.hpp"

namespace tally {

// {citable, baseline, overview: sentences, scenes: [{scene, title, mode, metric, unit, outcome, first, headline, smallest, doubt,
// allocation, rows: [{row, label, strategy, value, low, high, ratio, behind, apart, remarks}], failed: [{row, label, reason}]}]}, in the
// scenes' order and a scene's best row first. `ratio` is how many times better than the baseline a row is, `behind` how many times the
// first one's figure its own is: {value, low, high}, low and high null without an interval, or null. Ratios and intervals as they are,
// values in the metric's own unit.
[[nodiscard]] json verdicts_json(const std::vector<scene_verdict>&, const estimator&, const summary_options&);

// {missing: why}, in the place of these where there are none.
[[nodiscard]] json no_verdicts_json(std::string_view why);

}  // namespace tally
