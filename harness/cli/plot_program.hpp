// The plot program in Python, which `tally plot` and `tally report` become.
#pragma once

#include <string>
#include <vector>

namespace tally::cli {

// Becomes it; returns only by an exception. `subcommand` opens the message. Throws results_error where it is not installed.
int become_plot_program(const std::string& subcommand, std::vector<std::string> arguments);

// Throws as that would where it is not installed.
void require_plot_program(const std::string& subcommand);

}  // namespace tally::cli
