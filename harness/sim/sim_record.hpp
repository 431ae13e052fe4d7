// A row of simulated results: what rows.jsonl holds of one point under all its schedules.
#pragma once

#include <string>
#include <vector>

#include "harness/results/agreement.hpp"
#include "harness/results/row.hpp"
#include "harness/sim/point.hpp"

namespace tally::sim {

struct row_points {
  row_spec row;
  std::string machine_name, protocol, caches;
  double clock_ghz = 1;
  cycles think = 0;  // of work after each operation
  std::uint64_t warm_up = 0, operations = 0, most_accesses = 0, seed = 1;
  oracle_class oracle = oracle_class::exact;
  std::vector<std::string> schedules;
  std::vector<point_result> points;  // by schedule; the first is the point
};

// Which row it is: the same in every run of it.
[[nodiscard]] row_key key_of(const row_points&);
[[nodiscard]] json to_json(const traffic&);
// A row beside the same row as a machine was observed to run it.
struct compared_handoffs {
  agreement verdict;
  observed_handoffs observed;
  simulated_handoffs simulated;
};
void add_agreement(json& record, const compared_handoffs&);
// The same bytes for the same build and arguments: no time, no machine of the host's.
[[nodiscard]] json simulated_record(const row_points&);
[[nodiscard]] json skipped_simulated(const std::string& strategy, const std::string& workload, int cores,
                                     const std::string& reason);

// "" or why a point is no result.
[[nodiscard]] std::string failure_of(const point_result&, oracle_class);

}  // namespace tally::sim
