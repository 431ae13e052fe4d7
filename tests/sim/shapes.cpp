// What is known of these programs comes out of the simulator: strategies on real workloads; what can go wrong.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/program.hpp"
#include "tests/sim/simulate.hpp"

namespace tally::sim::sim_shapes {
namespace {

point_result simulate(const wanted& w) {
  point_result r = simulate_point(w);
  EXPECT_EQ(r.failure, "") << w.strategy;
  EXPECT_TRUE(r.oracle.ok) << w.strategy << ": " << r.oracle.message;
  return r;
}

const traffic& field(const point_result& r, const std::string& name) {
  static const traffic none;
  const auto at = std::ranges::find(r.fields, name, &field_counts::name);
  return at == r.fields.end() ? none : at->sum;
}
std::uint64_t path(const point_result& r, const std::string& name) {
  for (const auto& [p, n] : r.paths) {
    if (p == name) return n;
  }
  return 0;
}
double per_operation(std::uint64_t n, const point_result& r) {
  return static_cast<double>(n) / static_cast<double>(r.operations);
}

TEST(Shapes, OneHotAtomicCountCollapses) {
  const auto one = simulate({.strategy = "atomic", .parameters = {{"sharing", "shared"}}, .cores = 1});
  EXPECT_EQ(one.total().transfers(), 0U);
  for (const int cores : {2, 8, 64}) {
    const auto many = simulate({.strategy = "atomic", .parameters = {{"sharing", "shared"}}, .cores = cores});
    EXPECT_LT(speed(many), 0.75 * speed(one)) << cores << " cores do less together than one does alone";
    EXPECT_GE(per_operation(field(many, "count").transfers(), many), 0.9) << cores;
    EXPECT_EQ(field(many, "count").transfers(), many.total().transfers()) << "nothing else moves";
  }
}

TEST(Shapes, TheScheduleDecidesHowOftenAHotCountMoves) {
  // A pair of RMWs: both move the line under rr:1, one under rr:2, one of twenty under rr:20.
  for (const auto& [order, expected] : std::map<std::string, double>{{"rr:1", 2.0}, {"rr:2", 1.0}, {"rr:20", 0.1}}) {
    for (const int cores : {2, 8, 32}) {
      const auto r = simulate({.strategy = "atomic", .parameters = {{"sharing", "shared"}}, .cores = cores, .order = order});
      EXPECT_NEAR(per_operation(r.total().transfers(), r), expected, 0.02) << order << ", " << cores << " cores";
    }
  }
}

TEST(Shapes, PrivateCountsScale) {
  for (const char* strategy : {"atomic", "biased", "rc_arc", "deferred", "none"}) {
    const auto one = simulate({.strategy = strategy, .cores = 1});
    const auto many = simulate({.strategy = strategy, .cores = 64});
    EXPECT_EQ(many.total().misses(), 0U) << strategy;
    EXPECT_NEAR(speed(many) / speed(one), 64, 1) << strategy;
  }
}

TEST(Shapes, ABiasedOwnersCountMakesNoTraffic) {
  const auto mine = simulate({.strategy = "biased", .cores = 8});
  EXPECT_EQ(mine.total().misses(), 0U);
  EXPECT_EQ(path(mine, "fast"), 2 * mine.operations);
  EXPECT_EQ(path(mine, "slow"), 0U);
  const auto atomic = simulate({.strategy = "atomic", .cores = 8});
  EXPECT_EQ(field(atomic, "count").accesses(access_kind::rmw), 2 * atomic.operations) << "where the atomic one makes RMWs";
  EXPECT_EQ(mine.total().accesses(access_kind::rmw), 0U);
  // Somebody else's object: every count is a foreign one.
  const auto others = simulate({.strategy = "biased", .parameters = {{"sharing", "shared"}}, .cores = 8});
  EXPECT_EQ(path(others, "slow"), 2 * others.operations);
  EXPECT_EQ(field(others, "local").accesses(), 0U);
  EXPECT_GE(per_operation(field(others, "shared").transfers(), others), 0.9);
}

// With n threads a hand-over moves the lock to its next holder; the words beside it follow. What must not be: that the number
// of moves grows with the operations in between.
TEST(Shapes, AGilsWordMovesOnceAHandOverWhateverIsDoneInBetween) {
  double before = 0;
  for (const char* strategy : {"gil:interval_us=20", "gil:interval_us=80"}) {
    const auto r = simulate({.strategy = strategy, .parameters = {{"sharing", "shared"}}, .cores = 2, .operations = 20000});
    const auto hand_overs = static_cast<double>(path(r, "hand_over"));
    ASSERT_GT(hand_overs, 4) << strategy;
    const double count_moves = static_cast<double>(field(r, "count").transfers()) / hand_overs;
    EXPECT_NEAR(count_moves, 1, 0.3) << strategy << ": the count follows the lock";
    const double holder_moves = static_cast<double>(field(r, "gil").transfers()) / hand_overs;
    EXPECT_LE(holder_moves, 8) << strategy;
    if (before != 0) {
      EXPECT_LT(per_operation(r.total().transfers(), r), before / 2) << "four times the interval";
    }
    before = per_operation(r.total().transfers(), r);
  }
}

TEST(Shapes, APaddedCountIsAsHotAsAPackedOneButTakesNothingWithIt) {
  // All threads count the object that they also read: packed, the payload's readers lose their line to the counts.
  const auto packed = simulate({.strategy = "atomic", .workload = "publish", .cores = 4});
  const auto padded = simulate({.strategy = "atomic:padding=line", .workload = "publish", .cores = 4});
  EXPECT_LE(padded.total().false_sharing, packed.total().false_sharing);
}

// ---- what can go wrong

TEST(Shapes, ADeadlockIsARowWithItsReason) {
  test_program p(2);
  p.run([&](multicore& m) {
    auto* a = new simulated::mutex;
    auto* b = new simulated::mutex;
    m.spawn(0, [=, &m] { a->lock(), m.work(1000), b->lock(); });
    m.spawn(1, [=, &m] { b->lock(), m.work(1000), a->lock(); });
    m.join();
  });
  EXPECT_NE(p.failure().find("deadlock"), std::string::npos) << p.failure();
  EXPECT_NE(p.failure().find("\"lock\""), std::string::npos) << p.failure();
}

TEST(Shapes, AWaitWithADeadlineEndsInVirtualTime) {
  test_program p(1);
  std::uint64_t waited = 0;
  p.run([&](multicore& m) {
    auto* never = new atomic<simulated, int, "never">(0);
    const std::uint64_t start = simulated::now();
    EXPECT_FALSE(simulated::wait_until([&] { return never->load(std::memory_order_relaxed) != 0; }, start + 100'000));
    waited = m.now() - start;
  });
  EXPECT_EQ(p.failure(), "");
  EXPECT_GE(waited, 100'000U);
  EXPECT_LT(waited, 101'000U);
}

TEST(Shapes, AnAccessOutsideOfTheSimulatedMemoryIsCaught) {
  test_program p(1);
  static atomic<simulated, int, "stray"> outside(0);
  p.run([&](multicore&) { outside.store(1, std::memory_order_relaxed); });
  EXPECT_NE(p.failure().find("\"stray\""), std::string::npos) << p.failure();
}

TEST(Shapes, AnExceptionOfOneFiberIsNotAnothers) {
  test_program p(2);
  p.run([&](multicore& m) {
    auto* caught = new atomic<simulated, int, "caught">(0);
    for (int i = 0; i < 2; ++i) {
      m.spawn(i, [=, &m] {
        for (int n = 0; n < 50; ++n) {
          try {
            throw i * 1000 + n;
          } catch (int value) {
            caught->fetch_add(1, std::memory_order_relaxed);  // the other one runs inside its own handler now
            try {
              throw;
            } catch (int again) {
              if (again != value || value != i * 1000 + n) m.fail("another fiber's exception");
            }
          }
        }
      });
    }
    m.join();
    if (caught->load(std::memory_order_relaxed) != 100) m.fail("exceptions were lost");
  });
  EXPECT_EQ(p.failure(), "");
}

}  // namespace
}  // namespace tally::sim::sim_shapes
