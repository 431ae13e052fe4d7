// What the kernel shows of a machine in /proc and /sys, below a root: the machine's own, or a tree that a test made up.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/files.hpp"
#include "harness/measure/topology.hpp"

namespace tally {

class kernel_files {
 public:
  kernel_files() = default;  // this machine's
  explicit kernel_files(std::string root) : root_(std::move(root)) {}

  // All paths begin with a slash. Empty where a file can't be read.
  [[nodiscard]] std::string text(const std::string& path) const { return text_in(root_ + path).value_or(""); }
  [[nodiscard]] std::string line(const std::string& path) const { return line_of(root_ + path); }
  [[nodiscard]] bool has(const std::string& path) const {
    std::error_code unreadable;
    return std::filesystem::exists(root_ + path, unreadable);
  }
  // The names in a directory.
  [[nodiscard]] std::vector<std::string> names(const std::string& directory) const {
    std::vector<std::string> all;
    for (const auto& entry : entries_of(root_ + directory)) all.push_back(entry.filename().string());
    return all;
  }

 private:
  std::string root_;
};

}  // namespace tally
