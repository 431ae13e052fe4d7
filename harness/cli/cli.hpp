// The subcommands: each adds itself to the command line, and sets `run` when it was chosen. No logic here.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace tally::cli {

using action = std::function<int()>;

void add_list(CLI::App&, action& run);
void add_describe(CLI::App&, action& run);
void add_run(CLI::App&, action& run);
void add_sim(CLI::App&, action& run);
void add_micro(CLI::App&, action& run);
void add_trace(CLI::App&, action& run);
void add_watch(CLI::App&, action& run);
void add_findings(CLI::App&, action& run);
void add_doctor(CLI::App&, action& run);
void add_compare(CLI::App&, action& run);
void add_merge(CLI::App&, action& run);
void add_export(CLI::App&, action& run);
void add_plot(CLI::App&, action& run);
void add_report(CLI::App&, action& run);
void add_completion(CLI::App&, action& run);
void add_worker(CLI::App&, action& run);

// From now on SIGINT, SIGTERM and SIGHUP set what is returned, and end nothing; `once`: a second one ends the process.
const volatile int& catch_interrupts(bool once);

// `tally trace info FILE`. Throws usage_error.
int trace_info(const std::string& file, bool json);

}  // namespace tally::cli
