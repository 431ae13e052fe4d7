// The published list stays a set under both schemes, nobody comes by a freed node, and reference counts are what costs.
#include <gtest/gtest.h>

#include "tests/sim/published/run_list.hpp"

namespace tally::sim::published::sim_list {
namespace {

template <class Scheme>
class List : public ::testing::Test {};
using schemes = ::testing::Types<counted, epochs>;
TYPED_TEST_SUITE(List, schemes);

TYPED_TEST(List, HoldsWhatWasInsertedAndNotRemovedUnderEverySchedule) {
  for (const char* order : {"timed", "rr:1", "rr:3", "random:0.3"}) {
    for (const int cores : {1, 2, 5}) {
      list_settings s{.cores = cores, .order = order, .modify_percent = 80, .operations = 400};
      for (s.seed = 1; s.seed <= 3; ++s.seed) {
        EXPECT_EQ(run_list<TypeParam>(s).failure, "") << order << ", " << cores << " cores";
      }
    }
  }
}

// The published shape at its coarsest; how far the figures are off is a table of docs/simulator-validation.md.
TEST(PublishedList, CountingReadersIsDearAloneAndMuchDearerTogether) {
  const auto ratio = [](int cores) {
    const list_settings s{.cores = cores};
    return run_list<counted>(s).ns_per_op / run_list<epochs>(s).ns_per_op;
  };
  const double alone = ratio(1), two = ratio(2), eight = ratio(8);
  EXPECT_GT(alone, 1);
  EXPECT_GT(two, alone);
  EXPECT_GT(eight, 2 * alone);
}

}  // namespace
}  // namespace tally::sim::published::sim_list
