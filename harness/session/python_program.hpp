// The programs in Python that come with Tally: they draw, make pages, and write results for other tools.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

inline constexpr std::string_view plot_script = "plot.py", export_script = "export.py";

struct python_program {
  std::string python;  // TALLY_PYTHON, else python3; the script goes on under another one where this has no matplotlib
  std::filesystem::path script;
};
// `subcommand` opens the message. Throws results_error where the scripts are not there.
[[nodiscard]] python_program find_python_program(std::string_view subcommand, std::string_view script);

// Becomes the script. Returns only by an exception, results_error: there is no such script or no such Python.
[[noreturn]] void become_python(std::string_view subcommand, std::string_view script, std::vector<std::string> arguments);

// Whether plots find all that they need: empty, or what they say is missing, in a line.
[[nodiscard]] std::string missing_for_plots();

}  // namespace tally
