// One results directory of several: no window lost, none twice, and rows of two origins (origin.hpp) never under one estimate.
//
// Each record keeps its text and gets a member `merged`: the name of its origin, the run that it is of, and the process that it was
// there. `process` is numbered anew over the runs of an origin, so that windows of one row in several runs are further processes of
// it. A window that several of the directories have, as when one of them is a merge of others, is there once. The same directories give
// the same files, in whatever order they are named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/results/by_origin.hpp"

namespace tally {

struct merged_files {
  std::string rows, config;             // rows.jsonl, config.json
  std::vector<origin_results> origins;  // what the rows say, as they are numbered now
  std::vector<std::string> order;       // the plans' rows, for each origin's summary
  std::size_t runs = 0, windows = 0;
};

class merger {
 public:
  // Reads a directory, which is only read. What is damaged there is named in complaints(), and the rest is taken.
  void add(const std::filesystem::path& directory);
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
  [[nodiscard]] std::size_t repeated() const { return repeated_; }  // windows that were there already
  [[nodiscard]] bool empty() const { return records_.empty(); }

  [[nodiscard]] merged_files files() const;

 private:
  struct kept_record {
    json record;
    std::size_t origin = 0;
    std::string run;
    int process = 0;  // there
    int block = 0;
    bool skipped = false;
  };
  struct known_run {
    json config;
    std::string started;
  };
  void read_config(const std::filesystem::path& directory);
  void check_estimates(const std::filesystem::path& directory);
  void keep(json& record, const result& r, const std::string& fallback);
  [[nodiscard]] std::vector<std::string> runs_in_order() const;
  [[nodiscard]] std::vector<std::string> planned_in(const std::vector<std::string>& runs) const;
  [[nodiscard]] json config_json(const merged_files&, const std::vector<std::size_t>& processes) const;

  origin_sorter origins_;
  std::vector<kept_record> records_;
  std::map<std::string, known_run> runs_;
  std::set<std::uint64_t> contents_;  // hashes of records as they were written by their run
  std::set<std::string> windows_;     // of records that may be alike in two runs: run, row, process, block, reason
  std::vector<std::string> complaints_;
  std::string run_;  // of the directory that is being read, if it is no merge
  std::size_t repeated_ = 0;
};

// Whether a config.json is of a merge, and not of a run.
[[nodiscard]] bool is_merge(const std::filesystem::path& directory);

}  // namespace tally
