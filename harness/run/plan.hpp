// The plan: from what was asked for to the rows that will be measured, the rows that can't be and why, and the order.
//
// The unit of replication is the process. Each process measures some blocks; a block measures every row once (one with long windows
// is in every few blocks), in an order drawn from the seed, so that drift of the machine falls on all rows alike. Rows that are compared
// with each other, those of a scene, are measured one after the other: a guest's speed changes within seconds, and what two rows have of
// that differs by less the nearer they are in time. The order of scenes is drawn, and the order of the rows in each. The baseline is in
// every scene, twice: the second copy (role "aa") shows what difference nothing makes. A suite may say that it has none.
//
// Under several allocators a scene has a row of each for a strategy that takes its objects from malloc. The baseline, and its
// second copy, is under the first of them, and so is what has a heap of its own.
#pragma once

#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/measure/allocators.hpp"
#include "harness/measure/topology.hpp"
#include "harness/results/row.hpp"
#include "harness/run/request.hpp"
#include "harness/run/suites.hpp"

namespace tally {

struct run_plan {
  run_request request;            // with the seed that was drawn
  std::string suite;              // or "selection"
  int processes = 0, blocks = 0;  // processes: as planned, where the rule is open
  stop_rule stop;
  std::vector<row_spec> rows;
  std::vector<skipped_row> skipped;
  std::uint64_t window_ns = 0;
  int briefs = 1;  // of protocol: a row whose windows are not brief is measured in one block of so many

  [[nodiscard]] bool smoke() const { return processes < citable_processes; }
  [[nodiscard]] std::size_t windows() const { return windows_of(processes); }
  [[nodiscard]] std::size_t windows_of(int n) const;
  [[nodiscard]] std::uint64_t brief_ns() const { return window_ns / static_cast<std::uint64_t>(briefs); }
  [[nodiscard]] bool has_window(const row_spec& r, int block) const { return r.briefs == briefs || block % briefs == 0; }
  [[nodiscard]] int windows_in_process(const row_spec& r) const {
    return r.briefs == briefs ? blocks : (blocks + briefs - 1) / briefs;
  }
  [[nodiscard]] std::string windows_text() const;  // "10 processes, in each 6 windows of 25 ms or 2 of 75 ms"
  // At least so long: windows, processes, small states.
  [[nodiscard]] double predicted_seconds() const { return processes * process_seconds(); }
  [[nodiscard]] double process_seconds() const;
  // "at least 3 min 20 s"; of an open rule what its least number and its most take, or its budget. `share` of it is to be measured.
  [[nodiscard]] std::string takes_text(double share = 1) const;
  // The windows of a process in the order in which they are measured. Depends on the plan and its seed only.
  [[nodiscard]] std::vector<run_item> items(int process) const;
};

// Rows of a process that share a worker have the same.
[[nodiscard]] std::string worker_name(const row_spec&);

// Throws usage_error: unknown names, values out of range, nothing selected, a typed allocator that is not installed. One that a
// suite names and that is not installed is left out: its rows are skipped. Without a check, all are taken to be there.
[[nodiscard]] run_plan make_plan(const registry&, run_request, const topology& = cpu_topology(), const allocator_check& = {});

// Each mode, latency in each of the loops that were asked for; in a closed one if no rate is given.
[[nodiscard]] std::vector<measure_choice> measure_choices(const std::vector<measure_mode>&, const run_request&);
// --rate where no row measures latency, --arrivals where none is at a rate. Throws usage_error.
void refuse_unused_rates(const run_plan&);

// Sets how many processes it has, and what ends it; `standard` is the suite's number. Throws usage_error where there is no ratio whose
// interval could become narrow.
void settle_processes(run_plan&, int standard);

// Why rows are skipped: each reason once, the first ones in full.
[[nodiscard]] std::string reasons_of(const std::vector<skipped_row>&);

}  // namespace tally
