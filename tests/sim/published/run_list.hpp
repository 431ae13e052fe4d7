// Runs the published list on virtual cores: windows of operations, as rows of `tally sim` have them.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "harness/sim/cores/multicore.hpp"
#include "tests/sim/published/list.hpp"

namespace tally::sim::published {

struct list_settings {
  int cores = 1;
  std::string machine = "epyc-7773x-2s", order = "timed";
  unsigned elements = 10;                        // at the start; keys are drawn from twice as many
  unsigned modify_percent = 20;                  // half of them inserts, half removals
  std::uint64_t warm_up = 50, operations = 300;  // a core
  std::uint64_t seed = 1;
};

struct list_result {
  std::string failure;
  double ns_per_op = 0;  // on one thread
  double transfers_per_op = 0;
};

template <class Scheme>
list_result run_list(const list_settings& s) {
  const machine model = load_machine(s.machine);
  space memory;
  memory_system caches(model, static_cast<unsigned>(s.cores), {.fields = static_cast<unsigned>(fields().names().size())});
  multicore cores(memory, caches, schedule::read("--schedule", s.order), s.seed);
  const auto lanes = static_cast<std::uint64_t>(s.cores);
  std::uint64_t done = 0, latest = 0, opened_at = 0, cycles = 0, transfers = 0;
  int expected = 0;
  bool over = false;
  list_result result;
  cores.run([&] {
    cores.set_counting(true);
    auto* list = new ordered_list<Scheme>;
    {
      typename ordered_list<Scheme>::thread first(list->all);
      for (unsigned i = 0; i < s.elements; ++i) expected += list->insert(first, 2 * i) ? 1 : 0;
    }
    for (int c = 0; c < s.cores; ++c) {
      cores.spawn(c, [&, c, list] {
        typename ordered_list<Scheme>::thread mine(list->all);
        random_source random(s.seed, static_cast<std::uint64_t>(c));
        while (!over) {
          const std::uint64_t key = random.below(2 * s.elements);
          const std::uint32_t what = random.below(200);
          if (what >= 2 * s.modify_percent) {
            (void)list->search(mine, key);
          } else if (what % 2 == 0) {
            expected += list->insert(mine, key) ? 1 : 0;
          } else {
            expected -= list->remove(mine, key) ? 1 : 0;
          }
          cores.work(1);
          latest = std::max(latest, cores.now());
          if (over) break;
          if (++done == s.warm_up * lanes) {
            caches.reset_counters();
            opened_at = latest;
          } else if (done == (s.warm_up + s.operations) * lanes) {
            over = true;
            cycles = latest - opened_at;
            transfers = caches.total().transfers();
          }
        }
      });
    }
    cores.join();
    if (list->broken) cores.fail("a reader came by a freed node");
    if (list->size() != expected) cores.fail("the list is not what was inserted and not removed");
  });
  result.failure = cores.failure();
  const auto operations = static_cast<double>(s.operations * lanes);
  result.ns_per_op = static_cast<double>(cycles) * s.cores / operations / model.clock_ghz;
  result.transfers_per_op = static_cast<double>(transfers) / operations;
  return result;
}

}  // namespace tally::sim::published
