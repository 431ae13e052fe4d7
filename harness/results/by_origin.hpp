// The results of a directory, those of each origin apart: what is read together is of one machine and one binary.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/results/origin.hpp"
#include "harness/results/result.hpp"

namespace tally {

struct origin_results {
  row_origin origin;
  std::vector<result> results;
};

struct sorted_results {
  std::vector<origin_results> origins;  // in the file's order
  std::vector<std::string> damaged;     // a sentence about each line that is left out
};

// Of a rows.jsonl, which is only read. A record that does not say its origin (a failure, a skipped row) is of that of the record
// above it or, in a merged file, of the one that it names. Throws results_error where the file can't be read.
[[nodiscard]] sorted_results load_by_origin(const std::filesystem::path& rows);

// Sorts records into origins as they come.
class origin_sorter {
 public:
  // The index of the record's origin in origins(); `named` is result::origin.
  std::size_t place(const json& record, const std::string& named);
  [[nodiscard]] const std::vector<row_origin>& origins() const { return origins_; }

 private:
  std::vector<row_origin> origins_;
  std::vector<std::string> names_;  // "": of records that neither say it nor name it
  std::vector<bool> known_;         // whether a record has said it
  std::size_t last_ = 0;
};

}  // namespace tally
