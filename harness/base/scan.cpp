#include "harness/base/scan.hpp"

#include <fmt/format.h>

#include <cmath>

#include "harness/base/text.hpp"

namespace tally {
namespace {

constexpr std::size_t most_values = 1000;

}  // namespace

scan scan::read(std::string_view flag, std::string_view text) {
  scan s;
  s.text_ = text;
  for (auto& word : split(text, ',')) {
    if (word.empty()) throw usage_error(fmt::format("{}{}: an empty value", flag, text));
    const auto dots = word.find("..");
    double from = 0;
    if (dots == std::string::npos || !to_number(std::string_view(word).substr(0, dots), from)) {
      s.pieces_.push_back({std::move(word)});  // text; a path may hold two dots
    } else {
      s.pieces_.push_back(read_range(flag, word, dots, from));
    }
  }
  if (s.steps() > most_values) throw usage_error(fmt::format("{}{}: more than {} values", flag, text, most_values));
  return s;
}

scan::piece scan::read_range(std::string_view flag, std::string_view text, std::size_t dots, double from) {
  piece p;
  p.from = from;
  const std::string_view rest = text.substr(dots + 2);
  const auto op = rest.find_first_of("*+", 1);
  p.times = op != std::string_view::npos && rest[op] == '*';
  const bool numbers =
      to_number(rest.substr(0, op), p.to) && (op == std::string_view::npos || to_number(rest.substr(op + 1), p.by));
  if (!numbers || p.to < p.from || (p.times ? p.by <= 1 || p.from <= 0 : p.by <= 0)) {
    throw usage_error(fmt::format("{}{}: a scan is from..to, from..to+step or from..to*factor", flag, text));
  }
  return p;
}

template <class F>
void scan::piece::each(F f) const {
  const double last = to * (1 + 1e-12);
  double v = from;
  for (std::size_t n = 0; n <= most_values && v <= last; ++n, v = times ? v * by : v + by) f(v);
}

std::size_t scan::steps() const {
  std::size_t n = 0;
  for (const auto& p : pieces_) {
    if (p.word.empty()) p.each([&](double) { ++n; });
    if (!p.word.empty()) ++n;
  }
  return n;
}

std::vector<std::string> scan::values(bool whole) const {
  std::vector<std::string> all;
  for (const auto& p : pieces_) {
    if (!p.word.empty()) {
      all.push_back(p.word);
      continue;
    }
    p.each([&](double v) {
      std::string one = whole ? number_text(std::round(v)) : fmt::format("{:.12g}", v);
      if (all.empty() || all.back() != one) all.push_back(std::move(one));
    });
  }
  return all;
}

}  // namespace tally
