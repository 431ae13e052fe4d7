#include "harness/measure/statistics.hpp"

#include <algorithm>
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
  double sum = 0;
  for (const auto& process : values) sum += median(process);
  return sum / static_cast<double>(values.size());
}

double student_quantile(double p, int n) { return boost::math::quantile(boost::math::students_t(n), p); }

interval bootstrap_interval(const replicated& values, std::uint64_t seed, double confidence, int resamples) {
  const auto n = static_cast<std::uint32_t>(values.size());
  random_source random(seed, 0);
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
  const double t = student_quantile(0.5 + confidence / 2, static_cast<int>(n) - 1);
  const double tail = std::erfc(std::sqrt(n / (n - 1.0)) * t / std::numbers::sqrt2) / 2;
  return {quantile(centres, tail), quantile(centres, 1 - tail)};
}

std::optional<ratio_estimate> ratio_of(const replicated& a, const replicated& b, std::uint64_t seed, int processes_needed) {
  replicated logs;
  ratio_estimate result;
  for (std::size_t p = 0; p < std::min(a.size(), b.size()); ++p) {
    std::vector<double> one;
    for (std::size_t i = 0; i < std::min(a[p].size(), b[p].size()); ++i) {
      const double log_ratio = std::log(a[p][i] / b[p][i]);
      if (std::isfinite(log_ratio)) one.push_back(log_ratio);
    }
    if (!one.empty()) logs.push_back(std::move(one));
  }
  if (logs.empty()) return std::nullopt;
  double least = INFINITY, most = -INFINITY;
  for (const auto& process : logs) {
    for (const double v : process) least = std::min(least, v), most = std::max(most, v);
  }
  result.ratio = std::exp(centre(logs));
  result.spread = {std::exp(least), std::exp(most)};
  result.processes = static_cast<int>(logs.size());
  if (result.processes >= std::max(2, processes_needed)) {
    const interval i = bootstrap_interval(logs, seed);
    result.confidence = {std::exp(i.low), std::exp(i.high)};
  }
  return result;
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
