// Text files in which every figure or choice says where it comes from: a line is KEY = VALUE [SOURCE], and # begins a comment. Some
// keys of a file may be its own words, and need no source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tally {

// Without the blanks around it.
[[nodiscard]] std::string_view trimmed(std::string_view);

struct sourced_line {
  unsigned line = 0;
  std::string key, value, source;
};

// Throws usage_error with the label and the line for what is no such line.
class sourced_lines {
 public:
  using key_test = bool (*)(std::string_view key);
  sourced_lines(std::string_view text, std::string label, key_test needs_none = [](std::string_view) { return false; });
  [[nodiscard]] const std::vector<sourced_line>& all() const { return lines_; }
  // What its first comment says, to the first empty line, as one line.
  [[nodiscard]] const std::string& about() const { return about_; }
  // line 0: of the file as a whole.
  [[noreturn]] void refuse(unsigned line, const std::string& why) const;

 private:
  void one(std::string_view text, unsigned line);
  key_test needs_none_;
  std::string label_, about_;
  std::vector<sourced_line> lines_;
};

}  // namespace tally
