#include "harness/results/rate.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "harness/base/text.hpp"

namespace tally {
namespace {

constexpr std::string_view closed_word = "closed";
constexpr double million = 1e6;

[[noreturn]] void refuse(std::string_view flag, std::string_view text) {
  throw usage_error(
      fmt::format("{} {}: operations per second between 0.01 and 100M such as 20000 or 1.5M, a share between 0.1% and "
                  "200% of what the row reaches in a closed loop such as 50%, or {}",
                  flag, text, closed_word));
}

}  // namespace

rate_choice rate_choice::read(std::string_view flag, std::string_view text) {
  rate_choice rate;
  if (text == closed_word) return rate;
  static constexpr std::array<std::pair<char, double>, 3> units{{{'%', 1}, {'k', 1e3}, {'M', million}}};
  double factor = 1;
  std::string_view number = text;
  for (const auto& [unit, times] : units) {
    if (text.ends_with(unit)) factor = times, number.remove_suffix(1);
  }
  double value = 0;
  if (!to_number(number, value)) refuse(flag, text);
  value *= factor;
  if (text.ends_with('%')) {
    if (!(value >= 0.1 && value <= 200)) refuse(flag, text);
    rate.percent = value;
  } else {
    if (!(value >= 0.01 && value <= 100 * million)) refuse(flag, text);
    rate.per_second = value;
  }
  return rate;
}

std::string rate_choice::text() const {
  if (percent != 0) return number_text(percent) + "%";
  if (per_second == 0) return std::string(closed_word);
  const double millions = per_second / million;
  return millions >= 1 && millions * million == per_second ? number_text(millions) + "M" : number_text(per_second);
}

std::string measure_choice::text() const {
  std::string text(mode_names.at(static_cast<std::size_t>(mode)));
  if (!rate.open()) return text;
  text += "@" + rate.text() + (rate.per_second != 0 ? "/s" : "");
  if (arrivals != arrival_kind::constant) text += "," + std::string(arrival_names.at(static_cast<std::size_t>(arrivals)));
  return text;
}

std::string measure_choice::words() const {
  std::string text(mode_names.at(static_cast<std::size_t>(mode)));
  if (!rate.open()) return text;
  text += " at " + rate.text() + (rate.per_second != 0 ? "/s" : " of the closed loop's rate");
  return arrivals == arrival_kind::poisson ? text + ", Poisson arrivals" : text;
}

}  // namespace tally
