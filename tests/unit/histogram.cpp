#include "harness/base/histogram.hpp"

#include <gtest/gtest.h>

namespace unit_histogram {
namespace {

using tally::histogram;

TEST(Histogram, BucketsTileTheRangeWithoutGapsOrOverlap) {
  for (std::size_t i = 0; i + 1 < histogram::bucket_count(); ++i) {
    ASSERT_EQ(histogram::upper(i) + 1, histogram::lower(i + 1)) << i;
    ASSERT_EQ(histogram::bucket(histogram::lower(i)), i);
    ASSERT_EQ(histogram::bucket(histogram::upper(i)), i);
  }
}

TEST(Histogram, ABucketIsAtMostOneIn128OfItsLowerEnd) {
  for (std::size_t i = 256; i < histogram::bucket_count(); ++i) {
    const auto width = histogram::upper(i) - histogram::lower(i) + 1;
    ASSERT_LE(width * 128, histogram::lower(i)) << i;
  }
}

TEST(Histogram, QuantilesOfOneToAThousandAreWithinABucket) {
  histogram h;
  for (std::uint64_t v = 1; v <= 1000; ++v) h.record(v);
  EXPECT_EQ(h.total(), 1000u);
  EXPECT_EQ(h.max(), 1000u);
  EXPECT_DOUBLE_EQ(h.mean(), 500.5);
  EXPECT_EQ(h.quantile(0.1), 100u);  // below 256 buckets are exact
  EXPECT_NEAR(static_cast<double>(h.quantile(0.5)), 500, 500 / 128.0 + 1);
  EXPECT_NEAR(static_cast<double>(h.quantile(0.999)), 999, 999 / 128.0 + 1);
  EXPECT_EQ(h.quantile(1.0), 1000u);
}

TEST(Histogram, MergingIsTheSameAsRecordingTogether) {
  histogram a, b, both;
  for (std::uint64_t v = 1; v < 100'000; v = v * 3 + 1) a.record(v), both.record(v);
  for (std::uint64_t v = 5; v < 10'000'000; v = v * 7 + 2) b.record(v), both.record(v);
  a.merge(b);
  for (double q : {0.0, 0.25, 0.5, 0.9, 0.99, 1.0}) EXPECT_EQ(a.quantile(q), both.quantile(q));
  EXPECT_EQ(a.max(), both.max());
}

TEST(Histogram, ValuesBeyondTheTopAreKeptInTheLastBucketAndInMax) {
  histogram h;
  h.record(~std::uint64_t{0} >> 1);
  EXPECT_EQ(h.total(), 1u);
  EXPECT_EQ(h.max(), ~std::uint64_t{0} >> 1);
}

}  // namespace
}  // namespace unit_histogram
