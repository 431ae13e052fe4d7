// A log-linear histogram of durations: 1 ns to 2^40 ns (18 minutes), bucket width at most 1/128 of the value, constant-time
// recording, merge. The layout is HdrHistogram's idea [HDR]: the bucket is the exponent and the next 7 bits of the value.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace tally {

class histogram {
 public:
  static constexpr int sub_bits = 8;
  static constexpr int top_bit = 40;

  // Now, and not at the first that is recorded.
  void allocate() {
    if (counts_.empty()) counts_.resize(bucket_count());
  }
  void clear() {
    std::ranges::fill(counts_, 0);
    total_ = sum_ = max_ = 0;
  }
  void record(std::uint64_t ns) {
    allocate();
    ++counts_[bucket(ns)];
    ++total_;
    max_ = std::max(max_, ns);
    sum_ += ns;
  }
  void merge(const histogram& other) {
    if (other.counts_.empty()) return;
    allocate();
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  [[nodiscard]] double mean() const { return total_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(total_); }
  // The smallest recorded bucket's upper end that at least a share q (0 ... 1) of the values do not exceed; 0 when empty.
  [[nodiscard]] std::uint64_t quantile(double q) const {
    if (total_ == 0) return 0;
    const auto want = static_cast<std::uint64_t>(std::max(1.0, std::min(q, 1.0) * static_cast<double>(total_) + 0.5));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= want) return std::min(upper(i), max_);
    }
    return max_;
  }
  // Calls f(lower, upper, count) for each bucket that has any.
  template <class F>
  void each(F&& f) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] != 0) f(lower(i), upper(i), counts_[i]);
    }
  }

  static std::size_t bucket(std::uint64_t v) {
    v = std::min(v, (std::uint64_t{1} << top_bit) - 1);
    if (v < (1U << sub_bits)) return v;
    const int shift = static_cast<int>(std::bit_width(v)) - sub_bits;
    return static_cast<std::size_t>(shift) * half + (v >> shift);
  }
  static std::uint64_t lower(std::size_t i) {
    if (i < (1U << sub_bits)) return i;
    const std::size_t shift = (i - half) / half;
    return static_cast<std::uint64_t>(i - shift * half) << shift;
  }
  static std::uint64_t upper(std::size_t i) { return lower(i + 1) - 1; }
  static constexpr std::size_t bucket_count() { return (top_bit - sub_bits + 2) * half; }

 private:
  static constexpr std::size_t half = std::size_t{1} << (sub_bits - 1);
  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace tally
