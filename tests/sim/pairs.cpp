// Every strategy variant of this build with every workload on four virtual cores, under a timed and an adversarial schedule: the
// oracle holds, and nothing is skipped but for a reason that the native pairs have, too, or because it wraps a library.
#include <fmt/core.h>

#include <string>

#include "harness/session/sim_session.hpp"
#include "harness/sim/point.hpp"
#include "tests/support/pair_table.hpp"

using namespace tally;

int main(int argc, char** argv) {
  const std::string only = argc > 1 ? argv[1] : "";
  int ran = 0, skipped = 0, wrong = 0;
  const auto complain = [&](const std::string& pair, const std::string& what) {
    fmt::print("FAILED {}: {}\n", pair, what);
    ++wrong;
  };
  const auto table = testing::pair_table();
  const registry& all = built_in_simulated();
  for (const auto& s : all.strategies) {
    for (const auto& v : s.variants) {
      for (std::size_t i = 0; i < v.cells.size(); ++i) {
        const auto& w = all.workloads[i];
        const std::string pair = variant_name(s, v) + " " + std::string(w.name);
        if (pair.find(only) == std::string::npos) continue;
        const cell& c = v.cells[i];
        const auto native = table.find(pair);
        if (native == table.end()) {
          complain(pair, "is not in tests/conform/pairs.txt");
          continue;
        }
        if (const std::string why = c.unmet.empty() ? c.unmet_for(parameters(w)) : std::string(c.unmet); !why.empty()) {
          ++skipped;
          const bool library = s.name == "shared_ptr" || s.name == "bdwgc";
          if (!library && "skip " + why != native->second) complain(pair, "is skipped: " + why);
          continue;
        }
        if (native->second != "ok" && native->second != "skip not thread-safe") complain(pair, "runs, and natively it does not");
        const int cores = v.can.single_threaded ? 1 : 4;
        if (w.min_lanes > cores || !c.unmet_lanes(parameters(w), cores).empty()) {
          ++skipped;
          continue;
        }
        for (const char* order : {"timed", "rr:1"}) {
          sim::point_spec spec;
          spec.pair = &c;
          spec.body.params = parameters(w);
          spec.body.lanes = cores;
          spec.body.seed = 5;
          spec.model = sim::load_machine("epyc-7742");
          spec.order = sim::schedule::read("--schedule", order);
          spec.warm_up = 10;
          spec.operations = 40;
          (void)c.parallelism(spec.body);
          const sim::point_result r = sim::run_point(spec);
          if (!r.failure.empty()) complain(pair + " " + order, r.failure);
          if (r.failure.empty() && !r.oracle.ok) complain(pair + " " + order, r.oracle.message);
          if (r.failure.empty() && r.operations == 0) complain(pair + " " + order, "no operation ended");
          ++ran;
        }
      }
    }
  }
  fmt::print("{} runs, {} pairs skipped with their reason, {} wrong\n", ran, skipped, wrong);
  return wrong == 0 && ran > 0 ? 0 : 1;
}
