// The runtimes that are modelled: `tally list runtimes`, `tally describe RUNTIME`.
#pragma once

#include <string>
#include <string_view>

#include "harness/engine/registry.hpp"
#include "harness/results/json.hpp"
#include "harness/run/runtimes.hpp"

namespace tally {

[[nodiscard]] std::string runtimes_text(std::string_view indent);
[[nodiscard]] json runtimes_json();
// Its choices with their sources, what the model's header is beside its own, and what differs.
[[nodiscard]] std::string describe_runtime(const registry&, const runtime&);

}  // namespace tally
