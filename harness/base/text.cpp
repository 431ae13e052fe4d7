#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace tally {
namespace {

double leading_number(std::string_view text, std::string_view& unit) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return error == std::errc{} ? value : std::nan("");
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const auto end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

bool to_number(std::string_view text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string number_text(double value) {
  if (value == std::trunc(value) && std::abs(value) < 1e15) return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

std::string joined(std::span<const std::string> words) { return fmt::format("{}", fmt::join(words, ", ")); }

bool glob_matches(std::string_view glob, std::string_view text) {
  return ::fnmatch(std::string(glob).c_str(), std::string(text).c_str(), FNM_NOESCAPE) == 0;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string nearest(std::string_view typed, std::span<const std::string> candidates) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const auto& c : candidates) {
    // A beginning is near, whatever is missing at the end.
    const std::size_t d = typed.size() >= 3 && c.starts_with(typed) ? 1 : edit_distance(typed, c);
    if (d < least) least = d, best = c;
  }
  return best;
}

std::string no_such(std::string_view flag, std::string_view value, std::string_view what,
                    std::span<const std::string> candidates) {
  const std::string near = nearest(value, candidates);
  if (!near.empty()) return fmt::format("{} {}: no such {}; did you mean {}?", flag, value, what, near);
  if (candidates.empty()) return fmt::format("{} {}: no such {}", flag, value, what);
  return fmt::format("{} {}: no such {}; there is {}", flag, value, what, joined(candidates));
}

std::chrono::nanoseconds read_duration(std::string_view flag, std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> units{
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"min", 6e10}}};
  std::string_view unit;
  const double value = leading_number(text, unit);
  for (const auto& [name, ns] : units) {
    if (name != unit) continue;
    if (value * ns >= 1e5 && value * ns <= 3.6e12) return std::chrono::nanoseconds(std::llround(value * ns));
    throw usage_error(fmt::format("{} {}: between 100us and 60m", flag, text));
  }
  throw usage_error(fmt::format("{} {}: a number with us, ms, s or m, such as 100ms", flag, text));
}

std::string duration_text(std::chrono::nanoseconds d) {
  const auto ns = d.count();
  if (ns % 1'000'000'000 == 0) return fmt::format("{}s", ns / 1'000'000'000);
  if (ns % 1'000'000 == 0) return fmt::format("{}ms", ns / 1'000'000);
  return number_text(static_cast<double>(ns) * 1e-3) + "us";
}

std::uint64_t size_bytes(std::string_view flag, std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 9> units{{{"", 1},
                                                                             {"K", 1024},
                                                                             {"KiB", 1024},
                                                                             {"M", 1048576},
                                                                             {"MiB", 1048576},
                                                                             {"G", 1073741824},
                                                                             {"GiB", 1073741824},
                                                                             {"k", 1024},
                                                                             {"m", 1048576}}};
  std::string_view unit;
  const double value = leading_number(text, unit);
  for (const auto& [name, bytes] : units) {
    if (name == unit && value > 0 && value * bytes < 1e15) return static_cast<std::uint64_t>(value * bytes);
  }
  throw usage_error(fmt::format("{} {}: a multiple such as 2x, or bytes such as 64M", flag, text));
}

std::string spoken_duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::lround(seconds);
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string percent_text(double share) {
  const double percent = 100 * share;
  return percent >= 99.5 || percent < 0.005 ? fmt::format("{:.0f} %", percent) : fmt::format("{:.2g} %", percent);
}

std::string counted(std::size_t n, std::string_view singular) { return fmt::format("{} {}{}", n, singular, n == 1 ? "" : "s"); }

}  // namespace tally
