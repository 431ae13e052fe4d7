// What may be said of replicated measurements.
//
// The unit of replication is the process [Kalibera13]: windows of one process share its memory layout and its luck, so they are not
// independent. Each process has one figure, the median of its windows, and intervals are Student's t of these [Georges07]; of two rows of
// one run they are of log-ratios of windows of the same block, which the machine's drift hit alike. p-values are of the same test: a 95 %
// interval of a ratio holds 1 where p is above 5 %, and not where it is below. Of two runs no block is shared, so that nothing is paired:
// Welch's test, with its degrees of freedom [Welch47].
//
// Why no bootstrap: with five processes the shape of one is noise, and its percentiles are too narrow where processes scatter
// [Hesterberg15] and too wide where windows do [Ren10]. docs/methodology.md has figures of both.
//
// Whether a row lasted is asked of the two halves of its processes, in the order in which they were measured [Folly].
//
// What it can't do: see a bias that all processes share, or rescue windows that did not measure what they should.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace tally {

// Values by process, then block. Processes may have lost some windows, not all.
using replicated = std::vector<std::vector<double>>;

struct interval {
  double low = 0, high = 0;
};

// Intervals are given from this many processes on [Kalibera13]; below, a run is a smoke run.
inline constexpr int citable_processes = 5;
// In at most this share of tables in which nothing differs, a difference is called one.
inline constexpr double significance = 0.05;

// The middle value, or the mean of the two; of at least one value.
[[nodiscard]] double median(std::vector<double> values);
// Linear between the neighbours of q * (n - 1); of at least one value, 0 <= q <= 1.
[[nodiscard]] double quantile(std::vector<double> values, double q);

// The mean over processes of the median over blocks; processes without a value are left out.
[[nodiscard]] double centre(const replicated&);

// Of centre(), 95 %, with at least two processes. Where all their medians are above 0 it is of their logarithms' scatter, as a factor on
// either side: no cost is below 0, and a long tail is upwards. Where none is below 0 its lower end is not, either.
[[nodiscard]] interval interval_of(const replicated&);

// Logarithms of the finite values above 0; others are left out, and processes that have none.
[[nodiscard]] replicated logs_of(const replicated&);
// Of a over b, window by window; those that one of them lacks are left out (NaN marks them), and processes without any.
[[nodiscard]] replicated paired_logs(const replicated& a, const replicated& b);

struct ratio_estimate {
  double ratio = 1;                    // exp(centre of the logs)
  interval spread;                     // least and most single window
  std::optional<interval> confidence;  // only with at least `processes_needed` processes
  int processes = 0;
  double log_error = 0;  // standard error of log(ratio), between processes; 0 with fewer than two
  double p = 1;          // two-sided, of no difference: Student's t-test of the processes' medians of logs
  [[nodiscard]] double freedom() const { return processes - 1; }  // of log_error
  // Two-sided, of the ratio being `bound` and no other; 1 with fewer than two processes.
  [[nodiscard]] double p_of(double bound) const;
};
// a over b, paired window by window; windows that one of them lacks are left out (NaN marks them). Empty if no pair is left.
[[nodiscard]] std::optional<ratio_estimate> ratio_of(const replicated& a, const replicated& b, int processes_needed);

// The same of two runs, whose windows share no block.
struct unpaired_ratio {
  double ratio = 1;                    // exp(difference of the centres of the logs)
  std::optional<interval> confidence;  // only with at least `processes_needed` processes on either side
  double log_error = 0;                // standard error of log(ratio), between processes; 0 with fewer than two on a side
  double freedom = 1;                  // of log_error [Welch47]
  double p = 1;                        // two-sided, of no difference: Welch's t-test of the processes' medians of logs
  double rank_p = 1;                   // a second opinion, of no distribution: mann_whitney_p of the same medians
  int least_processes = 0;             // of the side that has fewer
};
// a over b, of finite values above 0; others are left out. Empty if a side has none.
[[nodiscard]] std::optional<unpaired_ratio> unpaired_ratio_of(const replicated& a, const replicated& b, int processes_needed);

// p-values of a table, adjusted so that one below x is there in a share of x of all tables without a difference [Holm79].
[[nodiscard]] std::vector<double> holm_adjusted(std::span<const double> p);
// The same as a bound: of these p-values, those below it are what the correction leaves at `significance`.
[[nodiscard]] double holm_bound(std::span<const double> p);

// The least difference that a t-test with this error leaves at the strictest step of the correction over `tests` p-values, in the
// unit of the error.
[[nodiscard]] double least_seen(double error, double freedom, std::size_t tests);

// A row's processes in the order in which they were measured: the first half of them, and the others, of which there may be one more.
struct split_halves {
  double ratio = 1;  // the second half's centre over the first's
  double p = 1;      // of no difference: Welch's t-test of the processes' medians of logs
  [[nodiscard]] bool unstable() const { return p < significance; }
};
// Nothing with fewer than four processes: a half of one has no scatter.
[[nodiscard]] std::optional<split_halves> halves_of(const replicated& logs);

// Windows beyond the fences, 1.5 (mild) and 3 (severe) interquartile ranges from the quartiles [Tukey77].
struct outlier_count {
  std::size_t mild = 0, severe = 0;
};
[[nodiscard]] outlier_count outliers_of(const replicated& logs);

// Of Student's distribution with n degrees of freedom, n at least 1, for p in (0.5, 1).
[[nodiscard]] double student_quantile(double p, double n);

// Two-sided p of the rank-sum test: could `a` and `b` come from one distribution? Exact without ties and with at most 25
// values each; otherwise the normal approximation with ties corrected [Mann47].
[[nodiscard]] double mann_whitney_p(std::span<const double> a, std::span<const double> b);

}  // namespace tally
