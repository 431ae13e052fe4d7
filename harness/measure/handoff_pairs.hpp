// The hand-off probe over pairs of CPUs, several times each: how far apart they are, and whether that stays so.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/measure/probe.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/measure/topology.hpp"

namespace tally {

using cpu_pair = std::pair<cpu_place, cpu_place>;

// Pairs of the usable CPUs, hyper-threads of one core among them if asked for; an even choice of at most `most` where there are more.
enum class with_siblings { no, yes };
[[nodiscard]] std::vector<cpu_pair> cpu_pairs(const topology&, std::size_t most, with_siblings);

struct handoff_pair {
  int cpu_a = -1, cpu_b = -1;
  bool siblings = false;
  std::size_t repetitions = 0;  // that gave a figure
  std::size_t failed = 0;       // that gave none: the two did not run at the same time
  double median_ns = 0;         // one way: the median over repetitions of each one's median
  // The least and the most of these. Of n repetitions the true median lies between them with a probability of 1 - 2^(1-n): of
  // seven that is an interval of 98 %, which supposes nothing of the distribution.
  interval spread;
  double lost_share = 0;  // the median over repetitions; probe.hpp
  std::string absent;     // why there is no figure; empty: there is one
};

[[nodiscard]] handoff_pair summarise_pair(const cpu_pair&, std::span<const handoff_probe>);

// Takes about `repetitions` * 3 ms per pair. The rounds go over all pairs in turn, so that a slow spell is in one round of many
// pairs, and not in all rounds of one.
[[nodiscard]] std::vector<handoff_pair> probe_pairs(const std::vector<cpu_pair>&, int repetitions);

}  // namespace tally
