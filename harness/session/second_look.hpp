// A second look at some rows of a run: those that its windows leave open are measured in more processes.
#pragma once

#include <set>
#include <string>

#include "harness/run/plan.hpp"

namespace tally {

// The rows of `plan` whose keys are in `rows`, in as many processes as it has and up to five times as many again: fewer where that
// would take longer than nine tenths of what the plan itself takes. Its first processes are the plan's. No row: there is none of these.
[[nodiscard]] run_plan second_look(const run_plan& plan, const std::set<std::string>& rows);

}  // namespace tally
