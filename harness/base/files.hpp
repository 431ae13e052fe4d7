// Files and directories that somebody named: read, and written whole or not at all.
#pragma once

#include <dirent.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

// A file's bytes; nothing where they can't be read. A directory opens like a file, and the library throws at its first byte.
[[nodiscard]] inline std::optional<std::string> text_in(const std::filesystem::path& path) {
  std::ifstream in(path);
  try {
    if (in) return std::string{std::istreambuf_iterator<char>(in), {}};
  } catch (const std::ios_base::failure&) {}
  return std::nullopt;
}

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

// Throws results_error that names the file and what errno said.
[[noreturn]] void refused(const std::filesystem::path&, int error);
// All of it, on the disk; 0 or the error.
[[nodiscard]] int write_durably(int descriptor, const std::string& text);
// Writes a small file whole: under another name first, then renamed. Throws results_error.
void write_whole(const std::filesystem::path&, const std::string& text);

}  // namespace tally
