// The flags of `tally run`, and a file of them.
#pragma once

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

#include "harness/session/run_session.hpp"

namespace tally::cli {

// Declares the flags on `sub`, which write to `o`; returns those that belong to the request. `o` must outlive the parsing.
[[nodiscard]] std::vector<CLI::Option*> add_run_flags(CLI::App& sub, run_options& o);

// name=value lines, for flags that were not typed. CLI11 reads configuration files for whole programs only, and passes over what
// it does not know; this refuses it. `origin` ("--config PATH") opens every message. Throws usage_error, unknown_name, and
// CLI::Error for a value that the flag does not take.
void take_flags(CLI::App& sub, std::istream& text, const std::string& origin);
void take_flags_from(CLI::App& sub, const std::string& path);

}  // namespace tally::cli
