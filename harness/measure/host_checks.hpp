// What of this machine makes numbers lie: its settings, its limits, what it does just now, and what the harness's own instruments
// cost on it. Reading is apart from judging: the first is of a machine or of files that a test made up, the second is arithmetic.
//
// The facts and moments are those of a record (environment.hpp), and the limits are those that make a row doubtful (quality.hpp).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/measure/environment.hpp"
#include "harness/measure/handoff_pairs.hpp"
#include "harness/measure/machine_check.hpp"

namespace tally {

struct host_reading {
  environment_facts facts;
  std::vector<int> usable;                // CPUs
  environment_moment before;              // before anything was done
  std::vector<int> runnable;              // other threads runnable, look by look, while this process slept
  environment_moment busy_from, busy_to;  // around a while in which every usable CPU was asked for
  std::vector<handoff_pair> handoffs;
  double histogram_ns = 0;  // per value recorded
};

// Each look takes 10 ms. `busy` is as long as steal and throttling need to be seen: a CPU that nobody asks for is stolen from nobody.
struct reading_effort {
  int looks = 25;
  std::chrono::milliseconds busy{500};
  int repetitions = 7;          // of the hand-off probe, per pair
  std::size_t most_pairs = 28;  // all of 8 CPUs
};
[[nodiscard]] host_reading read_host(const kernel_files&, const topology&, const reading_effort&);

// One of each subject, in the order in which they are told.
[[nodiscard]] std::vector<machine_check> host_checks(const host_reading&);

// Of what only a control group tells, where none is to be seen.
[[nodiscard]] machine_check no_control_group(std::string name);

// Its parts.
[[nodiscard]] std::vector<machine_check> setting_checks(const environment_facts&, const std::vector<int>& usable);
[[nodiscard]] std::vector<machine_check> limit_checks(const environment_facts&);
[[nodiscard]] std::vector<machine_check> moment_checks(const host_reading&);
[[nodiscard]] std::vector<machine_check> probe_checks(const host_reading&);

}  // namespace tally
