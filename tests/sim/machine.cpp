// Machine files: what is shipped is whole and sourced, and what is wrong is refused with its place.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/engine/registry.hpp"
#include "harness/sim/caches/memory_system.hpp"

namespace tally::sim::sim_machine {
namespace {

constexpr const char* small = R"(clock = 2.0 GHz [A]
sockets = 1 [A]
llcs_per_socket = 2 [A]
cores_per_llc = 4 [A]
l1.bytes = 32 KiB [A]
l1.ways = 8 [A]
l2.bytes = 256 KiB [B]   # a comment
l2.ways = 4 [B]
llc.bytes = 1.5 MiB [B]
llc.ways = 12 [B]
llc.policy = victim [B]
l1.hit = 4 cycles [C]
l2.hit = 12 cycles [C]
llc.hit = 40 cycles [C]
memory = 80.2 ns [C]
transfer.same_llc = 25 ns [D]
transfer.same_socket = 100 ns [D]
store.hit = 1 cycles [D]
rmw.hit = 18 cycles [D]
)";

std::string with(const std::string& from, const std::string& to) {
  std::string text = small;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string refusal(const std::string& text) {
  try {
    (void)parse_machine(text, "dir/small.machine");
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

TEST(MachineFiles, EveryFigureIsReadWithItsUnit) {
  const machine m = parse_machine(small, "dir/small.machine");
  EXPECT_EQ(m.name, "small");
  EXPECT_DOUBLE_EQ(m.clock_ghz, 2.0);
  EXPECT_EQ(m.cores(), 8u);
  EXPECT_EQ(m.llc_of(3), 0u);
  EXPECT_EQ(m.llc_of(4), 1u);
  EXPECT_EQ(m.l1.sets(), 64u);
  EXPECT_EQ(m.l2.sets(), 1024u);
  EXPECT_EQ(m.llc.sets(), 2048u);
  EXPECT_EQ(m.policy, llc_policy::victim);
  EXPECT_EQ(m.l2_hit, 12u);
  EXPECT_EQ(m.memory, 160u);  // 80.2 ns at 2 GHz
  EXPECT_EQ(m.transfer, 50u);
  EXPECT_EQ(m.transfer_llc, 200u);
  ASSERT_EQ(m.figures.size(), 19u);
  EXPECT_EQ(m.figures[14].key, "memory");
  EXPECT_EQ(m.figures[14].value, "80.2 ns");
  EXPECT_EQ(m.figures[14].source, "C");
}

TEST(MachineFiles, WhatIsWrongIsRefusedWithItsPlace) {
  const struct {
    const char *from, *to, *says;
  } wrong[] = {
      {"l1.hit = 4 cycles [C]", "l1.hit = 4 cycles", "dir/small.machine:12: l1.hit has no source: KEY = VALUE [SOURCE]"},
      {"l1.hit = 4 cycles [C]", "l1.hit = 4 cycles []", "dir/small.machine:12: l1.hit has no source: KEY = VALUE [SOURCE]"},
      {"l1.hit = 4 cycles [C]", "l1.hit = 4 cycles [C] or so",
       "dir/small.machine:12: l1.hit has no source: KEY = VALUE [SOURCE]"},
      {"l1.hit = 4 cycles [C]", "l1.hit = 4 cycles [C, D]", "dir/small.machine:12: \"C, D\" is not one source"},
      {"l1.hit = 4 cycles [C]", "l1.hit 4 cycles [C]",
       "dir/small.machine:12: \"l1.hit 4 cycles [C]\" is not KEY = VALUE [SOURCE]"},
      {"l1.hit = 4", "l1.hits = 4", "dir/small.machine:12: no such key: l1.hits; did you mean l1.hit?"},
      {"l1.hit = 4 cycles", "l1.hit = 4", "dir/small.machine:12: l1.hit = 4: expected whole cycles, or ns"},
      {"l1.hit = 4 cycles", "l1.hit = 4.5 cycles", "dir/small.machine:12: l1.hit = 4.5 cycles: expected whole cycles, or ns"},
      {"l1.hit = 4 cycles", "l1.hit = -4 cycles", "dir/small.machine:12: l1.hit = -4 cycles: expected a number above 0"},
      {"l1.hit = 4 cycles", "l1.hit = four", "dir/small.machine:12: l1.hit = four: expected a number above 0"},
      {"l1.hit = 4 cycles", "l1.hit = 0.1 ns", "dir/small.machine:12: l1.hit is 0 cycles at 2 GHz"},
      {"2.0 GHz", "2.0", "dir/small.machine:1: clock = 2.0: expected GHz"},
      {"32 KiB", "32", "dir/small.machine:5: l1.bytes = 32: expected KiB or MiB"},
      {"l1.ways = 8", "l1.ways = 7", "dir/small.machine:6: 32768 bytes are not sets of 7 lines of 64"},
      {"256 KiB", "192 KiB", "dir/small.machine:8: 768 sets; a private cache has a power of two"},
      {"256 KiB", "16 KiB", "dir/small.machine:7: L2 includes L1, so it is no smaller"},
      {"sockets = 1", "sockets = 1.5", "dir/small.machine:2: sockets = 1.5: expected a whole number"},
      {"cores_per_llc = 4", "cores_per_llc = 65", "dir/small.machine:4: 130 cores; at most 128"},
      {"= victim", "= exclusive", "dir/small.machine:11: llc.policy is inclusive, noninclusive or victim, not exclusive"},
      {"l2.hit = 12", "l2.hit = 4", "dir/small.machine:13: an L2 hit takes longer than an L1 hit"},
      {"llc.hit = 40", "llc.hit = 12", "dir/small.machine:14: an LLC hit takes longer than a private one"},
      {"80.2 ns", "19 ns", "dir/small.machine:15: memory takes longer than the LLC"},
      {"memory = 80.2 ns [C]\n", "", "dir/small.machine: memory is missing"},
      {"transfer.same_socket = 100 ns [D]\n", "", "dir/small.machine: transfer.same_socket is missing"},
      {"llcs_per_socket = 2", "llcs_per_socket = 1",
       "dir/small.machine:17: transfer.same_socket is of no use: the machine has one LLC a socket"},
      {"store.hit = 1 cycles", "memory = 90 ns", "dir/small.machine:18: memory stands in line 15 already"},
  };
  for (const auto& w : wrong) EXPECT_EQ(refusal(with(w.from, w.to)), w.says);
}

TEST(MachineFiles, AnL2IsOptionalAsAWhole) {
  std::string text = with("l2.bytes = 256 KiB [B]   # a comment\nl2.ways = 4 [B]\n", "");
  EXPECT_EQ(refusal(text), "dir/small.machine: l2.bytes is missing");
  text.erase(text.find("l2.hit"), std::string("l2.hit = 12 cycles [C]\n").size());
  EXPECT_EQ(parse_machine(text, "small").l2.sets(), 0u);
}

TEST(MachineFiles, AnUnknownMachineIsRefusedWithTheNearestOne) {
  try {
    (void)load_machine("epyc-7743");
    FAIL();
  } catch (const usage_error& e) {
    EXPECT_NE(std::string(e.what()).find("epyc-7742"), std::string::npos) << e.what();
  }
  EXPECT_THROW((void)load_machine("./none.machine"), usage_error);
}

TEST(MachineFiles, TheShippedOnesAreWholeAndTheirSourcesAreInTheReferences) {
  std::ifstream in(std::string(TALLY_SOURCE_DIR) + "/docs/references.md");
  const std::string references{std::istreambuf_iterator<char>(in), {}};
  bool ccxs = false;
  bool two_sockets = false;
  unsigned most = 0;
  ASSERT_FALSE(machine_names().empty());
  for (const std::string& name : machine_names()) {
    const machine m = load_machine(name);
    EXPECT_EQ(m.name, name);
    for (const figure& f : m.figures) {
      EXPECT_NE(references.find("| [" + f.source + "] |"), std::string::npos) << name << ": " << f.key << " [" << f.source << "]";
    }
    ccxs |= m.llcs_per_socket > 1;
    two_sockets |= m.sockets > 1;
    most = std::max(most, m.cores());
    EXPECT_LT(m.l2_hit, m.transfer) << name;
    if (m.llcs_per_socket > 1) {
      EXPECT_LT(m.transfer, m.transfer_llc) << name;
    }
    if (m.sockets > 1) {
      EXPECT_LT(m.llcs_per_socket > 1 ? m.transfer_llc : m.transfer, m.transfer_socket) << name;
    }
    memory_system memory(m, m.cores(), {.infinite = false});
    EXPECT_EQ(memory.perform(0, 0, {0, 0, 0, 8, access_kind::load}), m.memory) << name;
    EXPECT_THROW(memory_system(m, m.cores() + 1), std::invalid_argument);
  }
  EXPECT_TRUE(ccxs);
  EXPECT_TRUE(two_sockets);
  EXPECT_EQ(most, most_cores);
}

}  // namespace
}  // namespace tally::sim::sim_machine
