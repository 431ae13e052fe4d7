// A comparison of two runs, in words for a terminal or in Markdown for a pull request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/results/comparison.hpp"
#include "harness/results/origin.hpp"

namespace tally {

struct compared_side {
  std::string name;  // the directory as it was typed
  row_origin origin;
  std::size_t processes = 0;
};

struct told_comparison {
  compared_side before, after;
  std::vector<origin_difference> differences;  // that were forced
  run_comparison result;
  int processes_needed = 0;
  std::optional<double> gate;  // per cent
};

[[nodiscard]] std::string comparison_text(const told_comparison&);
[[nodiscard]] std::string comparison_markdown(const told_comparison&);

// "slower", "larger", "worse" and their opposites, by the metric's unit; "no difference"; "" where nothing may be said.
[[nodiscard]] std::string verdict_word(const compared_figure&);
// A line each: "machine.kernel: Linux 6.1 in A, Linux 6.2 in B".
[[nodiscard]] std::string differences_text(const std::vector<origin_difference>&, const std::string& before,
                                           const std::string& after);

}  // namespace tally
