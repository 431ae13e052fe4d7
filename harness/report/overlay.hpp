// What a machine was observed to do, beside what the simulator says of the same rows: a verdict for each.
//
// A row is the same if strategy variant, workload, parameters, threads and heap are. The directories are those of `tally run
// --observe`; rows of other roles in them are of no interest here.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/results/agreement.hpp"
#include "harness/sim/sim_record.hpp"

namespace tally::sim {

class overlay {
 public:
  overlay() = default;
  // Throws usage_error: a directory without observed rows; results_error.
  explicit overlay(const std::vector<std::filesystem::path>& directories);

  // A sentence about each line that was left out.
  [[nodiscard]] const std::vector<std::string>& damaged() const { return damaged_; }

  // Nothing where the row was not observed.
  [[nodiscard]] std::optional<compared_handoffs> judge(const result& simulated, const row_points&) const;

 private:
  std::map<std::string, observed_handoffs> rows_;
  std::vector<std::string> damaged_;
};

// The verdicts of the results, a line a row; "" if there are none. `transfer_ns` is what a line transfer takes on the simulated
// machine between its nearest cores.
[[nodiscard]] std::string agreement_summary(const std::vector<result>&, const std::string& machine, double transfer_ns);

}  // namespace tally::sim
