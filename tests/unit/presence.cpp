// Sessions on one machine hear of each other.
#include "harness/measure/presence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

namespace tally::unit_presence {
namespace {

using ::testing::Contains;
using ::testing::Not;

// Other sessions of the machine that runs the tests may be seen, too: what is asked is whether this process's other one is.
TEST(Presence, OthersAreSeenWhileTheyAreThere) {
  session_presence first;
  EXPECT_THAT(first.others(), Not(Contains(::getpid()))) << "nobody is another";
  std::optional<session_presence> second(std::in_place);
  EXPECT_THAT(first.others(), Contains(::getpid()));
  EXPECT_THAT(first.others(), Contains(::getpid())) << "still there";
  EXPECT_THAT(second->others(), Contains(::getpid())) << "who was there first is seen as well";
  second.reset();
  EXPECT_THAT(first.others(), Not(Contains(::getpid())));
}

TEST(Presence, OneThatCameAndWentIsHeardOfOnce) {
  session_presence first;
  { const session_presence second; }
  EXPECT_THAT(first.others(), Contains(::getpid()));
  EXPECT_THAT(first.others(), Not(Contains(::getpid())));
}

}  // namespace
}  // namespace tally::unit_presence
