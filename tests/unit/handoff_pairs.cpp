#include "harness/measure/handoff_pairs.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace unit_handoff_pairs {
namespace {

using namespace tally;

// CPUs 2n and 2n + 1 are the hyper-threads of core n.
topology of_cores(int cores) {
  topology t;
  for (int c = 0; c < cores; ++c) {
    for (int sibling = 0; sibling < 2; ++sibling) t.cpus.push_back({.cpu = 2 * c + sibling, .core = c, .sibling = sibling});
  }
  return t;
}

handoff_probe probe(double p50, double lost = 0) {
  handoff_probe p;
  p.p50_ns = p50;
  p.lost_share = lost;
  return p;
}

TEST(HandoffPairs, EveryPairIsThereOnceWithTheSiblingsOrWithout) {
  EXPECT_EQ(cpu_pairs(of_cores(2), 100, with_siblings::yes).size(), 6u);
  const auto apart = cpu_pairs(of_cores(2), 100, with_siblings::no);
  EXPECT_EQ(apart.size(), 4u);
  for (const auto& [a, b] : apart) EXPECT_NE(a.core, b.core);
  EXPECT_TRUE(cpu_pairs(of_cores(1), 100, with_siblings::no).empty());
}

TEST(HandoffPairs, OfManyAnEvenChoiceIsTaken) {
  const auto chosen = cpu_pairs(of_cores(8), 10, with_siblings::yes);  // of 120
  ASSERT_EQ(chosen.size(), 10u);
  std::set<std::pair<int, int>> different;
  std::set<int> first;
  for (const auto& [a, b] : chosen) {
    different.emplace(a.cpu, b.cpu);
    first.insert(a.cpu);
  }
  EXPECT_EQ(different.size(), 10u);
  EXPECT_GE(first.size(), 5u) << "not the first CPU's alone";
}

TEST(HandoffPairs, AFigureIsTheMedianOfTheRepetitionsThatHaveOne) {
  const cpu_pair cpus{{.cpu = 0, .core = 0}, {.cpu = 3, .core = 1}};
  handoff_probe failed;
  failed.absent = "a thread could not be pinned";
  const std::vector<handoff_probe> probes{probe(130), probe(200, 0.3), failed, probe(120), probe(131, 0.2), probe(125)};
  const auto p = summarise_pair(cpus, probes);
  EXPECT_EQ(p.cpu_b, 3);
  EXPECT_FALSE(p.siblings);
  EXPECT_EQ(p.repetitions, 5u);
  EXPECT_EQ(p.failed, 1u);
  EXPECT_DOUBLE_EQ(p.median_ns, 130);
  EXPECT_DOUBLE_EQ(p.spread.low, 120);
  EXPECT_DOUBLE_EQ(p.spread.high, 200);
  EXPECT_DOUBLE_EQ(p.lost_share, 0);
  EXPECT_EQ(p.absent, "");
  EXPECT_EQ(summarise_pair(cpus, std::vector{failed}).absent, "a thread could not be pinned");
  EXPECT_NE(summarise_pair(cpus, {}).absent, "");
}

TEST(HandoffPairs, TwoCpusOfThisMachineHandALineOver) {
  const auto pairs = cpu_pairs(cpu_topology(), 1, with_siblings::yes);
  if (pairs.empty()) GTEST_SKIP() << "one CPU";
  const auto seen = probe_pairs(pairs, 3);
  ASSERT_EQ(seen.size(), 1u);
  if (!seen.front().absent.empty()) GTEST_SKIP() << seen.front().absent;
  EXPECT_GT(seen.front().median_ns, 0);
  EXPECT_LE(seen.front().spread.low, seen.front().median_ns);
  EXPECT_GE(seen.front().spread.high, seen.front().median_ns);
}

}  // namespace
}  // namespace unit_handoff_pairs
