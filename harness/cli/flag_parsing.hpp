// The flags of `tally run`, `tally sim` and `tally watch` on a command line, and in a file of them; session/flags.hpp is their list.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <istream>
#include <string>

#include "harness/session/flags.hpp"

namespace tally::cli {

// Declares the flags of Options on `sub`, and --config, which names a file of them. They write to `o`, which must outlive the
// parsing; when all are read, and `o` knows which were given, `then` is called. Parsing throws usage_error for a value that a
// flag does not take.
template <class Options>
void add_flags(CLI::App& sub, Options& o, const std::function<void()>& then);

extern template void add_flags<run_options>(CLI::App&, run_options&, const std::function<void()>&);
extern template void add_flags<sim::sim_options>(CLI::App&, sim::sim_options&, const std::function<void()>&);
extern template void add_flags<watch_options>(CLI::App&, watch_options&, const std::function<void()>&);

// name=value lines, for flags that were not typed. CLI11 reads configuration files for whole programs only, and passes over what
// it does not know; this refuses it. `origin` ("--config PATH") opens the message where there is no such flag. Throws
// usage_error, unknown_name, and CLI::Error for a flag without a value.
void take_flags(CLI::App& sub, std::istream& text, const std::string& origin);

}  // namespace tally::cli
