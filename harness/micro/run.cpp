#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>

#include "harness/engine/engine.hpp"
#include "harness/measure/presence.hpp"
#include "harness/micro/micro.hpp"

namespace tally::micro {

int run(const std::vector<std::string>& args) {
  park_sentinel();  // shared_ptr counts without atomics in a process that never had a second thread
  benchmark_list all;
  add_baselines(all);
  add_strategies(all);
  // Operation by operation, baselines first: what is compared stands together.
  std::vector<std::string> order;
  for (const auto& b : all) {
    if (std::ranges::find(order, b.operation) == order.end()) order.push_back(b.operation);
  }
  std::ranges::stable_sort(all, {},
                           [&](const benchmark_entry& b) { return std::ranges::find(order, b.operation) - order.begin(); });
  for (const auto& b : all) {
    benchmark::RegisterBenchmark((b.operation + "/" + b.who).c_str(), b.run);
  }
  std::vector<std::string> words{"tally micro"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) {
    std::fprintf(stderr, "tally micro %s: not a flag of Google Benchmark (see tally micro --help)\n", argv[1]);
    return 64;
  }
  const presence here;  // runs on this machine hear of it
  if (benchmark::RunSpecifiedBenchmarks() == 0) {
    std::fprintf(stderr, "tally micro: --benchmark_filter selects nothing\n");
    return 64;
  }
  benchmark::Shutdown();
  return 0;
}

}  // namespace tally::micro
