// The catalogue of metrics as people and programs see it: `tally list metrics`, `tally describe METRIC`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/results/metrics.hpp"

namespace tally {

// Of runs first, then of simulations: a name that both have is there twice.
[[nodiscard]] std::vector<metric_info> known_metrics();
[[nodiscard]] std::string metrics_text(std::string_view indent);
[[nodiscard]] json metrics_json();
// Empty where no metric is called that.
[[nodiscard]] std::string describe_metric(std::string_view name);

}  // namespace tally
