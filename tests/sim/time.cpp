// What accesses cost, and how cores wait for a line that is on its way to another: cores that run at the same time, the
// earliest first.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/sim_machine.hpp"

namespace tally::sim::sim_time {
namespace {

// Cores that do the same access over and over, with some cycles of thought in between. The core whose clock is least moves;
// a miss takes effect after the request's way and its turn, so that others go on meanwhile.
struct crowd {
  crowd(const machine& m, unsigned cores, access_kind k, cycles thought)
      : memory(m, cores), clock(cores), waits(cores), done(cores), kind(k), think(thought) {}
  void run(cycles until) {
    for (;;) {
      const auto core = static_cast<unsigned>(std::min_element(clock.begin(), clock.end()) - clock.begin());
      if (clock[core] >= until) return;
      const line_access a{0, 0, 0, 8, kind};
      if (waits[core]) {
        clock[core] += memory.finish(core, clock[core], a) + think;
        waits[core] = false;
        ++done[core];
      } else if (const cycles c = memory.try_hit(core, a); c != 0) {
        clock[core] += c + think;
        ++done[core];
      } else {
        clock[core] = memory.arrive(core, clock[core], a);
        waits[core] = true;
      }
    }
  }
  std::uint64_t total() const {
    std::uint64_t n = 0;
    for (const std::uint64_t d : done) n += d;
    return n;
  }
  memory_system memory;
  std::vector<cycles> clock;
  std::vector<bool> waits;
  std::vector<std::uint64_t> done;
  access_kind kind;
  cycles think;
};

TEST(Costs, AreTheMachinesFigures) {
  machine m = testing::tree_machine(llc_policy::noninclusive);
  memory_system s(m, 32, {.infinite = false});
  cycles now = 0;
  const auto cost = [&](unsigned core, line_id line, access_kind k) {
    return s.perform(core, now += 100000, {line, 0, 0, 8, k});
  };
  using enum access_kind;
  EXPECT_EQ(cost(0, 0, load), m.memory);
  EXPECT_EQ(cost(0, 0, load), m.l1_hit);
  EXPECT_EQ(cost(0, 0, store), m.store_hit);
  EXPECT_EQ(cost(0, 0, rmw), m.rmw_hit);
  EXPECT_EQ(cost(1, 0, load), m.transfer);
  EXPECT_EQ(cost(2, 0, load), m.llc_hit);
  EXPECT_EQ(cost(4, 0, load), m.transfer_llc) << "the dirty LLC of another CCX";
  EXPECT_EQ(cost(16, 0, load), m.transfer_socket) << "the dirty LLC of another socket";
  EXPECT_EQ(cost(0, 0, rmw), m.transfer_socket) << "the farthest sharer's ack";
  EXPECT_EQ(cost(4, 0, rmw), m.transfer_llc);
  EXPECT_EQ(cost(16, 0, store), m.transfer_socket);
  EXPECT_EQ(cost(17, 0, store), m.transfer);
  EXPECT_EQ(cost(8, 1, rmw), m.memory + m.rmw_hit);
  // Line 0 out of L1, not out of L2: two ways.
  for (const line_id other : {m.l1.sets(), 2 * m.l1.sets()}) cost(17, other, load);
  EXPECT_EQ(cost(17, 0, load), m.l2_hit);
  for (const line_id other : {m.l1.sets(), 2 * m.l1.sets()}) cost(17, other, load);
  EXPECT_EQ(cost(17, 0, rmw), m.rmw_hit + m.l2_hit - m.l1_hit);
  EXPECT_EQ(s.total().queued_cycles, 0u);
}

TEST(BusyLines, ServeWritersOneAfterTheOther) {
  const machine m = testing::flat_machine();
  memory_system s(m, 4);
  const line_access a{0, 0, 0, 8, access_kind::rmw};
  s.perform(3, 0, a);
  const cycles t = 100000;
  const cycles service = m.transfer - m.llc_hit / 2;
  const cycles first = s.arrive(0, t, a);
  const cycles second = s.arrive(1, t + 1, a);
  const cycles third = s.arrive(2, t + 2, a);
  EXPECT_EQ(first, t + m.llc_hit / 2);
  EXPECT_EQ(second, first + service);
  EXPECT_EQ(third, second + service);
  EXPECT_EQ(s.finish(0, first, a), service);
  EXPECT_EQ(s.finish(1, second, a), service);
  EXPECT_EQ(s.finish(2, third, a), service);
  EXPECT_EQ(s.total().queued_cycles, (second - (t + 1 + m.llc_hit / 2)) + (third - (t + 2 + m.llc_hit / 2)));
}

TEST(BusyLines, LetReadersOfASharedLineIn) {
  const machine m = testing::flat_machine();
  memory_system s(m, 64);
  const line_access a{0, 0, 0, 8, access_kind::load};
  s.perform(0, 0, a);
  s.perform(1, 10000, a);
  for (unsigned c = 2; c < 64; ++c) {
    const cycles start = s.arrive(c, 100000, a);
    EXPECT_EQ(start, 100000u + m.llc_hit / 2);
    EXPECT_EQ(s.finish(c, start, a), m.llc_hit - m.llc_hit / 2);
  }
  EXPECT_EQ(s.total().queued_cycles, 0u);
}

TEST(BusyLines, ReadersBehindAWriterWaitForItOnce) {
  const machine m = testing::flat_machine();
  memory_system s(m, 8);
  line_access a{0, 0, 0, 8, access_kind::rmw};
  s.perform(7, 0, a);
  const cycles written = s.arrive(0, 100000, a);
  const cycles there = written + s.finish(0, written, a);
  a.kind = access_kind::load;
  const cycles first = s.arrive(1, 100001, a);
  EXPECT_EQ(first, there);
  const cycles read = first + s.finish(1, first, a);
  for (unsigned c = 2; c < 7; ++c) {
    EXPECT_EQ(s.arrive(c, 100002, a), read) << "they queue behind the first reader, not behind each other";
  }
}

TEST(BusyLines, MakeAHotLineSaturate) {
  const machine m = testing::flat_machine();
  const cycles service = m.transfer - m.llc_hit / 2;
  constexpr cycles window = 1000000;
  for (const unsigned n : {4u, 8u, 32u, 128u}) {
    crowd c(m, n, access_kind::rmw, 0);
    c.run(window);
    // A hand-over takes the same time for any number of cores.
    const double handovers = static_cast<double>(c.memory.total().transfers());
    EXPECT_NEAR(static_cast<double>(window) / handovers, static_cast<double>(service), static_cast<double>(service) * 0.02) << n;
    // At most one access more than the first slips in before a queued request takes the line.
    EXPECT_GE(static_cast<double>(c.total()) / handovers, 1.0) << n;
    EXPECT_LE(static_cast<double>(c.total()) / handovers, 2.02) << n;
    const auto [least, most] = std::minmax_element(c.done.begin(), c.done.end());
    // Turns are equal; who goes first when two clocks agree may get one access more a turn.
    EXPECT_LE(*most, 2 * *least + 3) << n << ": the queue is fair";
    EXPECT_GT(c.memory.total().queued_cycles, window) << n;
  }
}

TEST(BusyLines, TwoCoresShareAHotLineInShortRunsAndInSingleAccessesWithThought) {
  const machine m = testing::flat_machine();
  for (const cycles thought : {cycles{0}, cycles{100}, cycles{1000}}) {
    crowd c(m, 2, access_kind::rmw, thought);
    c.run(1000000);
    const double run = static_cast<double>(c.total()) / static_cast<double>(c.memory.total().transfers());
    // Operations per ownership on hardware with two cores: 1.2 to 2.95 without thought, 1.0 to 1.3 with it.
    EXPECT_GE(run, 1.0) << thought;
    EXPECT_LE(run, thought == 0 ? 3.0 : 1.3) << thought;
  }
}

TEST(Scaling, PrivateLinesScaleAndOneHotLineDoesNot) {
  const machine m = testing::flat_machine();
  crowd one(m, 1, access_kind::rmw, 0);
  one.run(100000);
  crowd many(m, 64, access_kind::rmw, 0);
  many.run(100000);
  EXPECT_LT(many.total() * 2, one.total());
  EXPECT_NEAR(static_cast<double>(one.total()), 100000.0 / m.rmw_hit, 20);
}

}  // namespace
}  // namespace tally::sim::sim_time
