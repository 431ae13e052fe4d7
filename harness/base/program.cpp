#include "harness/base/program.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace tally {
namespace {

namespace fs = std::filesystem;

std::string& called_name() {
  static std::string as = "tally";
  return as;
}

}  // namespace

std::string shell_word(std::string_view word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void called_as(const char* argv0) { called_name() = shell_word(argv0); }

std::string command_of(std::initializer_list<std::string_view> words) {
  std::string line = called_name();
  for (const auto& w : words) line += ' ' + shell_word(w);
  return line;
}

std::string with_program(std::string_view text) {
  constexpr std::string_view mark = "{tally}";
  std::string out(text);
  for (auto at = out.find(mark); at != std::string::npos; at = out.find(mark, at)) {
    out.replace(at, mark.size(), called_name());
    at += called_name().size();
  }
  return out;
}

std::string rebuilding(std::string_view option) {
  std::error_code none;
  const fs::path folder = fs::read_symlink("/proc/self/exe", none).parent_path();
  if (!fs::is_regular_file(folder / "CMakeCache.txt", none)) {
    return option.empty() ? "build it again" : fmt::format("build it with {}", option);
  }
  const fs::path near = fs::proximate(folder, none);
  const std::string there = shell_word(!near.empty() && !near.native().starts_with("..") ? near.native() : folder.native());
  return fmt::format("cmake {}{}{} && cmake --build {} --target tally", there, option.empty() ? "" : " ", option, there);
}

}  // namespace tally
