// From a measured window to its record, as results/schema.json says. Nothing here measures.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/engine/engine.hpp"
#include "harness/results/metrics.hpp"
#include "harness/results/row.hpp"

namespace tally {

[[nodiscard]] json measured_record(const run_item&, const bound_row&, const window_result&, const window_context&);
// The harness could not measure it: a worker that crashed, hung or could not make the row.
[[nodiscard]] json error_record(const run_item&, const std::string& reason);
[[nodiscard]] json skipped_record(const skipped_row&);
// What only the harness's own process knows of a measured window: it is doubtful, and why.
void add_doubt(json& record, const std::string& reason);

}  // namespace tally
