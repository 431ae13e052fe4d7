// What a machine was observed to do, beside what the simulator says of the same rows: a verdict for each.
//
// A row is the same if strategy variant, workload, parameters, threads and heap are. The directories are those of `tally run
// --observe`; rows of other roles in them are of no interest here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/measure/agreement.hpp"
#include "harness/sim/sim_record.hpp"

namespace tally::sim {

class overlay {
 public:
  overlay() = default;
  // Throws usage_error: a directory without observed rows; results_error.
  explicit overlay(const std::vector<std::string>& directories);

  // Adds "agreement" to the record of a row, if the row was observed.
  void judge(json& record, const row_points&) const;

 private:
  std::map<std::string, observed_handoffs> rows_;
};

// The verdicts of the records, a line a row; "" if there are none. `transfer_ns` is what a line transfer takes on the simulated
// machine between its nearest cores.
[[nodiscard]] std::string agreement_summary(const std::vector<json>& records, const std::string& machine, double transfer_ns);

}  // namespace tally::sim
