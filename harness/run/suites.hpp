// The named suites: what is run when nobody says what to run. Data, no logic.
//
// A suite is a list of groups; a group is a cross product of strategies, workloads with their parameters, threads, modes, heap
// limits and allocators, all written as on the command line. What a suite names and this binary or the machine lacks is listed as
// skipped.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

struct suite_group {
  std::string title;  // in words
  std::vector<std::string> strategies;
  std::vector<std::string> workloads;
  std::vector<std::string> sets;
  std::string threads;  // "1", "auto", "1,2"
  std::vector<std::string> modes;
  std::vector<std::string> heaps;
  std::vector<std::string> allocators = {};  // none: system alone
};

// How often and how long: processes x blocks windows of each row.
struct protocol {
  int processes = 5;
  int blocks = 3;
  std::string ramp;
  std::string window;
};

struct suite_info {
  std::string name;
  std::string summary;  // one sentence
  protocol how;
  std::vector<suite_group> groups;
};

[[nodiscard]] std::span<const suite_info> all_suites();
// Throws usage_error with the nearest name.
[[nodiscard]] const suite_info& suite_named(std::string_view name);

// Of a run that names no suite.
[[nodiscard]] const protocol& standard_protocol();

// Intervals are given from this many processes on [Kalibera13]; below, a run is a smoke run.
inline constexpr int citable_processes = 5;

}  // namespace tally
