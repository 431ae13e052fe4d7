// `tally report`: what a results directory says, in words, for the program that makes a page of it.
#pragma once

#include <filesystem>
#include <string>

namespace tally {

// JSON (report/verdicts_json.hpp), judged from the rows as they are there; nothing in the directory is changed. Where no words can be
// made (simulated rows, a damaged file) it says why.
[[nodiscard]] std::string report_words(const std::filesystem::path& directory);

// Throws usage_error where there is no rows.jsonl.
void require_rows(const std::filesystem::path& directory);

}  // namespace tally
