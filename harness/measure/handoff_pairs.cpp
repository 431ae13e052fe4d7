#include "harness/measure/handoff_pairs.hpp"

#include <algorithm>

namespace tally {

std::vector<cpu_pair> cpu_pairs(const topology& machine, std::size_t most, with_siblings siblings) {
  std::vector<cpu_pair> all;
  for (std::size_t a = 0; a < machine.cpus.size(); ++a) {
    for (std::size_t b = a + 1; b < machine.cpus.size(); ++b) {
      const bool one_core = machine.cpus[a].core == machine.cpus[b].core;
      if (!one_core || siblings == with_siblings::yes) all.emplace_back(machine.cpus[a], machine.cpus[b]);
    }
  }
  if (all.size() <= most) return all;
  std::vector<cpu_pair> chosen;
  for (std::size_t i = 0; i < most; ++i) chosen.push_back(all[i * all.size() / most]);
  return chosen;
}

handoff_pair summarise_pair(const cpu_pair& cpus, std::span<const handoff_probe> probes) {
  handoff_pair p;
  p.cpu_a = cpus.first.cpu;
  p.cpu_b = cpus.second.cpu;
  p.siblings = cpus.first.core == cpus.second.core;
  p.absent = "it was not probed";
  std::vector<double> medians, lost;
  for (const auto& probe : probes) {
    if (!probe.absent.empty()) {
      p.absent = probe.absent;
      ++p.failed;
      continue;
    }
    medians.push_back(probe.p50_ns);
    lost.push_back(probe.lost_share);
  }
  if (medians.empty()) return p;
  p.absent.clear();
  p.repetitions = medians.size();
  p.median_ns = median(medians);
  const auto [least, greatest] = std::ranges::minmax(medians);
  p.spread = {least, greatest};
  p.lost_share = median(lost);
  return p;
}

std::vector<handoff_pair> probe_pairs(const std::vector<cpu_pair>& pairs, int repetitions) {
  std::vector<std::vector<handoff_probe>> probes(pairs.size());
  for (int round = 0; round < repetitions; ++round) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      probes[i].push_back(probe_handoff(pairs[i].first.cpu, pairs[i].second.cpu));
    }
  }
  std::vector<handoff_pair> all;
  for (std::size_t i = 0; i < pairs.size(); ++i) all.push_back(summarise_pair(pairs[i], probes[i]));
  return all;
}

}  // namespace tally
