// Programs in Python that come with the program: `tally plot`, `tally export`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tally::cli {

// Becomes the script of that name in the folder of the plot program, under $TALLY_PYTHON or the path's python3. `subcommand` opens
// messages. Returns only by an exception, results_error: there is no such folder or no such Python.
[[noreturn]] void become_python(std::string_view subcommand, std::string_view script, std::vector<std::string> arguments);

}  // namespace tally::cli
