// A folder with files that a test made up, gone with its object.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tally {

class made_up_tree {
 public:
  made_up_tree() : root_(std::filesystem::temp_directory_path() / fmt::format("tally_tree_{}_{}", getpid(), ++made_)) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~made_up_tree() { std::filesystem::remove_all(root_); }
  made_up_tree(const made_up_tree&) = delete;
  made_up_tree& operator=(const made_up_tree&) = delete;

  // `path` may begin with a slash. The text's last line is ended.
  void file(const std::string& path, const std::string& text) const {
    const auto at = where(path);
    std::filesystem::create_directories(at.parent_path());
    std::ofstream(at) << text << "\n";
  }
  void remove(const std::string& path) const { std::filesystem::remove_all(where(path)); }
  [[nodiscard]] std::string path() const { return root_.string(); }

 private:
  [[nodiscard]] std::filesystem::path where(const std::string& path) const {
    return root_ / std::filesystem::path(path).relative_path();
  }
  static inline int made_ = 0;
  std::filesystem::path root_;
};

}  // namespace tally
