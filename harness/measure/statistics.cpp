#include "harness/measure/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

namespace tally {

double quantile(std::vector<double> values, double q) {
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(at);
  std::ranges::nth_element(values, below);
  if (below + 1 == values.end()) return *below;
  const double above = *std::min_element(below + 1, values.end());
  return *below + (at - std::floor(at)) * (above - *below);
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

interval around(double centre, double error, double freedom) {
  const double reach = student_quantile(0.975, freedom) * error;
  return {centre - reach, centre + reach};
}
interval ratio_around(double log_ratio, double error, double freedom) {
  const interval i = around(log_ratio, error, freedom);
  return {std::exp(i.low), std::exp(i.high)};
}

std::optional<unpaired_ratio> unpaired_of_logs(const spread_side& over, const spread_side& under, int processes_needed) {
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
    result.confidence = ratio_around(difference, result.log_error, result.freedom);
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

interval interval_of(const replicated& values) {
  const spread_side side(values);
  const interval plain = around(side.centre, std::sqrt(side.of_centre()), side.processes() - 1);
  if (std::ranges::any_of(side.medians, [](double m) { return m < 0; })) return plain;
  if (std::ranges::any_of(side.medians, [](double m) { return m == 0; })) return {std::max(0.0, plain.low), plain.high};
  replicated logs;
  for (const double m : side.medians) logs.push_back({std::log(m)});
  const spread_side relative(std::move(logs));
  const interval factor = ratio_around(0, std::sqrt(relative.of_centre()), relative.processes() - 1);
  return {side.centre * factor.low, side.centre * factor.high};
}

std::optional<ratio_estimate> ratio_of(const replicated& a, const replicated& b, int processes_needed) {
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
    result.confidence = ratio_around(paired.centre, result.log_error, result.freedom());
  }
  return result;
}

double ratio_estimate::p_of(double bound) const {
  return processes < 2 ? 1 : student_p(std::log(ratio) - std::log(bound), log_error, freedom());
}

std::optional<unpaired_ratio> unpaired_ratio_of(const replicated& a, const replicated& b, int processes_needed) {
  return unpaired_of_logs(spread_side(logs_of(a)), spread_side(logs_of(b)), processes_needed);
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
  const auto ratio = unpaired_of_logs(second, first, no_interval);
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
