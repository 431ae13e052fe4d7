// What `tally doctor` found, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "harness/measure/host_checks.hpp"
#include "harness/results/json.hpp"

namespace tally {

// A line each: name, state, value; below it, where it is not fine, the reason and the remedy. Then the verdict, in a sentence.
[[nodiscard]] std::string doctor_text(const std::vector<machine_check>&);
[[nodiscard]] std::string doctor_verdict(const std::vector<machine_check>&);

// The same with all that was read, as docs/doctor.md describes it.
[[nodiscard]] json doctor_json(const std::vector<machine_check>&, const host_reading&);

}  // namespace tally
