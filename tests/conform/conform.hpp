// What a generated conformance program includes.
#pragma once

#include "tests/conform/laws.hpp"
#include "tests/conform/sequences.hpp"
#ifdef TALLY_RAPIDCHECK
#include "tests/conform/model.hpp"
#endif

namespace tally::conform {

template <class H>
class Model : public ::testing::Test {};
TYPED_TEST_SUITE_P(Model);

TYPED_TEST_P(Model, HoldsExactlyWhatTheReferenceModelSaysAfterRandomSequences) {
  if (unique_ownership<TypeParam>) GTEST_SKIP() << one_owner;
#ifdef TALLY_RAPIDCHECK
  const bool passed = rc::check([] { check_against_model<TypeParam>(); });
  EXPECT_TRUE(passed);
#else
  GTEST_SKIP() << "rapidcheck was not found";
#endif
}
REGISTER_TYPED_TEST_SUITE_P(Model, HoldsExactlyWhatTheReferenceModelSaysAfterRandomSequences);

}  // namespace tally::conform
