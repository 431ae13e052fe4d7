#pragma once

#include <dirent.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

namespace tally {

// What is in a directory, in no order; nothing where it can't be read. Throws std::bad_alloc. Not the library's iterator: without
// memory libstdc++'s ends the process at some points, with an error_code or without.
[[nodiscard]] inline std::vector<std::filesystem::path> entries_of(const std::filesystem::path& directory) {
  struct closer {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  std::vector<std::filesystem::path> all;
  const std::unique_ptr<DIR, closer> open(::opendir(directory.c_str()));
  if (open == nullptr) {
    if (errno == ENOMEM) throw std::bad_alloc();
    return all;
  }
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") all.push_back(directory / name);
  }
  return all;
}

}  // namespace tally
