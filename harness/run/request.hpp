// What was asked for: `tally run`'s flags as typed, kept with the results so that the same run can be made again. The plan
// (plan.hpp) gives them their meaning.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/json.hpp"

namespace tally {

struct run_request {
  std::string suite;                    // empty: made of strategies and workloads alone
  std::vector<std::string> strategies;  // empty: the suite's, or all
  std::vector<std::string> workloads;
  std::vector<std::string> sets;   // name=values
  std::vector<std::string> heaps;  // 2x, 64M
  std::vector<std::string> modes;
  std::vector<std::string> counters;  // groups of hardware counters, by name or file
  bool observe = false;               // rows that count line hand-offs, beside the others
  std::string threads;                // empty: the suite's, or auto
  std::string pin = "cores";
  std::string allocator;  // names with commas; empty: the suite's, or system
  std::string baseline = "atomic";
  std::string gc_workers = "threads";  // of a parallel collector: as many as threads, or a number
  std::string duration;                // of a window; empty: the suite's
  int processes = 0, blocks = 0;       // 0: the suite's
  std::uint64_t seed = 0;              // 0: drawn when the run starts, and kept

  friend bool operator==(const run_request&, const run_request&) = default;
};

[[nodiscard]] json to_json(const run_request&);
// Throws usage_error where a flag has a value of another type.
[[nodiscard]] run_request request_from(const json&);
// config.json of a run, checked: schema, request, binary and machine are there and of their types. `origin` ("--from DIR") opens
// the message. Throws usage_error.
[[nodiscard]] json parse_config(std::string_view text, const std::string& origin);
// The same of the one in `directory`, which `flag` named.
[[nodiscard]] json read_config(std::string_view flag, const std::filesystem::path& directory);
// What is written as config.json. Throws usage_error where a flag's value is not UTF-8 text: JSON can't hold it.
[[nodiscard]] std::string config_text(const json& config);
// The first flag in which they differ, as "--threads 1 (there: 2)"; empty if none.
[[nodiscard]] std::string first_difference(const run_request& asked, const run_request& there);

// 4, 1,2,8, 1..8*2 or auto; at least 1 and at most 1024.
[[nodiscard]] std::vector<int> thread_counts(std::string_view text, const std::vector<int>& automatic);

}  // namespace tally
