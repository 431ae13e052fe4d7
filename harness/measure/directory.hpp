#pragma once

#include <filesystem>
#include <vector>

namespace tally {

// What is in a directory, in no order; nothing where it can't be read. Throws std::bad_alloc: the library's own iterator, given
// an error_code, is noexcept and ends the process instead.
[[nodiscard]] inline std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> all;
  try {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) all.push_back(entry.path());
  } catch (const std::filesystem::filesystem_error&) {
  }
  return all;
}

}  // namespace tally
