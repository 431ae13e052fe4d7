// Access patterns whose traffic is known without a simulator: N cores take turns, one access each (or bursts), R rounds,
// infinite caches. And the figures of another simulator for the same streams.
#include <gtest/gtest.h>

#include "tests/support/sim_machine.hpp"

namespace tally::sim::sim_closed_forms {
namespace {

constexpr unsigned rounds = 1000;

class system_under_test {
 public:
  explicit system_under_test(unsigned cores, const machine& m = testing::flat_machine(), const memory_options& o = {})
      : memory(m, cores, o) {}
  void go(unsigned core, line_id line, access_kind kind, unsigned offset = 0, unsigned size = 8) {
    clock_[core] +=
        memory.perform(core, clock_[core], {line, 0, static_cast<std::uint8_t>(offset), static_cast<std::uint8_t>(size), kind});
  }
  void load(unsigned core, line_id line) { go(core, line, access_kind::load); }
  void store(unsigned core, line_id line) { go(core, line, access_kind::store); }
  void rmw(unsigned core, line_id line) { go(core, line, access_kind::rmw); }
  memory_system memory;

 private:
  cycles clock_[most_cores]{};
};

class ClosedForms : public ::testing::TestWithParam<unsigned>, public system_under_test {
 protected:
  ClosedForms() : system_under_test(GetParam()) {}
  const unsigned n = GetParam();
};

TEST_P(ClosedForms, PrivateCountersMissOnceEach) {
  for (unsigned r = 0; r < rounds; ++r) {
    for (unsigned c = 0; c < n; ++c) rmw(c, c);
  }
  const traffic t = memory.total();
  EXPECT_EQ(t.from(origin::memory), n);
  EXPECT_EQ(t.hits(access_kind::rmw), n * (rounds - 1));
  EXPECT_EQ(t.invalidations, 0u);
  EXPECT_EQ(t.transfers(), 0u);
  EXPECT_EQ(t.writebacks(), 0u);
}

TEST_P(ClosedForms, ACounterOfEverybodyMovesAtEveryAccess) {
  for (unsigned r = 0; r < rounds; ++r) {
    for (unsigned c = 0; c < n; ++c) rmw(c, 5);
  }
  const traffic t = memory.total();
  EXPECT_EQ(t.from(origin::memory), 1u);
  EXPECT_EQ(t.transfers(), n * rounds - 1);
  EXPECT_EQ(t.invalidations, n * rounds - 1);
  EXPECT_EQ(t.inv_messages(), 0u);
  EXPECT_EQ(t.writebacks(), 0u);
  // Request, forward, data, unblock; the first one has no forward.
  EXPECT_EQ(t.control_messages + t.data_messages, 4 * n * rounds - 1);
  EXPECT_EQ(t.bytes(), (n * rounds - 1) * (3 * 8 + 72) + 2 * 8 + 72);
  EXPECT_EQ(t.cold, n);
  EXPECT_EQ(t.true_sharing, n * rounds - n);
  EXPECT_EQ(t.false_sharing, 0u);
  // Everybody takes it from the one before.
  for (unsigned c = 0; c < n; ++c) EXPECT_EQ(memory.taken(c, (c + 1) % n), c == n - 1 ? rounds - 1 : rounds);
}

TEST_P(ClosedForms, ACounterInBurstsMovesOnceABurst) {
  for (const unsigned burst : {2u, 10u, 20u, 100u}) {
    system_under_test s(n);
    for (unsigned r = 0; r < rounds / burst; ++r) {
      for (unsigned c = 0; c < n; ++c) {
        for (unsigned b = 0; b < burst; ++b) s.rmw(c, 5);
      }
    }
    EXPECT_EQ(s.memory.total().transfers(), n * rounds / burst - 1) << burst;
    EXPECT_EQ(s.memory.total().invalidations, n * rounds / burst - 1) << burst;
    EXPECT_EQ(s.memory.total().from(origin::memory), 1u) << burst;
  }
}

TEST_P(ClosedForms, CountersThatShareALineMoveLikeOneAndAreToldApart) {
  if (n > line_bytes) GTEST_SKIP() << "more counters than bytes in a line";
  system_under_test one(n);
  for (unsigned r = 0; r < rounds; ++r) {
    for (unsigned c = 0; c < n; ++c) {
      go(c, 5, access_kind::rmw, c, 1);
      one.go(c, 5, access_kind::rmw, 0, 1);
    }
  }
  traffic t = memory.total();
  EXPECT_EQ(t.false_sharing, n * rounds - n);
  EXPECT_EQ(t.true_sharing, 0u);
  std::swap(t.false_sharing, t.true_sharing);
  EXPECT_EQ(t, one.memory.total());
}

TEST_P(ClosedForms, ReadersFillOnceForwardOnceAndThenShare) {
  for (unsigned r = 0; r < rounds; ++r) {
    for (unsigned c = 0; c < n; ++c) load(c, 5);
  }
  const traffic t = memory.total();
  EXPECT_EQ(t.from(origin::memory), 1u);
  EXPECT_EQ(t.transfers(), 1u);  // E to S
  EXPECT_EQ(t.from(origin::llc), n - 2);
  EXPECT_EQ(t.hits(access_kind::load), n * (rounds - 1));
  EXPECT_EQ(t.invalidations, 0u);
  EXPECT_EQ(t.writebacks(), 0u);
}

TEST_P(ClosedForms, ACleanForwardSendsDataToAnLlcOnlyIfItHasNoCopy) {
  for (const llc_policy policy : {llc_policy::inclusive, llc_policy::noninclusive, llc_policy::victim}) {
    machine m = testing::flat_machine();
    m.policy = policy;
    system_under_test s(n, m);
    for (unsigned c = 0; c < n; ++c) s.load(c, 5);
    const traffic t = s.memory.total();
    const unsigned updates = policy == llc_policy::victim ? 1 : 0;
    EXPECT_EQ(t.llc_updates, updates);
    EXPECT_EQ(t.writebacks(), 0u);
    EXPECT_EQ(t.data_messages, n + updates);
    EXPECT_EQ(t.from(origin::llc), n - 2);
  }
}

TEST_P(ClosedForms, PublishingUpgradesOnceAndIsReadThroughTheLlc) {
  for (unsigned r = 0; r < rounds; ++r) {
    memory.reset_counters();
    store(0, 5);
    const traffic written = memory.total();
    EXPECT_EQ(written.upgrades, r == 0 ? 0u : 1u);
    EXPECT_EQ(written.getm, r == 0 ? 1u : 0u);
    EXPECT_EQ(written.inv_messages(), r == 0 ? 0u : n - 1);
    // Request and unblock; the directory's ack, and an invalidation and an ack for every reader.
    EXPECT_EQ(written.control_messages, r == 0 ? 2u : 3 + 2 * (n - 1));
    memory.reset_counters();
    for (unsigned c = 1; c < n; ++c) load(c, 5);
    const traffic read = memory.total();
    EXPECT_EQ(read.forwards_gets, 1u);
    EXPECT_EQ(read.transfers(), 1u);
    EXPECT_EQ(read.writebacks_forward, 1u);
    EXPECT_EQ(read.from(origin::llc), n - 2);
    EXPECT_EQ(read.true_sharing, r == 0 ? 0u : n - 1);
    // The first reader's request, forward, two data, unblock; the others' request and data.
    EXPECT_EQ(read.control_messages, 3 + (n - 2));
    EXPECT_EQ(read.data_messages, 2 + (n - 2));
  }
}

TEST_P(ClosedForms, LocksGrowAsTheTextbooksSay) {
  const unsigned waiting = n - 1;
  constexpr line_id lock = 1;
  const auto everybody_reads = [&](unsigned but) {
    for (unsigned c = 1; c < n; ++c) {
      if (c != but) load(c, lock);
    }
  };
  // Test and test-and-set: the release wakes all, all of them try, and each try wakes all again.
  rmw(0, lock);
  everybody_reads(0);
  memory.reset_counters();
  store(0, lock);
  everybody_reads(0);
  for (unsigned c = 1; c < n; ++c) {
    rmw(c, lock);
    everybody_reads(c);
  }
  EXPECT_EQ(memory.total().invalidations, waiting * waiting + 1);
  // Ticket: everybody reads the number that is served, the holder writes it.
  system_under_test ticket(n);
  ticket.store(0, lock);
  for (unsigned c = 1; c < n; ++c) ticket.load(c, lock);
  ticket.memory.reset_counters();
  ticket.store(0, lock);
  for (unsigned c = 1; c < n; ++c) ticket.load(c, lock);
  EXPECT_EQ(ticket.memory.total().invalidations, waiting);
  EXPECT_EQ(ticket.memory.total().misses(), 1 + waiting);
  // MCS: everybody waits on a line of his own, the holder writes his successor's.
  system_under_test mcs(n);
  for (unsigned c = 1; c < n; ++c) {
    mcs.store(c, 100 + c);
    mcs.load(c, 100 + c);
  }
  mcs.memory.reset_counters();
  mcs.store(0, 101);
  for (unsigned c = 1; c < n; ++c) mcs.load(c, 100 + c);
  EXPECT_EQ(mcs.memory.total().invalidations, 1u);
  EXPECT_EQ(mcs.memory.total().misses(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Cores, ClosedForms, ::testing::Values(2u, 4u, 8u, 64u, 128u));

TEST(Capacity, ACyclicWalkThatDoesNotFitMissesAlways) {
  const machine m = testing::flat_machine();
  const struct {
    unsigned lines;
    origin from;
    bool l2;
  } walks[] = {
      // One line more per set than there are ways.
      {m.l1.sets() * (m.l1.ways + 1), origin::memory, true},
      {m.l2.sets() * (m.l2.ways + 1), origin::llc, false},
      {m.llc.sets() * (m.llc.ways + 1), origin::memory, false},
  };
  for (const auto& w : walks) {
    system_under_test s(1, m, {.infinite = false});
    for (line_id i = 0; i < w.lines; ++i) s.load(0, i);
    s.memory.reset_counters();
    for (unsigned r = 0; r < 10; ++r) {
      for (line_id i = 0; i < w.lines; ++i) s.load(0, i);
    }
    const traffic t = s.memory.total();
    EXPECT_EQ(t.hit[0][0][static_cast<unsigned>(line_state::exclusive)], 0u) << "in L1";
    EXPECT_EQ(t.hit[0][1][static_cast<unsigned>(line_state::exclusive)], w.l2 ? 10u * w.lines : 0u);
    EXPECT_EQ(t.from(w.from), w.l2 ? 0u : 10u * w.lines);
    EXPECT_EQ(t.capacity, w.l2 ? 0u : 10u * w.lines);
    // And one that fits never misses.
    system_under_test fits(1, m, {.infinite = false});
    for (line_id i = 0; i < m.l1.sets() * m.l1.ways; ++i) fits.load(0, i);
    fits.memory.reset_counters();
    for (line_id i = 0; i < m.l1.sets() * m.l1.ways; ++i) fits.load(0, i);
    EXPECT_EQ(fits.memory.total().hit[0][0][static_cast<unsigned>(line_state::exclusive)], m.l1.sets() * m.l1.ways);
  }
}

// drcachesim, DynamoRIO's cache simulator with its snoop filter, fed with the same streams: 4 cores, 1000 rounds; misses,
// invalidations, write-backs. Its read-modify-write is a read and a write, and it writes a dirty line back when another core
// reads it. As one access, ours takes the line dirty from its owner and writes nothing back: the one difference.
TEST(DrcachesimsFigures, AreMetAndTheDirtyForwardIsTheOnlyDifference) {
  struct figures {
    std::uint64_t misses, invalidations, writebacks;
    bool operator==(const figures&) const = default;
  };
  const auto of = [](const system_under_test& s) {
    const traffic t = s.memory.total();
    return figures{t.gets + t.getm, t.invalidations, t.writebacks()};
  };
  struct stream {
    const char* name;
    void (*turn)(system_under_test&, unsigned core, unsigned round, bool split);
    figures theirs;
    std::uint64_t our_writebacks;
  };
  static const auto bump = [](system_under_test& s, unsigned core, line_id line, unsigned offset, bool split) {
    if (split) {
      s.go(core, line, access_kind::load, offset);
      s.go(core, line, access_kind::store, offset);
    } else {
      s.go(core, line, access_kind::rmw, offset);
    }
  };
  const stream streams[] = {
      {"private", [](system_under_test& s, unsigned c, unsigned, bool split) { bump(s, c, c, 0, split); }, {4, 0, 0}, 0},
      {"shared rr(1)",
       [](system_under_test& s, unsigned c, unsigned, bool split) { bump(s, c, 9, 0, split); },
       {4000, 3999, 3999},
       0},
      {"shared rr(10)",
       [](system_under_test& s, unsigned c, unsigned r, bool split) {
         for (unsigned b = 0; b < 10 && r % 10 == 0; ++b) bump(s, c, 9, 0, split);
       },
       {400, 399, 399},
       0},
      {"false sharing",
       [](system_under_test& s, unsigned c, unsigned, bool split) { bump(s, c, 9, c * 8, split); },
       {4000, 3999, 3999},
       0},
      {"read-only", [](system_under_test& s, unsigned c, unsigned, bool) { s.load(c, 9); }, {4, 0, 0}, 0},
      {"publish",
       [](system_under_test& s, unsigned c, unsigned, bool) { s.go(c, 9, c == 0 ? access_kind::store : access_kind::load); },
       {3001, 2997, 1000},
       1000},
  };
  for (const stream& one : streams) {
    for (const bool split : {true, false}) {
      system_under_test s(4);
      for (unsigned r = 0; r < rounds; ++r) {
        for (unsigned c = 0; c < 4; ++c) one.turn(s, c, r, split);
      }
      figures expected = one.theirs;
      if (!split) expected.writebacks = one.our_writebacks;
      const figures ours = of(s);
      EXPECT_EQ(ours, expected) << one.name << (split ? ", read and write" : ", as one access") << ": " << ours.misses << " "
                                << ours.invalidations << " " << ours.writebacks;
    }
  }
}

}  // namespace
}  // namespace tally::sim::sim_closed_forms
