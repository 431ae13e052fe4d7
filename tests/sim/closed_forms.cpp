// Access patterns whose traffic is known without a simulator: N cores take turns, one access each (or bursts), R rounds,
// infinite caches.
#include <gtest/gtest.h>

#include "tests/support/sim_machine.hpp"

namespace tally::sim {
namespace {

constexpr unsigned rounds = 1000;

class ClosedForms : public ::testing::TestWithParam<unsigned> {
 protected:
  void go(unsigned core, line_id line, access_kind kind, unsigned offset = 0) {
    clock_[core] += memory_.perform(core, clock_[core], {line, 0, static_cast<std::uint8_t>(offset), 8, kind});
  }
  const unsigned cores_ = GetParam();
  memory_system memory_{testing::flat_machine(), cores_};
  cycles clock_[most_cores]{};
};

TEST_P(ClosedForms, ACounterOfEverybodyMovesAtEveryAccess) {
  for (unsigned r = 0; r < rounds; ++r) {
    for (unsigned c = 0; c < cores_; ++c) go(c, 5, access_kind::rmw);
  }
  const traffic t = memory_.total();
  EXPECT_EQ(t.from(origin::memory), 1u);
  EXPECT_EQ(t.transfers(), cores_ * rounds - 1);
  EXPECT_EQ(t.invalidations, cores_ * rounds - 1);
  EXPECT_EQ(t.inv_messages(), 0u);
  // Request, forward, data, unblock; the first one has no forward.
  EXPECT_EQ(t.control_messages + t.data_messages, 4 * cores_ * rounds - 1);
}

INSTANTIATE_TEST_SUITE_P(Cores, ClosedForms, ::testing::Values(2u, 4u, 64u, 128u));

}  // namespace
}  // namespace tally::sim
