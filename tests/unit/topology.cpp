#include "harness/measure/topology.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "harness/base/cpu_set.hpp"
#include "harness/contract/workload.hpp"
#include "tests/support/made_up_tree.hpp"

namespace unit_topology {
namespace {

using namespace tally;
using ::testing::ElementsAre;

// A made-up /sys/devices/system, in a folder that has others beside it.
class system_tree {
 public:
  void file(const std::string& path, const std::string& text) const { tree_.file("system/" + path, text); }
  void cpu(int n, int package, const std::string& siblings) const {
    const std::string at = "cpu/cpu" + std::to_string(n) + "/topology/";
    file(at + "physical_package_id", std::to_string(package));
    file(at + "thread_siblings_list", siblings);
  }
  [[nodiscard]] std::string path() const { return tree_.path() + "/system"; }

 private:
  made_up_tree tree_;
};

// Two sockets of two cores of two hyper-threads, numbered as Linux does it: first all first threads.
topology two_sockets() {
  const system_tree tree;
  for (int n = 0; n < 8; ++n) {
    const int core = n % 4;
    tree.cpu(n, core / 2, std::to_string(core) + "," + std::to_string(core + 4));
  }
  tree.file("node/node0/cpulist", "0-1,4-5");
  tree.file("node/node1/cpulist", "2-3,6-7");
  tree.file("node/node2/cpulist", "");
  tree.file("node/online", "0-2");
  std::vector<int> all(8);
  std::iota(all.begin(), all.end(), 0);
  return read_topology(tree.path(), all);
}

TEST(Topology, CoresSiblingsSocketsAndNodesAreRead) {
  const auto t = two_sockets();
  EXPECT_EQ(t.cores(), 4);
  EXPECT_EQ(t.packages(), 2);
  EXPECT_EQ(t.nodes(), 2);
  EXPECT_TRUE(t.smt());
  EXPECT_EQ(t.cpus[6].core, t.cpus[2].core);
  EXPECT_EQ(t.cpus[6].sibling, 1);
  EXPECT_EQ(t.cpus[6].node, 1);
}

TEST(Topology, CoresPinsPhysicalCoresFirstThenTheirSecondThreads) {
  EXPECT_THAT(pin_list("cores", 3, two_sockets()), ElementsAre(0, 1, 2));
  EXPECT_THAT(pin_list("cores", 8, two_sockets()), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(Topology, SpreadAlternatesBetweenSockets) {
  EXPECT_THAT(pin_list("spread", 8, two_sockets()), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
}

TEST(Topology, SmtFillsACoreBeforeTheNext) {
  EXPECT_THAT(pin_list("smt", 8, two_sockets()), ElementsAre(0, 4, 1, 5, 2, 6, 3, 7));
}

TEST(Topology, MoreLanesThanCpusGoRoundAndNoneIsEmpty) {
  EXPECT_THAT(pin_list("cores", 10, two_sockets()), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 0, 1));
  EXPECT_THAT(pin_list("none", 4, two_sockets()), ElementsAre());
  EXPECT_EQ(cpus_used(pin_list("cores", 10, two_sockets()), two_sockets()), 8);
  EXPECT_EQ(cpus_used({}, two_sockets()), 8);
}

TEST(Topology, AListIsTakenAsItIs) {
  EXPECT_THAT(pin_list("3,0-1", 3, two_sockets()), ElementsAre(3, 0, 1));
  EXPECT_THAT(pin_list("3,5", 4, two_sockets()), ElementsAre(3, 5, 3, 5));
}

TEST(Topology, BadPoliciesAndCpusAreNamed) {
  const auto message = [](const char* policy) -> std::string {
    try {
      (void)pin_list(policy, 2, two_sockets());
    } catch (const usage_error& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message("0,9"), "--pin 0,9: CPU 9 is not one that may be used here");
  EXPECT_THAT(message("kores"), ::testing::StartsWith("--pin kores: cores, spread"));
  for (const char* bad : {"0-", "1,,2", "3-1", "1x", "0,"}) EXPECT_THAT(message(bad), ::testing::HasSubstr(bad));
}

// Two large cores with two hyper-threads each, numbered last, and two small ones.
TEST(Topology, LargeCoresOfAHybridProcessorComeFirst) {
  const system_tree x86, arm;
  for (const auto* tree : {&x86, &arm}) {
    for (const int small : {0, 1}) tree->cpu(small, 0, std::to_string(small));
    for (const int large : {2, 4}) {
      for (const int n : {large, large + 1}) tree->cpu(n, 0, fmt::format("{}-{}", large, large + 1));
    }
  }
  EXPECT_EQ(read_topology(x86.path(), {0, 1, 2}).kinds(), 1);
  x86.file("../cpu_atom/cpus", "0-1,7");
  for (const int n : {0, 1}) arm.file(fmt::format("cpu/cpu{}/cpu_capacity", n), "446");
  for (const auto* tree : {&x86, &arm}) {
    const auto t = read_topology(tree->path(), {0, 1, 2, 3, 4, 5});
    EXPECT_EQ(t.kinds(), 2);
    EXPECT_EQ(t.cores(), 4);
    EXPECT_THAT(pin_list("cores", 6, t), ElementsAre(2, 4, 0, 1, 3, 5));
    EXPECT_THAT(pin_list("spread", 6, t), ElementsAre(2, 4, 0, 1, 3, 5));
    EXPECT_THAT(pin_list("smt", 6, t), ElementsAre(2, 3, 4, 5, 0, 1));
    EXPECT_EQ(kinds_used(pin_list("cores", 2, t), t), 1);
    EXPECT_EQ(kinds_used(pin_list("cores", 3, t), t), 2);
    EXPECT_EQ(kinds_used({}, t), 2);
  }
}

TEST(Topology, ProcessorsBeyond1024AreProcessors) {
  const std::vector<int> far{3, 1023, 1024, 4000, 8191};
  EXPECT_EQ(cpu_set(far).cpus(), far);
  const cpu_set here = cpu_set::of_this_thread();
  EXPECT_FALSE(here.cpus().empty());
  EXPECT_TRUE(here.bind());
  EXPECT_FALSE(cpu_set(std::vector<int>{8191}).bind()) << "no machine here has it";
  EXPECT_EQ(cpu_set::of_this_thread(), here);
}

TEST(Topology, WithSomeCpusForbiddenTheOthersKeepTheirPlaces) {
  const system_tree tree;
  tree.cpu(1, 0, "0-1");  // its first hyper-thread is not ours
  tree.cpu(3, 0, "2-3");
  tree.cpu(2, 0, "2-3");
  const auto t = read_topology(tree.path(), {1, 2, 3});
  EXPECT_EQ(t.cores(), 2);
  EXPECT_THAT(pin_list("cores", 3, t), ElementsAre(1, 2, 3));
}

TEST(Topology, WithoutTheFilesEveryCpuIsACore) {
  const system_tree nothing;
  const auto t = read_topology(nothing.path(), {0, 1, 2});
  EXPECT_EQ(t.cores(), 3);
  EXPECT_FALSE(t.smt());
  EXPECT_THAT(pin_list("spread", 3, t), ElementsAre(0, 1, 2));
}

TEST(Topology, ThisMachineHasACpuThatCanBePinned) {
  const auto& t = cpu_topology();
  ASSERT_FALSE(t.cpus.empty());
  EXPECT_GE(t.cores(), 1);
  EXPECT_EQ(pin_list("cores", 1).size(), 1u);
}

}  // namespace
}  // namespace unit_topology
