// Work between operations on the virtual multicore.
#include <gtest/gtest.h>

#include "tests/sim/simulate.hpp"

namespace tally::sim::sim_think {
namespace {

point_result simulate(const wanted& w) {
  point_result r = simulate_point(w);
  EXPECT_EQ(r.failure, "") << w.strategy;
  EXPECT_TRUE(r.oracle.ok) << w.strategy << ": " << r.oracle.message;
  return r;
}
double cycles_per_operation(const point_result& r) { return static_cast<double>(r.lanes.size()) / speed(r); }
// What an operation takes without the work behind it.
double own_cycles(wanted w, cycles think) {
  w.think = think;
  return cycles_per_operation(simulate(w)) - static_cast<double>(think);
}

TEST(Think, OfACoreThatIsAloneIsAddedToTheCycle) {
  for (const char* strategy : {"none", "atomic"}) {
    for (const cycles think : {cycles{1}, cycles{250}, cycles{100000}}) {
      const auto without = simulate({.strategy = strategy, .cores = 1});
      const auto with = simulate({.strategy = strategy, .cores = 1, .think = think});
      ASSERT_EQ(with.operations, without.operations);
      EXPECT_EQ(with.cycles - without.cycles, think * with.operations) << strategy << ", " << think;
      EXPECT_EQ(with.total(), without.total()) << "it accesses nothing";
    }
  }
}

TEST(Think, BehindAStepOfManyOperationsIsThatOfAllOfThem) {
  const wanted program{.strategy = "atomic", .workload = "interpreter", .parameters = {{"program", "fib"}}, .cores = 1};
  // As a plan does: what the workload keeps for the process is not made in a run's memory.
  const registry& all = built_in_simulated();
  const std::size_t at = choose_workloads(all, "interpreter").front().index;
  body_spec body;
  body.params = parameters(all.workloads[at], program.parameters);
  choose_strategies(all, "--strategy", "atomic").front().variant->cells.at(at).make(body)->prepare();
  wanted thinking = program;
  thinking.think = 1000;
  const auto without = simulate(program), with = simulate(thinking);
  ASSERT_EQ(with.operations, without.operations);
  EXPECT_EQ(with.cycles - without.cycles, 1000 * with.operations);
}

TEST(Think, OfPrivateObjectsIsAddedOnEveryCore) {
  const wanted own{.strategy = "atomic", .cores = 8};
  EXPECT_NEAR(own_cycles(own, 5000), own_cycles(own, 0), 5000.0 / 1000) << "cores are at most a step apart at the window's ends";
}

TEST(Think, LetsContentionGo) {
  const wanted shared{.strategy = "atomic", .parameters = {{"sharing", "shared"}}, .cores = 8};
  const double crowded = own_cycles(shared, 0), rare = own_cycles(shared, 20000);
  EXPECT_LT(own_cycles(shared, 2000), crowded);
  EXPECT_LT(rare, crowded / 3) << "nobody queues for the line any more";
  wanted alone = shared;
  alone.cores = 1;
  EXPECT_GT(rare, own_cycles(alone, 0)) << "but it is always another core's";
}

TEST(Think, IsCyclesAtTheMachinesClock) {
  const machine m = load_machine("epyc-7773x-2s");
  EXPECT_EQ(m.cycles_of(0), 0U);
  EXPECT_DOUBLE_EQ(static_cast<double>(m.cycles_of(1000)), 1000 * m.clock_ghz);
}

}  // namespace
}  // namespace tally::sim::sim_think
