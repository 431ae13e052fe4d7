// The program that draws: Python, and a script that comes with Tally.
#pragma once

#include <filesystem>
#include <string>

namespace tally {

struct plot_program {
  std::string python;  // TALLY_PYTHON, else python3; the script goes on under another one where this has no matplotlib
  std::filesystem::path script;
};
// Throws results_error where the script is not there.
[[nodiscard]] plot_program find_plot_program();

// Whether it finds all that it needs: empty, or what it says is missing, in a line.
[[nodiscard]] std::string missing_for_plots();

}  // namespace tally
