// Is a row worth what it says? Two threads that did not run at the same time make a contended benchmark look better, not
// worse, so every row carries the evidence that its threads overlapped, and a verdict:
//
//   single     one lane: nothing to overlap with
//   serial     the workload itself allows a parallelism below 1.5: it backs no scaling claim
//   contended  the lanes ran at the same time
//   partly     they did for most of the window: the direction holds, the figure does not
//   not        they did not
//
// A doubtful row is kept and drawn hollow, and gates nothing. All arithmetic is here, free of clocks and files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/engine/engine.hpp"
#include "harness/measure/probe.hpp"

namespace tally {

// From where on what the machine does makes a row doubtful; `tally doctor` warns from there on, too.
//
// Two cores that are neither hyper-threads of each other nor one: no published machine hands a line over faster.
inline constexpr double closest_cores_ns = 12;
// The level drifts by a few per cent within a placement (125 to 141 ns in half an hour) and doubles between placements.
inline constexpr double moved_ratio = 1.5;
// A probe of a few ms that lost a tenth of its time met a scheduler.
inline constexpr double probe_lost = 0.1;
// Stolen time slows everybody; two ticks of 10 ms in a short row are within its resolution, 2 % of a long one are not.
inline constexpr double steal_limit = 0.02;

struct quality_input {
  int cpus = 1;                         // different CPUs that the lanes may use
  std::optional<double> parallelism{};  // what the workload allows, where it says
  // The row is judged by bytes: a lane that is alone for a while does not hold several times as many, as it gets several times as much
  // done, and the thread that reads them takes its time from the lanes.
  bool of_memory = false;
  std::optional<handoff_probe> before{}, after{};
  bool siblings = false;    // the lanes were put on hyper-threads of one core on purpose
  double steal_share = 0;   // of all CPU time during the row, from /proc/stat
  double throttled_ms = 0;  // in which a quota of CPU time kept the process's control group from running
  double load = 0;          // load average before the row
  int runnable = 0;         // other threads runnable before the row
};

struct row_quality {
  std::string verdict = "single";
  bool oversubscribed = false;  // more lanes than CPUs
  bool doubtful = false;
  std::vector<std::string> reasons;   // sentences; empty when there is nothing to say
  double overlap = 1;                 // share of the window in which every two lanes ran at the same time, at least
  double present = 1;                 // the least share of its window that a lane was not kept from running
  double least_cpu_share = 1;         // the least share that a lane ran; below `present` it waited by its own choice
  double fairness = 1;                // slowest lane's rate over the fastest's
  double jain = 1;                    // Jain's index of the lanes' rates: 1 all alike, 1/n one lane did it all [Jain84]
  double involuntary_per_second = 0;  // of all lanes
  double steal_share = 0;
  double load = 0;
};

[[nodiscard]] row_quality judge(const window_result&, const quality_input&);

// The window's overlap from timestamps alone: what all lanes have in common over what any of them covers; 0 to 1.
[[nodiscard]] double window_overlap(std::span<const lane_result>);
// The share of its window in which the lane was not kept from running, by other threads or by a hypervisor; 0 to 1.
[[nodiscard]] double present_share(const lane_result&, double steal_share);
// With lane shares p and q of the same window, at least p + q - 1 of it has both, however they are arranged. The mean over
// all pairs; 1 for a single lane.
[[nodiscard]] double certain_overlap(std::span<const double> present);
[[nodiscard]] double jain_index(std::span<const double> rates);
[[nodiscard]] double fairness_ratio(std::span<const double> rates);

}  // namespace tally
