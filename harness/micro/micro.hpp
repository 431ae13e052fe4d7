// tally micro: Google Benchmark over the registry, for single-thread operation costs with a hand-written baseline beside each.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace benchmark {
class State;
}

namespace tally::micro {

struct benchmark_entry {
  std::string operation, who;  // who: a strategy's name, or a baseline's in brackets
  std::function<void(benchmark::State&)> run;
};
using benchmark_list = std::vector<benchmark_entry>;

// Runs what `args` (Google Benchmark's own flags: --benchmark_filter=copy_drop ...) select. Returns the exit code.
int run(const std::vector<std::string>& args);

void add_baselines(benchmark_list& into);
void add_strategies(benchmark_list& into);  // generated: a call per registered strategy

}  // namespace tally::micro
