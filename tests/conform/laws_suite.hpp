// The suite that the laws (laws.hpp) are tests of, and what several of them say.
#pragma once

#include "tests/conform/support.hpp"

namespace tally::conform {

template <class H>
class Laws : public ::testing::Test {};
TYPED_TEST_SUITE_P(Laws);

// Why a law skips a heap with unique ownership.
inline constexpr auto one_owner = "an object has one ref at any time";

}  // namespace tally::conform
