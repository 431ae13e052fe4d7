// Do the line hand-offs that were observed on a machine and those that the simulator counts agree? A model that is compared
// with nothing can be believed by nobody, and a comparison with a window whose threads did not run together compares nothing.
//
// Both sides are the same quantity: read-modify-writes that find their word written by somebody else since their own thread
// wrote it (handoffs.hpp), of the same fields, an operation. Both are less than the line transfers, which loads and plain
// stores make, too, and which only the simulator sees. The schedule decides much (bursts of RMWs by one core share one
// ownership), so the simulator gives a point and a band over schedules. Two figures agree when they are within a factor of each
// other: 2 is what a model of three latencies can promise, and what is asked of this one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/results/result.hpp"

namespace tally {

// From the windows of an observed row. Those that were not contended are left out: what they say is true of no schedule.
struct observed_handoffs {
  double per_op = 0;                 // the median over the windows
  double least = 0, most = 0;        // over the windows
  double operations = 0;             // of all windows together
  double rmws = 0, known_share = 1;  // RMWs, and of them those that could tell
  double latency_ns = 0;             // of a hand-off, one way, as probed; the median; 0: not probed
  std::size_t windows = 0, left_out = 0;
  std::string verdict;  // of a window that was left out
  bool oversubscribed = false;
  std::vector<std::string> fields;  // whose RMWs were watched
};

// From the simulation of the same row, of the same fields.
struct simulated_handoffs {
  double per_op = 0;                  // under the schedule that is the point
  std::optional<double> least, most;  // the band over schedules
  bool settled = true;
};

enum class agreement_kind { agree, differ, not_comparable };

struct agreement {
  agreement_kind kind = agreement_kind::not_comparable;
  double factor = 0;  // the larger over the smaller; 1 if both are none; 0 if one is, or not comparable
  bool within_band = false;
  std::string words;  // "agree within 1.4x", "differ: 3.1x ...", "not comparable: ..."
};

inline constexpr double agreement_factor = 2;
// Below this, hand-offs an operation are none: one in a thousand operations is what a scheduler's interruptions make.
inline constexpr double no_handoffs_per_op = 0.001;
// A figure of fewer events than this is known to worse than 10 % (the spread of a count is about its square root).
inline constexpr double least_handoffs = 100;

[[nodiscard]] agreement compare_handoffs(const observed_handoffs&, const simulated_handoffs&);

// The observed side from the windows of one row (role "observed"). Windows that failed are left out without a word.
[[nodiscard]] observed_handoffs observed_from(const std::vector<result>& windows);

[[nodiscard]] const char* name_of(agreement_kind);  // "agree", "differ", "not comparable"

}  // namespace tally
