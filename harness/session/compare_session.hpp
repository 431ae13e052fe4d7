// `tally compare OLD NEW`: two results directories, row by row, to the exit code.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tally {

struct compare_options {
  std::filesystem::path before, after;
  std::vector<std::string> metrics;  // besides what each row is judged by
  std::optional<double> gate;        // per cent
  bool force = false;                // compare what differs in more than the revision
  bool markdown = false;
};

// Prints the comparison, and to standard error why there is none. Returns 0; 1 for a figure that is worse than the gate allows by its
// whole interval; 2 where there is nothing to say: the sides are of different machines or builds, no row is in both, or a gate was
// asked for and no figure can pass or fail it, or a row fails that did not. Throws usage_error, results_error.
int compare_session(const compare_options&);

}  // namespace tally
