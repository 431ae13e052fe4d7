// What is in the binary, told: `tally list` and `tally describe`.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "harness/base/bundled.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/registry.hpp"
#include "harness/results/row.hpp"
#include "harness/run/request.hpp"

namespace tally {

inline constexpr std::array<std::string_view, 7> list_sections{"strategies", "workloads", "suites",  "counters",
                                                               "metrics",    "machines",  "runtimes"};
// Sections whose names are those of files.
inline constexpr std::array bundled_sections{std::pair<std::string_view, bundled>("counters", bundled::counters),
                                             std::pair<std::string_view, bundled>("machines", bundled::machines),
                                             std::pair<std::string_view, bundled>("runtimes", bundled::runtimes)};

// `what`: one of list_sections, or empty for all of them.
[[nodiscard]] json list_json(const registry&, std::string_view what);
[[nodiscard]] std::string list_text(const registry&, std::string_view what);

// A strategy, a variant (biased:merge=detached), a workload, a suite, a group of counters, a metric, a machine or a runtime; of groups and
// machines also a file. Throws usage_error with the nearest name.
[[nodiscard]] std::string describe_text(const registry&, const std::string& name);
// The same for programs: what list_json has of that name, in its section. A metric of runs and of simulations is there twice.
[[nodiscard]] json describe_json(const registry&, const std::string& name);

// When a strategy frees, as the oracle asks it.
[[nodiscard]] const char* oracle_words(oracle_class);

// The plan, for --plan: rows, skipped rows with reasons, time.
struct run_plan;
[[nodiscard]] std::string plan_text(const run_plan&);
// The skipped rows, gathered by reason: "  plain: copy_drop (2 threads), ...  not thread-safe".
[[nodiscard]] std::string skipped_text(const std::vector<skipped_row>&);

}  // namespace tally
