#include "harness/run/stopping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/base/text.hpp"
#include "harness/results/estimates.hpp"

namespace tally {
namespace {

// All of `text` but its unit.
std::optional<double> number_before(std::string_view text, std::string_view unit) {
  if (!text.ends_with(unit)) return std::nullopt;
  text.remove_suffix(unit.size());
  double value = 0;
  return to_number(text, value) && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::size_t too_wide(const stop_rule& rule, const std::vector<row_width>& widths) {
  const auto wide = [&](const row_width& w) { return w.share > rule.until->share; };
  return static_cast<std::size_t>(std::ranges::count_if(widths, wide));
}

std::string percent(double share) { return fmt::format("{:.3g}%", 100 * share); }

// Widths shrink with the root of the number of processes.
int needed_for_width(const stop_rule& rule, int processes, const std::vector<row_width>& widths) {
  if (widths.empty() || std::isinf(widths.front().share)) return rule.least;
  const double times = std::pow(widths.front().share / rule.until->share, 2);
  return static_cast<int>(std::min(std::ceil(times * processes), static_cast<double>(rule.most)));
}

int fitting(const time_budget& budget, int processes, double seconds) {
  return static_cast<int>(std::min(budget.seconds() / seconds * processes, static_cast<double>(most_processes)));
}

}  // namespace

interval_width interval_width::read(std::string_view flag, std::string_view text) {
  const auto percent = number_before(text, "%");
  if (!percent || *percent < 0.01 || *percent > 100) {
    throw usage_error(fmt::format("{} {}: per cent between 0.01% and 100%, such as 2%", flag, text));
  }
  return {*percent / 100};
}

std::string interval_width::text() const { return number_text(std::round(share * 1e10) / 1e8) + "%"; }

time_budget time_budget::read(std::string_view flag, std::string_view text) {
  constexpr double most_hours = 1000;
  if (const auto hours = number_before(text, "h")) {
    if (*hours <= 0 || *hours > most_hours) throw usage_error(fmt::format("{} {}: at most {:.0f}h", flag, text, most_hours));
    return {std::chrono::nanoseconds(std::llround(*hours * 3.6e12))};
  }
  return {read_duration(flag, text)};
}

std::string time_budget::text() const { return duration_text(time); }

std::string stop_rule::text() const {
  if (!open()) return most == 1 ? "1 process" : fmt::format("{} processes", most);
  if (!until) return fmt::format("as many processes as fit into {}, about {},", spoken_duration(budget->seconds()), planned);
  return fmt::format("{} to {} processes, until each ratio is within {}{},", std::min(least, planned), planned, until->text(),
                     budget ? fmt::format(" or {} are over", spoken_duration(budget->seconds())) : "");
}

stop_rule make_stop_rule(std::optional<int> asked, int standard, const std::optional<interval_width>& until,
                         const std::optional<time_budget>& budget, double process_s) {
  const int number = asked.value_or(standard);
  stop_rule rule{number, number, number, until, budget};
  if (until) {
    rule.least = std::max(number, citable_processes);
    rule.most = budget ? most_processes : std::max(rule.least, most_until);
  } else if (budget) {
    rule.least = 1;
    rule.most = asked.value_or(most_processes);
  }
  rule.planned = budget ? std::clamp(fitting(*budget, 1, process_s), 1, rule.most) : rule.most;
  return rule;
}

std::vector<row_width> ratio_widths(const std::vector<result>& results, const std::vector<std::string>& order) {
  const std::vector<scene_group> scenes = group_scenes(results, order);
  std::vector<row_width> widths;
  for (const auto& e : estimator(true).judged(scenes)) {
    if (!e.against || e.row == e.baseline) continue;
    const auto& c = e.against->confidence;
    widths.push_back({e.row, c ? std::sqrt(c->high / c->low) - 1 : INFINITY});
  }
  std::ranges::stable_sort(widths, std::greater{}, &row_width::share);
  return widths;
}

stop_decision decide(const stop_rule& rule, int processes, double seconds, const std::vector<row_width>& widths) {
  if (!rule.open()) return {processes >= rule.most ? std::optional(stop_reason::number) : std::nullopt, rule.most};
  if (rule.until && processes >= rule.least && too_wide(rule, widths) == 0) return {stop_reason::width, processes};
  if (rule.budget && fitting(*rule.budget, processes, seconds) <= processes) return {stop_reason::budget, processes};
  if (processes >= rule.most) return {stop_reason::most, processes};
  int expected = rule.most;
  if (rule.until) expected = needed_for_width(rule, processes, widths);
  if (rule.budget) expected = std::min(expected, fitting(*rule.budget, processes, seconds));
  return {std::nullopt, std::clamp(expected, processes + 1, rule.most)};
}

std::string width_text(const stop_rule& rule, const std::vector<row_width>& widths) {
  if (!rule.until) return "";
  if (widths.empty()) return "no ratio was measured";
  const std::size_t wide = too_wide(rule, widths);
  if (wide == 0) return fmt::format("{} within {}", counted(widths.size(), "ratio"), rule.until->text());
  const row_width& widest = widths.front();
  if (std::isinf(widest.share))
    return fmt::format("{} of {} not yet within {}", wide, counted(widths.size(), "ratio"), rule.until->text());
  return fmt::format("{} of {} wider than {}, the widest {} ({})", wide, counted(widths.size(), "ratio"), rule.until->text(),
                     percent(widest.share), widest.row);
}

std::string end_text(const stop_rule& rule, const run_end& end) {
  if (!rule.open() || !end.why) return "";
  const std::string after = end.processes == 1 ? "after 1 process" : fmt::format("after {} processes", end.processes);
  const std::string widths = width_text(rule, end.widths);
  const std::string and_widths = widths.empty() ? "" : ": " + widths;
  switch (*end.why) {
    case stop_reason::number: return "";
    case stop_reason::width: return fmt::format("Ended {}{}.\n", after, and_widths);
    case stop_reason::most: return fmt::format("Ended {}, the most{}.\n", after, and_widths);
    case stop_reason::budget:
      return fmt::format("Ended {}, since another would not have fitted into {}{}.\n", after,
                         spoken_duration(rule.budget->seconds()), and_widths);
  }
  return "";
}

}  // namespace tally
