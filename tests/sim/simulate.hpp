// One point of a built-in strategy and workload, for tests and tools.
#pragma once

#include <map>
#include <string>

#include "harness/run/choices.hpp"
#include "harness/session/sim_session.hpp"
#include "harness/sim/point.hpp"

namespace tally::sim {

struct wanted {
  std::string strategy, workload = "copy_drop";
  std::map<std::string, std::string> parameters = {};
  int cores = 2;
  std::string order = "timed";
  std::uint64_t operations = 2000;
  std::string machine = "epyc-7773x-2s";
  std::uint64_t most_accesses = 0;
  cycles think = 0;
};

inline point_result simulate_point(const wanted& w) {
  const registry& all = built_in_simulated();
  const strategy_choice s = choose_strategies(all, "--strategy", w.strategy.c_str()).front();
  const workload_choice program = choose_workloads(all, w.workload.c_str()).front();
  point_spec spec;
  spec.pair = &s.variant->cells.at(program.index);
  spec.body.params = parameters(all.workloads[program.index], w.parameters);
  spec.body.lanes = w.cores;
  spec.body.tunables = s.tunables;
  spec.model = load_machine(w.machine);
  spec.order = schedule::read("--schedule", w.order);
  spec.warm_up = 100;
  spec.operations = w.operations;
  spec.most_accesses = w.most_accesses;
  spec.think = w.think;
  spec.may_grow = s.variant->can.oracle == oracle_class::never_frees;
  return run_point(spec);
}

// Operations a cycle, of all cores together.
inline double speed(const point_result& r) { return static_cast<double>(r.operations) / static_cast<double>(r.cycles); }

}  // namespace tally::sim
