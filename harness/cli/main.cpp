// The command line. One file per subcommand; no logic here.
#include <fmt/core.h>

#include "harness/registry.hpp"
#include "harness/run/engine.hpp"

int main() {
  using namespace tally;
  park_sentinel();
  for (const auto& s : built_in().strategies) {
    for (const auto& v : s.variants) {
      for (std::size_t i = 0; i < v.cells.size(); ++i) {
        const auto& cell = v.cells[i];
        if (!cell.unmet.empty()) { fmt::print("{} {} {}: skipped, {}\n", s.name, v.label, cell.workload, cell.unmet); continue; }
        for (int lanes : {1, 2}) {
          if (lanes > 1 && v.can.single_threaded) continue;
          body_spec b;
          b.params = parameters(built_in().workloads[i]);
          b.lanes = lanes;
          auto body = cell.make(b);
          window_spec w;
          w.lanes = lanes;
          w.cpus = {0, 1};
          auto r = run_window(*body, w);
          fmt::print("{:10} {:16} {:12} {} {:8.2f} ns/op {} {}\n", s.name, v.label, cell.workload, lanes,
                     1e9 * lanes / r.operations_per_second(), r.oracle.ok ? "ok" : r.oracle.message, r.failure);
        }
      }
    }
  }
}
