// rows.jsonl: one JSON record a line, on the disk before the next window starts.
//
// A line is written whole or not at all: a write that fails half-way is cut off again. What a killed run or a full disk left
// behind it, a last line without its end, is set aside in rows.damaged when the file is opened, and said.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/base/errors.hpp"
#include "harness/results/result.hpp"

namespace tally {

class results_file {
 public:
  // Creates the file or goes on at its end. Nobody else can as long as this is there: usage_error, which says who holds it.
  // Throws results_error where it can't be written.
  explicit results_file(const std::filesystem::path&);
  ~results_file();
  results_file(const results_file&) = delete;
  results_file& operator=(const results_file&) = delete;
  // Throws results_error; the file then holds the lines before this one, or it was removed.
  void append(const json& record);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

struct loaded_results {
  std::vector<result> results;
  std::string message;  // what was left out or set aside, by file and line; empty: nothing
};

// What becomes of a damaged last line: it is left out and where it is, or moved to rows.damaged beside the file, which is for those
// alone who go on writing and have a results_file of it in hand.
enum class damaged_end { left_out, set_aside };

// Reads all results; the file may still be written to. Throws results_error where an earlier line than the last is damaged, or where
// the rows are of several origins (`tally merge`), and usage_error for records of another schema.
[[nodiscard]] loaded_results load_results(const std::filesystem::path&, damaged_end = damaged_end::left_out);

// The lines that can be used, in order, each as it stands there and as what it says; of a file that nothing is done to. What is
// returned names each other line with its number and why: it is no record, of another schema, not of its origin, or there already.
// Throws results_error where the file can't be read.
[[nodiscard]] std::vector<std::string> each_record(const std::filesystem::path&, const std::function<void(json&, result&)>& use);

}  // namespace tally
