// One simulated run: a workload under a strategy on so many virtual cores, from an empty heap to the oracle.
//
// The program is built, warmed up, measured and taken down as under the measured engine, but its lanes are fibers and its
// windows are counted in operations: the window opens when all lanes together have done `warm_up` operations a lane and
// closes after `operations` more, and everybody works throughout, so that the last operations meet the same competition as
// the first. Building up goes through the caches; taking down does not.
//
// A window that has not settled (settled.hpp) is followed by one twice as long, as far as accesses
// go.
#pragma once

#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/memory/handoffs.hpp"
#include "harness/sim/caches/memory_system.hpp"
#include "harness/sim/cores/schedule.hpp"

namespace tally::sim {

struct point_spec {
  const cell* pair = nullptr;
  body_spec body;
  machine model;
  memory_options caches;
  schedule order;
  std::uint64_t warm_up = 0, operations = 1;  // a lane
  std::uint64_t most_accesses = 0;            // of the run, beyond which no window is made longer
  bool may_grow = false;                      // the strategy never frees
  cycles think = 0;                           // of work after each operation
};

struct field_counts {
  std::string name;
  traffic sum;
  std::uint64_t failed_cas = 0;
  handoff_counts handoffs;  // as a native thread would have noticed them
};

struct point_result {
  oracle_verdict oracle;
  std::string failure;                                       // an exception, a deadlock, a stray access
  bool exhausted = false;                                    // the heap's limit ended the window
  metric_list metrics;                                       // the workload's own
  std::vector<std::uint64_t> lanes;                          // operations of each, inside the window
  std::string unsettled;                                     // "" or why the window says little of a longer one
  std::uint64_t operations = 0;                              // inside the window
  std::uint64_t cycles = 0;                                  // of it
  std::vector<field_counts> fields;                          // by name; those that were accessed
  std::vector<std::pair<std::string, std::uint64_t>> paths;  // by name; those that were taken
  std::vector<std::vector<std::uint64_t>> taken;             // [from][to]: lines
  std::uint64_t accesses = 0;                                // of the whole run
  std::uint64_t switches = 0;                                // the same
  [[nodiscard]] handoff_counts handoffs() const {
    handoff_counts sum;
    for (const auto& f : fields) sum += f.handoffs;
    return sum;
  }
  [[nodiscard]] traffic total() const {
    traffic sum;
    for (const auto& f : fields) sum += f.sum;
    return sum;
  }
};

// On this thread. Never throws for what a strategy or workload does.
[[nodiscard]] point_result run_point(const point_spec&);

}  // namespace tally::sim
