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

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const auto end = text.find(at, begin);
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

std::vector<std::string> scan_values(std::string_view flag, std::string_view text, bool whole) {
  std::vector<std::string> values;
  for (const auto& piece : split(text, ',')) {
    if (piece.empty()) throw usage_error(fmt::format("{}{}: an empty value", flag, text));
    const auto dots = piece.find("..");
    double from = 0, to = 0, by = 1;
    if (dots == std::string::npos || !to_number(std::string_view(piece).substr(0, dots), from)) {
      values.push_back(piece);  // text; a path may hold two dots
      continue;
    }
    const std::string_view rest = std::string_view(piece).substr(dots + 2);
    const auto op = rest.find_first_of("*+", 1);
    const bool times = op != std::string_view::npos && rest[op] == '*';
    if (!to_number(rest.substr(0, op), to) || (op != std::string_view::npos && !to_number(rest.substr(op + 1), by)) ||
        to < from || (times ? by <= 1 || from <= 0 : by <= 0)) {
      throw usage_error(fmt::format("{}{}: a scan is from..to, from..to+step or from..to*factor", flag, piece));
    }
    for (double v = from; v <= to * (1 + 1e-12); v = times ? v * by : v + by) {
      if (values.size() == 1000) throw usage_error(fmt::format("{}{}: more than 1000 values", flag, piece));
      std::string one = whole ? number_text(std::round(v)) : fmt::format("{:.12g}", v);
      if (values.empty() || values.back() != one) values.push_back(std::move(one));
    }
  }
  return values;
}

std::uint64_t duration_ns(std::string_view flag, std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> units{
      {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"min", 6e10}}};
  std::string_view unit;
  const double value = leading_number(text, unit);
  for (const auto& [name, ns] : units) {
    if (name != unit) continue;
    if (value * ns >= 1e5 && value * ns <= 3.6e12) return static_cast<std::uint64_t>(value * ns);
    throw usage_error(fmt::format("{} {}: between 100us and 60m", flag, text));
  }
  throw usage_error(fmt::format("{} {}: a number with us, ms, s or m, such as 100ms", flag, text));
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
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 120) return fmt::format("{} s", whole);
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string counted(std::size_t n, std::string_view singular) { return fmt::format("{} {}{}", n, singular, n == 1 ? "" : "s"); }

}  // namespace tally
