// What is in the binary, told: `tally list` and `tally describe`.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "harness/base/text.hpp"
#include "harness/engine/registry.hpp"
#include "harness/results/row.hpp"
#include "harness/run/request.hpp"

namespace tally {

inline constexpr std::array<std::string_view, 7> list_sections{"strategies", "workloads", "suites",  "counters",
                                                               "metrics",    "machines",  "runtimes"};

// `what`: one of list_sections, or empty for all of them.
[[nodiscard]] json list_json(const registry&, std::string_view what);
[[nodiscard]] std::string list_text(const registry&, std::string_view what);

// A strategy, a variant (biased:merge=detached), a workload, a suite, a group of counters, a metric, a machine or a runtime; of groups and
// machines also a file. Throws usage_error with the nearest name.
[[nodiscard]] std::string describe_text(const registry&, const std::string& name);

// The plan, for --plan: rows, skipped rows with reasons, time.
struct run_plan;
[[nodiscard]] std::string plan_text(const run_plan&);
// The skipped rows, gathered by reason: "  plain: copy_drop (2 threads), ...  not thread-safe".
[[nodiscard]] std::string skipped_text(const std::vector<skipped_row>&);

}  // namespace tally
