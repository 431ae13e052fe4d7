// The live counters: objects and bytes in one word, as a sum over contexts.
#include <gtest/gtest.h>

#include "harness/counting/live.hpp"

namespace tally::unit_live {
namespace {

TEST(Live, OneContextMakesWhatAnotherFrees) {
  live_counters all;
  live_counter maker, ender;
  all.attach(maker);
  all.attach(ender);
  for (int i = 0; i < 3; ++i) maker.made(48);
  ender.freed(48);
  ender.freed(48);
  EXPECT_EQ(all.objects(), 1);
  EXPECT_EQ(all.bytes(), 48);
  all.detach(maker);
  EXPECT_EQ(all.objects(), 1);
  ender.freed(48);
  EXPECT_EQ(all.objects(), 0);
  EXPECT_EQ(all.bytes(), 0);
  all.detach(ender);
  EXPECT_EQ(all.objects(), 0);
}

// A sampler that reads the maker before and the ender after a death sees more deaths than births.
TEST(Live, ASumMayBeBelowZeroInBoth) {
  live_counters all;
  live_counter c;
  all.attach(c);
  c.freed(2, 64);
  EXPECT_EQ(all.objects(), -2);
  EXPECT_EQ(all.bytes(), -64);
  c.made(64);
  EXPECT_EQ(all.objects(), -1);
  EXPECT_EQ(all.bytes(), 0);
  all.detach(c);
}

TEST(Live, TheMostThatFits) {
  live_counters all;
  live_counter c;
  all.attach(c);
  constexpr std::int64_t objects = (std::int64_t{1} << 29) - 1, bytes = (std::int64_t{64} << 30) - 8;
  c.freed(-objects, -bytes);  // made, all at once
  EXPECT_EQ(all.objects(), objects);
  EXPECT_EQ(all.bytes(), bytes);
  // Many times that much may come and go.
  for (int i = 0; i < 100; ++i) {
    c.freed(objects, bytes);
    EXPECT_EQ(all.objects(), 0);
    EXPECT_EQ(all.bytes(), 0);
    c.freed(-objects, -bytes);
  }
  EXPECT_EQ(all.objects(), objects);
  EXPECT_EQ(all.bytes(), bytes);
  all.detach(c);
}

TEST(Live, SizesAreRoundedUpToTheUnit) {
  EXPECT_EQ(live_counter::rounded(0), 0U);
  EXPECT_EQ(live_counter::rounded(1), 8U);
  EXPECT_EQ(live_counter::rounded(8), 8U);
  EXPECT_EQ(live_counter::rounded(41), 48U);
}

}  // namespace
}  // namespace tally::unit_live
