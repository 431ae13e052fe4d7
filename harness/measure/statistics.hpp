// What may be said of replicated measurements.
//
// The unit of replication is the process: windows of one process share its memory layout and its luck, so they are not
// independent, and the interval comes from resampling processes first and the windows inside each second (hierarchical
// bootstrap [Kalibera13]). What is resampled are log-ratios of two rows' windows of the same block, which the machine's
// drift hit alike. With few processes a percentile interval is too narrow; it is widened as [Hesterberg15] says (the "expanded"
// percentile interval: Student's t instead of the normal, n/(n-1) for the variance). All draws come from a seed.
//
// Of two runs no block is shared, so that nothing is paired: each side is resampled alone, and Welch's degrees of freedom widen
// the interval. The p-values of a table's ratios are Welch's, of processes: percentiles of a bootstrap of five processes do not reach
// as far into the tails as a correction for a table of a hundred rows asks.
//
// What it can't do: see a bias that all processes share, or rescue windows that did not measure what they should.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tally {

// Values by process, then block. Processes may have lost some windows, not all.
using replicated = std::vector<std::vector<double>>;

struct interval {
  double low = 0, high = 0;
};

// The middle value, or the mean of the two; of at least one value.
[[nodiscard]] double median(std::vector<double> values);
// Linear between the neighbours of q * (n - 1); of at least one value, 0 <= q <= 1.
[[nodiscard]] double quantile(std::vector<double> values, double q);

// The mean over processes of the median over blocks; processes without a value are left out.
[[nodiscard]] double centre(const replicated&);

// Of centre(), with at least two processes. `confidence` 0.95 leaves 2.5 % on either side.
[[nodiscard]] interval bootstrap_interval(const replicated&, std::uint64_t seed, double confidence = 0.95,
                                          int resamples = 10'000);

struct ratio_estimate {
  double ratio = 1;                    // exp(centre of the logs)
  interval spread;                     // least and most single window
  std::optional<interval> confidence;  // only with at least `processes_needed` processes
  int processes = 0;
};
// a over b, paired window by window; windows that one of them lacks are left out (NaN marks them). Empty if no pair is left.
[[nodiscard]] std::optional<ratio_estimate> ratio_of(const replicated& a, const replicated& b, std::uint64_t seed,
                                                     int processes_needed, int resamples = 10'000);

// The same of two runs, whose windows share no block: nothing is paired, and each side is resampled alone.
struct unpaired_ratio {
  double ratio = 1;                    // exp(difference of the centres of the logs)
  std::optional<interval> confidence;  // only with at least `processes_needed` processes on either side
  double log_error = 0;                // standard error of log(ratio), between processes; 0 with fewer than two on a side
  double freedom = 1;                  // of log_error [Welch47]
  double p = 1;                        // two-sided, of no difference: Welch's t-test of the processes' medians of logs
  int least_processes = 0;             // of the side that has fewer
};
// a over b, of finite values above 0; others are left out. Empty if a side has none.
[[nodiscard]] std::optional<unpaired_ratio> unpaired_ratio_of(const replicated& a, const replicated& b, std::uint64_t seed,
                                                              int processes_needed, int resamples = 10'000);

// p-values of a table, adjusted so that one below x is there in a share of x of all tables without a difference [Holm79].
[[nodiscard]] std::vector<double> holm_adjusted(std::span<const double> p);

// Of Student's distribution with n degrees of freedom, n at least 1, for p in (0.5, 1).
[[nodiscard]] double student_quantile(double p, double n);

// Two-sided p of the rank-sum test: could `a` and `b` come from one distribution? Exact without ties and with at most 25
// values each; otherwise the normal approximation with ties corrected [Mann47].
[[nodiscard]] double mann_whitney_p(std::span<const double> a, std::span<const double> b);

}  // namespace tally
