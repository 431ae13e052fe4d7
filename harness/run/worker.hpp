// A worker process: takes items as JSON lines, measures one window each, answers with one record a line.
#pragma once

#include <cstdio>

#include "harness/engine/registry.hpp"
#include "harness/results/row.hpp"
#include "harness/run/request.hpp"

namespace tally {

// Until the end of its input. Never throws for what a strategy or workload does: that is in the record.
void serve(const registry&, std::FILE* in, std::FILE* out);

// One window, in this process.
[[nodiscard]] json measure(const registry&, const run_item&);

// The malloc of this process, by the libraries that are loaded: "system", "mimalloc", "jemalloc".
[[nodiscard]] std::string loaded_allocator();

}  // namespace tally
