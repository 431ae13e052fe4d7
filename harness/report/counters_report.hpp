// Groups of hardware counters as people see them: what there is and what this machine gives of it; and what a run counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/counters/perf_group.hpp"
#include "harness/results/result.hpp"

namespace tally {

// `tally list counters`: a line a group, with what is absent on this machine and why.
[[nodiscard]] std::string counters_text(std::string_view indent);
[[nodiscard]] json counters_json();
[[nodiscard]] json counter_group_json(const counter_group&);
// `tally describe GROUP`: events with encodings and sources, formulas, and which of them this machine has.
[[nodiscard]] std::string describe_counters(const counter_group&);

// The end of a run with --counters: a table a scene and group, medians over the windows; what was absent once, with the reason.
// Empty for a run without.
// `order`: the rows' keys in the plan's order.
[[nodiscard]] std::string counters_summary(const std::vector<result>&, const std::vector<std::string>& order);

}  // namespace tally
