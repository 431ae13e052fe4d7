#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/errors.hpp"
#include "harness/base/program.hpp"
#include "harness/engine/engine.hpp"
#include "harness/measure/environment.hpp"
#include "harness/measure/presence.hpp"
#include "harness/micro/micro.hpp"
#include "harness/results/binary.hpp"

namespace tally::micro {
namespace {

// Operation by operation, baselines first: what is compared stands together.
benchmark_list all_benchmarks() {
  benchmark_list all;
  add_baselines(all);
  add_strategies(all);
  const auto place = [](const benchmark_entry& b) {
    return std::ranges::find(operations, std::string_view(b.operation), &operation_info::name) - operations.begin();
  };
  std::ranges::stable_sort(all, {}, place);
  return all;
}

void print_help() {
  fmt::print(
      "costs of single operations on one thread, by Google Benchmark\nUsage: tally micro FLAG...\n\n"
      "An entry is OPERATION/STRATEGY, or OPERATION/(CODE) for what is written by hand:\n");
  for (const auto& o : operations) fmt::print("  {:16}  {}\n", o.name, o.what);
  fmt::print("\nFlags of Google Benchmark:\n");
  benchmark::PrintDefaultHelp();
}

// Beside what the library says of the processor: in the output's head, and in its JSON's context.
void add_context() {
  const build_identity& built = built_as();
  const environment_facts& here = environment();
  const std::pair<const char*, std::string> facts[]{
      {"tally", version_text()},
      {"compiler", built.compiler},
      {"flags", built.flags},
      {"build_type", built.build_type},
      {"cpu_model", here.cpu_model},
      {"kernel", here.kernel},
      {"libc", here.libc},
      {"machine", here.machine_id},
      {"library_build_type_is",
       "that of the installed Google Benchmark; the timed loops are part of tally, built with the flags above"}};
  for (const auto& [key, value] : facts) benchmark::AddCustomContext(key, value);
  // The library writes the host's name, and offers no way not to. It made the object on the heap, not const.
  const_cast<std::string&>(benchmark::SystemInfo::Get().name) = "not told";
}

}  // namespace

int run(const std::vector<std::string>& args) {
  park_sentinel();  // shared_ptr counts without atomics in a process that never had a second thread
  for (const auto& b : all_benchmarks()) benchmark::RegisterBenchmark((b.operation + "/" + b.who).c_str(), b.run);
  std::vector<std::string> words{"tally micro"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data(), print_help);
  if (argc > 1) {
    throw usage_error(
        fmt::format("micro {}: not a flag of Google Benchmark; {} lists them", argv[1], command("micro", "--help")));
  }
  add_context();
  const session_presence here;  // runs on this machine hear of it
  if (benchmark::RunSpecifiedBenchmarks() == 0) {
    throw usage_error(fmt::format("micro: --benchmark_filter selects nothing; {} shows what there is",
                                  command("micro", "--benchmark_list_tests")));
  }
  benchmark::Shutdown();
  return 0;
}

}  // namespace tally::micro
