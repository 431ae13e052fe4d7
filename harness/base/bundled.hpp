// Files that come with the program, found wherever the two were put.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

enum class bundled { traces, counters, machines, runtimes, findings, plots };

// The first that is there of: the folder of that name in $TALLY_DATA (where that is set, no other counts), in share/tally of the
// prefix that the program is installed in, in share/tally beside the program, in the source tree that its build folder lies in,
// in the source tree that it was built from. Nothing if none is.
[[nodiscard]] std::optional<std::filesystem::path> bundled_folder(bundled);
// Its files with that extension, by name; none without the folder.
[[nodiscard]] std::vector<std::filesystem::path> bundled_files(bundled, std::string_view extension);
// What to say where there is no such folder: where it was looked for, and what to do. Empty if there is one.
[[nodiscard]] std::string bundled_missing(bundled);

}  // namespace tally
