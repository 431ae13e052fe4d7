// The named suites: what is run when nobody says what to run. Data, no logic.
//
// A suite is a list of groups; a group is a cross product of strategies, workloads with their parameters, threads, modes, heap
// limits, allocators and amounts of work between operations, all written as on the command line. What a suite names and this binary or the machine lacks is listed as
// skipped.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/allocators.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/measure/topology.hpp"
#include "harness/results/row.hpp"
#include "harness/run/choices.hpp"

namespace tally {

// "4", "1,2,8", "1..8*2": numbers from 1 to `most`, in order, each once. `wanted` is what else the flag takes ("auto, or ").
// Throws usage_error.
[[nodiscard]] std::vector<int> read_counts(std::string_view flag, std::string_view text, int most, std::string_view wanted = "");

[[nodiscard]] std::string counts_text(const std::vector<int>&);  // "1,2,8"

// --threads auto: 1, 2, 4 ... physical cores, then all hardware threads.
[[nodiscard]] std::vector<int> automatic_threads(const topology&);

// Numbers of threads.
struct thread_list {
  std::vector<int> counts;  // 1 to 1024, in order; none: auto
  thread_list() = default;
  thread_list(const char* typed) : thread_list(read("--threads", typed)) {}
  // 4, 1,2,8, 1..8*2 or auto. Throws usage_error.
  [[nodiscard]] static thread_list read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const;
  friend bool operator==(const thread_list&, const thread_list&) = default;
};

// Amounts of work between operations, in ns.
struct think_list {
  std::vector<int> ns;  // 0 to most_think_ns, in order; none: no work
  think_list() = default;
  think_list(const char* typed) : think_list(read("--think", typed)) {}
  // 100, 0,50,200 or 10..10000*10. Throws usage_error.
  [[nodiscard]] static think_list read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const { return counts_text(ns); }
  friend bool operator==(const think_list&, const think_list&) = default;
};

struct suite_group {
  std::string title;  // in words
  std::vector<name_spec> strategies;
  std::vector<name_spec> workloads;
  std::vector<set_spec> sets;
  thread_list threads;
  std::vector<measure_mode> modes;
  std::vector<heap_limit> heaps;
  std::vector<allocator_choice> allocators = {};  // none: system alone
  int cores = 1;          // that a machine must have for the group to mean something; a simulated one has as many as threads
  bool simulated = true;  // false: asks what a simulation does not model, and is left out of one
  think_list thinks = {};
  std::string beside = {};  // row_spec::beside of its rows
};

// How often and how long: in each process so many windows of a row, or `briefs` times as many that are as much shorter, each in a block of
// its own. Brief ones are for what is the same in every few milliseconds, the throughput of a strategy that collects nothing: nearer in
// time to those that they are compared with, and more of them, they show smaller differences in the same time. Latencies, memory and
// promptness have tails that are rare, and collections are rare: a median of windows of which few have one would leave them out. Threads that
// share a processor take turns of milliseconds.
struct protocol {
  int processes = 5;
  int windows = 3;
  std::chrono::nanoseconds ramp{}, window{};
  int briefs = 1;
  [[nodiscard]] std::string text() const;  // "10 processes, 6 windows of 25ms or 2 of 75ms"
};

struct suite_info {
  std::string name;
  std::string summary;  // one sentence
  protocol how;
  std::vector<suite_group> groups;
  bool fixed_threads = false;  // a group's numbers of threads are part of what it asks: a simulation has as many cores
  bool baseline = true;        // every scene has it, twice; false: who reads the results compares rows with each other
};

[[nodiscard]] std::span<const suite_info> all_suites();
// Throws usage_error with the nearest name.
[[nodiscard]] const suite_info& suite_named(std::string_view name);

// Of a run that names no suite.
[[nodiscard]] const protocol& standard_protocol();

}  // namespace tally
