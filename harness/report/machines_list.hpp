// The machines that can be simulated: `tally list machines`, `tally describe MACHINE`.
#pragma once

#include <string>
#include <string_view>

#include "harness/results/json.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally {

[[nodiscard]] std::string machines_text(std::string_view indent);
[[nodiscard]] json machines_json();
// `typed`: its name or file.
[[nodiscard]] json machine_json(const sim::machine&, std::string_view typed);
// Its figures with their sources, and what simulates it, `typed` being its name or file.
[[nodiscard]] std::string describe_machine(const sim::machine&, std::string_view typed);

}  // namespace tally
