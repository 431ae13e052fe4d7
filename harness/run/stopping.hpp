// How many processes a run has: a number that is known before, or as many as its intervals need (--until) or a time allows (--budget).
//
// What ends a run is how wide its intervals are, never whether they exclude 1: a run that stopped at the first difference would find
// one in the end wherever it looks. Fixed-width intervals keep what they promise as the width goes to 0 [ChowRobbins65], and with few
// processes less often (docs/methodology.md, "How many processes").
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/result.hpp"

namespace tally {

// --until: an interval that reaches from 1/(1 + share) to 1 + share times its middle, or is narrower, is narrow enough.
struct interval_width {
  double share = 0;
  // 2%, 0.5%. Throws usage_error.
  [[nodiscard]] static interval_width read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const interval_width&, const interval_width&) = default;
};

// --budget: a time for all of a run.
struct time_budget {
  std::chrono::nanoseconds time{};
  // 90s, 5m, 2h. Throws usage_error.
  [[nodiscard]] static time_budget read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(time).count(); }
  friend bool operator==(const time_budget&, const time_budget&) = default;
};

// With --until and without --budget. Widths shrink with the root of the number: who needs more than 30 halves what is left with 120,
// and is better served by longer windows or a quieter machine.
inline constexpr int most_until = 30;
inline constexpr int most_processes = 1000;

struct stop_rule {
  int least = 0;  // before which --until ends nothing
  int most = 0;
  int planned = 0;  // the most, and no more than the budget has room for, as far as is known before
  std::optional<interval_width> until;
  std::optional<time_budget> budget;
  // Whether the number is found as the run goes on.
  [[nodiscard]] bool open() const { return until || budget; }
  // "5 processes", "5 to 30 processes, until each ratio is within 2%".
  [[nodiscard]] std::string text() const;
};

// Of a run that asks for so many processes (or nothing, and its suite has `standard`), whose processes take about `process_s`.
[[nodiscard]] stop_rule make_stop_rule(std::optional<int> asked, int standard, const std::optional<interval_width>&,
                                       const std::optional<time_budget>&, double process_s);

// A compared row's ratio to its baseline: half of its interval's width, as a share; infinite where there is no interval yet.
struct row_width {
  std::string row;
  double share = 0;
};
// Of all rows that are compared with a baseline, its second measurement included, the widest first. `order`: keys as planned.
[[nodiscard]] std::vector<row_width> ratio_widths(const std::vector<result>&, const std::vector<std::string>& order);

// What ended a run: its number of processes, the width of its intervals, the most that --until allows, or its time.
enum class stop_reason { number, width, most, budget };
inline constexpr std::array<std::string_view, 4> stop_names{"processes", "until", "most", "budget"};
static_assert(stop_names.size() == static_cast<std::size_t>(stop_reason::budget) + 1);

struct stop_decision {
  std::optional<stop_reason> why;  // nothing: another process
  int expected = 0;                // processes in all, as far as can be told
};
// After `processes` whole ones, which took `seconds` together.
[[nodiscard]] stop_decision decide(const stop_rule&, int processes, double seconds, const std::vector<row_width>&);

// How a run ended, or stands: what config.json keeps and the summary tells.
struct run_end {
  std::optional<stop_reason> why;  // nothing: it was interrupted
  int processes = 0;               // whole ones
  double seconds = 0;              // of all sessions of the run
  std::vector<row_width> widths;   // where the rule asks for them
};
// "3 of 12 ratios are wider than 2%, the widest 4.5% (biased|copy_drop|2|throughput)"; "" without --until.
[[nodiscard]] std::string width_text(const stop_rule&, const std::vector<row_width>&);
// A line; "" of a run whose number of processes was known.
[[nodiscard]] std::string end_text(const stop_rule&, const run_end&);

}  // namespace tally
