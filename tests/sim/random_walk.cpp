// Random traces through the memory system and through the reference simulator: every counter of every core and field, every
// cost, every state and every cache's content must be the same, and the protocol's invariants hold. What an access can touch
// (its own line, and the hot ones) is looked at after each; all the rest after every hundredth, the counters after every
// fiftieth.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "harness/base/random.hpp"
#include "tests/sim/reference.hpp"
#include "tests/support/sim_machine.hpp"

namespace tally::sim::sim_random_walk {
namespace {

struct scene {
  std::string name;
  machine where;
  unsigned cores;
  unsigned lines;
  memory_options options;
};
std::ostream& operator<<(std::ostream& to, const scene& s) { return to << s.name; }

constexpr unsigned fields = 5;

// What the fields are called, for messages.
std::string difference(const traffic& a, const traffic& b) {
  const auto* x = reinterpret_cast<const std::uint64_t*>(&a);
  const auto* y = reinterpret_cast<const std::uint64_t*>(&b);
  std::string text;
  for (std::size_t i = 0; i < sizeof(traffic) / 8; ++i) {
    if (x[i] != y[i]) text += " #" + std::to_string(i) + ": " + std::to_string(x[i]) + " and " + std::to_string(y[i]);
  }
  return text;
}

void hold_invariants(const scene& s, const memory_system& memory, line_id n) {
  const line_record& l = memory.line(n);
  if (l.owner != 0) {
    ASSERT_TRUE(l.holders.has(l.owner - 1u)) << "an owner that does not hold the line";
    if (l.state != line_state::owned) {
      ASSERT_EQ(l.holders.count(), 1u) << "a single writer is alone";
    }
    ASSERT_TRUE(l.state != line_state::owned || s.options.coherence == protocol::moesi) << "owned under MESI";
    ASSERT_NE(l.state, line_state::shared);
  }
  if (s.options.infinite) return;
  for (unsigned c = 0; c < s.cores; ++c) {
    const bool l1 = memory.in_private(hit_level::l1, c, n);
    const bool l2 = memory.in_private(hit_level::l2, c, n);
    ASSERT_EQ(l.holders.has(c), s.where.l2.bytes != 0 ? l2 : l1) << "the directory is not what the caches have";
    if (s.where.l2.bytes != 0) {
      ASSERT_TRUE(!l1 || l2) << "L2 does not include L1";
    }
    if (s.where.policy == llc_policy::inclusive && l1) {
      ASSERT_TRUE(memory.in_llc(s.where.llc_of(c), n)) << "an inclusive LLC does not include";
    }
  }
  for (unsigned g = 0; g <= s.where.llc_of(s.cores - 1); ++g) {
    ASSERT_EQ(((l.llcs >> g) & 1) != 0, memory.in_llc(g, n)) << "the directory is not what the LLCs have";
  }
  if (l.dirty_llc != 0) {
    ASSERT_TRUE(memory.in_llc(l.dirty_llc - 1u, n)) << "a dirty LLC that has no copy";
  }
}

class RandomWalk : public ::testing::TestWithParam<scene> {};

TEST_P(RandomWalk, IsWhatTheReferenceSaysAccessForAccess) {
  const scene& s = GetParam();
  memory_system memory(s.where, s.cores, s.options);
  testing::reference_system reference(s.where, s.cores, s.options);
  random_source draw(7, s.cores * 1000 + s.lines);
  cycles now = 0;
  const int steps = 15000;
  for (int i = 0; i < steps; ++i) {
    now += 1000000;  // nobody waits for a busy line
    const unsigned core = draw.below(s.cores);
    const unsigned size = 1u << draw.below(4);
    const line_access a{// Half of the accesses go to few lines, so that sharing and capacity both happen.
                        draw.chance(0.5) ? draw.below(4) : draw.below(s.lines), static_cast<field_id>(draw.below(fields)),
                        static_cast<std::uint8_t>(draw.below(64 / size) * size), static_cast<std::uint8_t>(size),
                        draw.chance(0.6)   ? access_kind::load
                        : draw.chance(0.5) ? access_kind::store
                                           : access_kind::rmw};
    const cycles cost = memory.perform(core, now, a);
    ASSERT_EQ(cost, reference.perform(core, a)) << "step " << i;
    for (line_id n = 0; n < s.lines; ++n) {
      if (n >= 8 && n != a.line && i % 100 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(hold_invariants(s, memory, n)) << "step " << i << " line " << n;
      for (unsigned c = 0; c < s.cores; ++c) {
        ASSERT_EQ(memory.line(n).in(c), reference.state(c, n)) << "step " << i << " core " << c << " line " << n;
      }
      for (unsigned g = 0; g <= s.where.llc_of(s.cores - 1); ++g) {
        ASSERT_EQ(((memory.line(n).llcs >> g) & 1) != 0, reference.llc_has(g, n)) << "step " << i << " line " << n;
        ASSERT_EQ(memory.line(n).dirty_llc == g + 1, reference.llc_dirty(g, n)) << "step " << i << " line " << n;
      }
    }
    if (i % 50 != 0 && i != steps - 1) continue;
    for (unsigned c = 0; c < s.cores; ++c) {
      for (unsigned f = 0; f < fields; ++f) {
        ASSERT_EQ(memory.counts(c, static_cast<field_id>(f)), reference.counts(c, f))
            << "step " << i << " core " << c << " field " << f
            << difference(memory.counts(c, static_cast<field_id>(f)), reference.counts(c, f));
      }
      for (unsigned d = 0; d < s.cores; ++d) ASSERT_EQ(memory.taken(c, d), reference.taken(c, d));
    }
    if (HasFailure()) return;
  }

  // Sums that hold whatever happened.
  const traffic t = memory.total();
  EXPECT_EQ(t.accesses(), static_cast<std::uint64_t>(steps));
  EXPECT_EQ(t.gets, t.miss[0]);
  EXPECT_EQ(t.getm + t.upgrades, t.miss[1] + t.miss[2]);
  std::uint64_t data = 0;
  for (const std::uint64_t d : t.data) data += d;
  EXPECT_EQ(data, t.gets + t.getm);
  EXPECT_EQ(data, t.cold + t.capacity + t.true_sharing + t.false_sharing);
  EXPECT_EQ(t.transfers(), t.forwards_gets + t.forwards_getm);
  // An inclusive LLC's eviction may need a private cache's dirty data first.
  const std::uint64_t moved = data + t.writebacks() + t.llc_updates + t.writebacks_llc;
  EXPECT_GE(t.data_messages, moved);
  if (s.options.infinite || s.where.policy != llc_policy::inclusive) {
    EXPECT_EQ(t.data_messages, moved);
  }
  // Everything that the scene can show was seen.
  EXPECT_GT(t.upgrades, 0u);
  EXPECT_GT(t.true_sharing, 0u);
  EXPECT_GT(t.false_sharing, 0u);
  EXPECT_EQ(t.capacity > 0, !s.options.infinite);
  EXPECT_EQ(t.evictions > 0, !s.options.infinite);
  EXPECT_EQ(t.writebacks_forward > 0, s.options.coherence == protocol::mesi);
}

std::vector<scene> scenes() {
  std::vector<scene> all;
  for (const bool infinite : {true, false}) {
    for (const protocol p : {protocol::mesi, protocol::moesi}) {
      for (const llc_policy policy : {llc_policy::inclusive, llc_policy::noninclusive, llc_policy::victim}) {
        for (const unsigned shape : {0u, 1u, 2u, 3u}) {
          if (shape == 3 && policy != llc_policy::victim) continue;
          machine m = shape % 2 == 1 ? testing::flat_machine() : testing::tree_machine(policy);
          m.policy = policy;
          // 8, 16 and 48 lines: everything is evicted all the time, LLC lines too.
          m.l1 = {512, 2};
          m.l2 = {1024, 2};
          m.llc = {3072, 3};
          if (shape == 2) m.l2 = {};
          const char* const names[] = {"Tree", "Flat", "TreeWithoutL2", "Wide"};
          const unsigned cores[] = {20, 5, 20, most_cores};
          const std::string name = std::string(infinite ? "Infinite" : "Finite") + (p == protocol::mesi ? "Mesi" : "Moesi") +
                                   (policy == llc_policy::inclusive      ? "Inclusive"
                                    : policy == llc_policy::noninclusive ? "Noninclusive"
                                                                         : "Victim") +
                                   names[shape];
          all.push_back({name, m, cores[shape], infinite ? 24u : 120u, {p, infinite, fields}});
        }
      }
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Scenes, RandomWalk, ::testing::ValuesIn(scenes()), [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace tally::sim::sim_random_walk
