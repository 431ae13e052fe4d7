#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

#include "harness/base/random.hpp"

namespace tally {

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= values.size()) return values.back();
  return values[below] + (at - static_cast<double>(below)) * (values[below + 1] - values[below]);
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

double centre(const replicated& values) {
  double sum = 0, there = 0;
  for (const auto& process : values) {
    if (!process.empty()) sum += median(process), there += 1;
  }
  return sum / there;
}

double student_quantile(double p, double n) { return boost::math::quantile(boost::math::students_t(n), p); }

namespace {

// Centres of resampled values: processes first, the windows of each second.
std::vector<double> resampled_centres(const replicated& values, random_source& random, int resamples) {
  const auto n = static_cast<std::uint32_t>(values.size());
  std::vector<double> centres;
  centres.reserve(static_cast<std::size_t>(resamples));
  std::vector<double> blocks;
  for (int i = 0; i < resamples; ++i) {
    double sum = 0;
    for (std::uint32_t p = 0; p < n; ++p) {
      const auto& process = values[random.below(n)];
      blocks.clear();
      for (std::size_t b = 0; b < process.size(); ++b) {
        blocks.push_back(process[random.below(static_cast<std::uint32_t>(process.size()))]);
      }
      sum += median(blocks);
    }
    centres.push_back(sum / n);
  }
  return centres;
}

double variance_of(std::span<const double> values, double around) {
  double sum = 0;
  for (const double v : values) sum += (v - around) * (v - around);
  return sum / static_cast<double>(values.size());
}

// Percentiles of resampled centres, their distances from the middle stretched to what Student's t with `freedom` asks of a centre with the
// variance `unbiased`. Theirs is another: too small since few processes are resampled (n - 1 of n [Hesterberg15]), and too large since
// windows are, whose scatter the processes' own has already; where windows scatter and processes hardly differ it is twice as large [Ren10].
// Percentiles farther out instead would end where the draws do: no resample of five processes is as far out as t is.
interval stretched_percentiles(std::vector<double> centres, double centre, double confidence, double freedom, double unbiased) {
  const double upper = 0.5 + confidence / 2;
  const double middle = std::accumulate(centres.begin(), centres.end(), 0.0) / static_cast<double>(centres.size());
  const double theirs = variance_of(centres, middle);
  if (theirs == 0) return {centre, centre};
  const double stretch =
      std::sqrt(unbiased / theirs) * student_quantile(upper, freedom) / boost::math::quantile(boost::math::normal(), upper);
  const double low = tally::quantile(centres, 1 - upper), high = tally::quantile(std::move(centres), upper);
  return {centre - stretch * (middle - low), centre + stretch * (high - middle)};
}

// Logarithms that differ by less are equal up to the rounding of what they are made of.
constexpr double rounding = 1e-12;

// Two-sided, of Student's t-test of logarithms.
double student_p(double difference, double error, double freedom) {
  if (std::abs(difference) < rounding) return 1;
  if (error == 0) return 0;
  const boost::math::students_t student(freedom);
  return 2 * boost::math::cdf(boost::math::complement(student, std::abs(difference) / error));
}

// Values, mostly logs of a ratio or of one side of it, and how the processes' medians of them scatter.
struct spread_side {
  replicated logs;
  std::vector<double> medians;      // of each process
  double centre = 0, variance = 0;  // variance: unbiased, between processes
  explicit spread_side(replicated values) : logs(std::move(values)) {
    if (logs.empty()) return;
    centre = tally::centre(logs);
    for (const auto& process : logs) medians.push_back(median(process));
    for (const double m : medians) variance += std::pow(m - centre, 2);
    variance /= std::max(1.0, processes() - 1);
  }
  [[nodiscard]] double processes() const { return static_cast<double>(logs.size()); }
  [[nodiscard]] double of_centre() const { return variance / processes(); }  // variance
};

// [Welch47]; where nothing scatters, the side with fewer processes decides.
double welch_freedom(const spread_side& a, const spread_side& b) {
  const double va = a.of_centre(), vb = b.of_centre();
  if (va + vb == 0) return std::min(a.processes(), b.processes()) - 1;
  return std::pow(va + vb, 2) / (va * va / (a.processes() - 1) + vb * vb / (b.processes() - 1));
}

interval unpaired_interval(const spread_side& a, const spread_side& b, double freedom, std::uint64_t seed, int resamples) {
  random_source of_a(seed, 0), of_b(seed, 1);
  std::vector<double> differences = resampled_centres(a.logs, of_a, resamples);
  const std::vector<double> others = resampled_centres(b.logs, of_b, resamples);
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= others[i];
  const interval i =
      stretched_percentiles(std::move(differences), a.centre - b.centre, 0.95, freedom, a.of_centre() + b.of_centre());
  return {std::exp(i.low), std::exp(i.high)};
}

std::optional<unpaired_ratio> unpaired_of_logs(const spread_side& over, const spread_side& under, std::uint64_t seed,
                                               int processes_needed, int resamples) {
  if (over.logs.empty() || under.logs.empty()) return std::nullopt;
  const double difference = over.centre - under.centre;
  unpaired_ratio result;
  result.ratio = std::exp(difference);
  result.least_processes = static_cast<int>(std::min(over.logs.size(), under.logs.size()));
  if (result.least_processes < 2) return result;
  result.log_error = std::sqrt(over.of_centre() + under.of_centre());
  result.freedom = welch_freedom(over, under);
  result.p = student_p(difference, result.log_error, result.freedom);
  result.rank_p = mann_whitney_p(over.medians, under.medians);
  if (result.least_processes >= processes_needed) {
    result.confidence = unpaired_interval(over, under, result.freedom, seed, resamples);
  }
  return result;
}

constexpr int no_interval = 1'000'000;  // processes that one would need

}  // namespace

replicated logs_of(const replicated& values) {
  replicated logs;
  for (const auto& process : values) {
    std::vector<double> one;
    for (const double v : process) {
      if (std::isfinite(v) && v > 0) one.push_back(std::log(v));
    }
    if (!one.empty()) logs.push_back(std::move(one));
  }
  return logs;
}

replicated paired_logs(const replicated& a, const replicated& b) {
  replicated logs;
  for (std::size_t p = 0; p < std::min(a.size(), b.size()); ++p) {
    std::vector<double> one;
    for (std::size_t i = 0; i < std::min(a[p].size(), b[p].size()); ++i) {
      const double log_ratio = std::log(a[p][i] / b[p][i]);
      if (std::isfinite(log_ratio)) one.push_back(log_ratio);
    }
    if (!one.empty()) logs.push_back(std::move(one));
  }
  return logs;
}

interval bootstrap_interval(const replicated& values, std::uint64_t seed, double confidence, int resamples) {
  random_source random(seed, 0);
  const spread_side side(values);
  return stretched_percentiles(resampled_centres(values, random, resamples), side.centre, confidence, side.processes() - 1,
                               side.of_centre());
}

std::optional<ratio_estimate> ratio_of(const replicated& a, const replicated& b, std::uint64_t seed, int processes_needed,
                                       int resamples) {
  const spread_side paired(paired_logs(a, b));
  const replicated& logs = paired.logs;
  ratio_estimate result;
  if (logs.empty()) return std::nullopt;
  double least = INFINITY, most = -INFINITY;
  for (const auto& process : logs) {
    for (const double v : process) least = std::min(least, v), most = std::max(most, v);
  }
  result.ratio = std::exp(paired.centre);
  result.spread = {std::exp(least), std::exp(most)};
  result.processes = static_cast<int>(logs.size());
  if (result.processes >= 2) {
    result.log_error = std::sqrt(paired.of_centre());
    result.p = student_p(paired.centre, result.log_error, result.freedom());
  }
  if (result.processes >= std::max(2, processes_needed)) {
    const interval i = bootstrap_interval(logs, seed, 0.95, resamples);
    result.confidence = {std::exp(i.low), std::exp(i.high)};
  }
  return result;
}

std::optional<unpaired_ratio> unpaired_ratio_of(const replicated& a, const replicated& b, std::uint64_t seed,
                                                int processes_needed, int resamples) {
  return unpaired_of_logs(spread_side(logs_of(a)), spread_side(logs_of(b)), seed, processes_needed, resamples);
}

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<std::size_t> by_size(p.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::ranges::stable_sort(by_size, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double most = 0;
  for (std::size_t rank = 0; rank < by_size.size(); ++rank) {
    most = std::max(most, static_cast<double>(p.size() - rank) * p[by_size[rank]]);
    adjusted[by_size[rank]] = std::min(1.0, most);
  }
  return adjusted;
}

double holm_bound(std::span<const double> p) {
  const std::vector<double> adjusted = holm_adjusted(p);
  const auto left = std::ranges::count_if(adjusted, [](double v) { return v < significance; });
  return significance / std::max(1.0, static_cast<double>(p.size()) - static_cast<double>(left));
}

double least_seen(double error, double freedom, std::size_t tests) {
  return student_quantile(1 - significance / static_cast<double>(tests) / 2, freedom) * error;
}

std::optional<split_halves> halves_of(const replicated& logs) {
  if (logs.size() < 4) return std::nullopt;
  const auto middle = logs.begin() + static_cast<std::ptrdiff_t>(logs.size() / 2);
  const spread_side first({logs.begin(), middle}), second({middle, logs.end()});
  const auto ratio = unpaired_of_logs(second, first, 0, no_interval, 0);
  return split_halves{ratio->ratio, ratio->p};
}

outlier_count outliers_of(const replicated& logs) {
  std::vector<double> all;
  for (const auto& process : logs) all.insert(all.end(), process.begin(), process.end());
  if (all.empty()) return {};
  const double low = quantile(all, 0.25), high = quantile(all, 0.75), range = high - low;
  outlier_count found;
  for (const double v : all) {
    const double beyond = std::max(low - v, v - high);
    if (beyond > std::max(rounding, 3 * range)) {
      ++found.severe;
    } else if (beyond > std::max(rounding, 1.5 * range)) {
      ++found.mild;
    }
  }
  return found;
}

double mann_whitney_p(std::span<const double> a, std::span<const double> b) {
  const std::size_t m = a.size(), n = b.size();
  if (m == 0 || n == 0) return 1;
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  std::ranges::sort(all);
  double u = 0;  // pairs in which a is above b
  for (const double x : a) {
    for (const double y : b) u += x > y ? 1 : x == y ? 0.5 : 0;
  }
  double ties = 0;
  for (std::size_t i = 0; i < all.size();) {
    const std::size_t j = static_cast<std::size_t>(std::upper_bound(all.begin(), all.end(), all[i]) - all.begin());
    const auto t = static_cast<double>(j - i);
    ties += t * t * t - t;
    i = j;
  }
  const auto dm = static_cast<double>(m), dn = static_cast<double>(n);
  if (ties == 0 && m <= 25 && n <= 25) {
    // ways[i][k]: how many arrangements of i values of a and all of b so far have U = k.
    std::vector<std::vector<double>> ways(m + 1, std::vector<double>(m * n + 1, 0));
    ways[0][0] = 1;
    for (std::size_t i = 1; i <= m; ++i) ways[i][0] = 1;
    for (std::size_t j = 1; j <= n; ++j) {
      for (std::size_t i = 1; i <= m; ++i) {
        // The largest of i + j values is a's (it is above all j of b) or b's.
        std::vector<double> next(m * n + 1, 0);
        for (std::size_t k = 0; k <= m * n; ++k) next[k] = ways[i][k] + (k >= j ? ways[i - 1][k - j] : 0);
        ways[i] = std::move(next);
      }
    }
    const double extreme = std::min(u, dm * dn - u);
    double tail = 0, total = 0;
    for (std::size_t k = 0; k <= m * n; ++k) {
      total += ways[m][k];
      if (static_cast<double>(k) <= extreme) tail += ways[m][k];
    }
    return std::min(1.0, 2 * tail / total);
  }
  const double count = dm + dn;
  const double variance = dm * dn / 12 * (count + 1 - ties / (count * (count - 1)));
  if (variance <= 0) return 1;
  const double z = std::max(0.0, std::abs(u - dm * dn / 2) - 0.5) / std::sqrt(variance);
  return std::erfc(z / std::numbers::sqrt2);
}

}  // namespace tally
