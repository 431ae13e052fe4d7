// Do observed line hand-offs and simulated line transfers agree? A model that is compared with nothing can be believed by nobody,
// and a comparison with a row whose threads did not run together compares nothing.
//
// The simulator counts every transfer of a line between caches; observed rows count those that a thread's own RMWs notice. For a
// field that is alone in its line and written by RMWs the two are the same quantity. The schedule decides much (bursts of RMWs
// by one core share one transfer), so the simulator gives a point and a band over schedules, and two figures agree when they are
// within a factor of each other: 2 is what a model of three latencies can promise, and what is asked of this one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tally {

// From the windows of an observed row.
struct observed_transfers {
  double handoffs_per_op = 0;         // of the field, or of all
  double operations = 0;              // of all windows together
  double known_share = 1;             // of the RMWs, those that could tell
  std::vector<std::string> verdicts;  // quality.verdict of the windows
  bool oversubscribed = false;
};

// From the simulation of the same row.
struct simulated_transfers {
  double transfers_per_op = 0;        // under the schedule `timed`
  std::optional<double> least, most;  // the band over schedules
};

enum class agreement_kind { agree, differ, not_comparable };

struct agreement {
  agreement_kind kind = agreement_kind::not_comparable;
  double factor = 0;                  // the larger over the smaller; 1 if both are none; 0 if not comparable
  bool within_band = false;
  std::string words;                  // "agree within 1.4x", "differ: 3.1x ...", "not comparable: ..."
};

inline constexpr double agreement_factor = 2;
// Below this, hand-offs an operation are none: one in a thousand operations is what a scheduler's interruptions make.
inline constexpr double no_transfers_per_op = 0.001;
// A figure of fewer events than this is known to worse than 10 % (the spread of a count is about its square root).
inline constexpr double least_handoffs = 100;

[[nodiscard]] agreement compare_transfers(const observed_transfers&, const simulated_transfers&);

// The observed side from records of one row (role "observed"), all fields or one. Windows that are not ok are left out.
[[nodiscard]] observed_transfers observed_from(const std::vector<nlohmann::ordered_json>& records, const std::string& field = "");

[[nodiscard]] const char* name_of(agreement_kind);   // "agree", "differ", "not comparable"

}  // namespace tally
