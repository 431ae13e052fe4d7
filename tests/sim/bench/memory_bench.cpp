// How fast the memory system is by itself: millions of accesses a second of this host's core, attribution on. Not a test:
// its figures are the host's. `sim_bench MIX CORES ACCESSES [real]` runs one mix only, for instruction counts under
// callgrind.
//
// The mix is a counting workload's: of 100 accesses, 70 go to the core's own lines, 30 to shared ones; half are loads.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <vector>

#include "harness/base/random.hpp"
#include "harness/sim/caches/memory_system.hpp"

namespace {

using namespace tally::sim;

struct mix {
  const char* name;
  double shared;
  unsigned own_lines;  // per core
  unsigned shared_lines;
};

struct step {
  std::uint8_t core;
  line_access access;
};

std::vector<step> draw(const mix& m, unsigned cores, std::size_t n) {
  tally::random_source r(1, cores);
  std::vector<step> steps;
  for (std::size_t i = 0; i < n; ++i) {
    const unsigned core = r.below(cores);
    const bool shared = r.chance(m.shared);
    const line_id line = shared ? r.below(m.shared_lines) : m.shared_lines + core * m.own_lines + r.below(m.own_lines);
    const unsigned kind = r.below(4);
    steps.push_back({static_cast<std::uint8_t>(core),
                     {line, static_cast<field_id>(line % 7), static_cast<std::uint8_t>(r.below(8) * 8), 8,
                      kind < 2    ? access_kind::load
                      : kind == 2 ? access_kind::store
                                  : access_kind::rmw}});
  }
  return steps;
}

double run(const machine& m, const mix& x, unsigned cores, bool infinite, std::size_t accesses) {
  memory_system memory(m, cores, {.infinite = infinite, .fields = 32});
  const std::vector<step> steps = draw(x, cores, 1 << 16);
  std::vector<cycles> clock(cores);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < accesses; ++i) {
    const step& s = steps[i & (steps.size() - 1)];
    clock[s.core] += memory.perform(s.core, clock[s.core], s.access);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (memory.total().accesses() != accesses) std::abort();
  return static_cast<double>(accesses) / took.count() / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  const machine m = load_machine("epyc-7773x-2s");
  const mix mixes[] = {
      {"private", 0.0, 64, 64}, {"counting", 0.3, 64, 64}, {"contended", 1.0, 64, 4}, {"large", 0.05, 20000, 64}};
  if (argc > 3) {
    for (const mix& x : mixes) {
      if (argv[1] != std::string_view(x.name)) continue;
      const auto cores = static_cast<unsigned>(std::atoi(argv[2]));
      run(m, x, cores, argc == 4, static_cast<std::size_t>(std::atoll(argv[3])));
    }
    return 0;
  }
  fmt::print("million accesses a second, {}\n{:10} {:>5} {:>9} {:>9}\n", m.name, "mix", "cores", "infinite", "real");
  for (const mix& x : mixes) {
    for (const unsigned cores : {2u, 16u, 64u, 128u}) {
      const double infinite = run(m, x, cores, true, 5000000);
      fmt::print("{:10} {:5} {:9.1f} {:9.1f}\n", x.name, cores, infinite, run(m, x, cores, false, 5000000));
    }
  }
}
