// `tally merge DIR... --out DIR`: one results directory of several.
#pragma once

#include <filesystem>
#include <vector>

namespace tally {

struct merge_options {
  std::vector<std::filesystem::path> directories;
  std::filesystem::path out;
  bool quiet = false;
};

// The directory is written beside its place and put there whole; one that is a merge already gets what it lacks. Prints a summary of each
// origin. Returns 0, or 3 where something was damaged or could not be read: it is named, and the rest is there. Throws usage_error,
// results_error: then nothing was changed.
int merge_session(const merge_options&);

}  // namespace tally
