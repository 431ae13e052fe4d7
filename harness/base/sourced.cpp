#include "harness/base/sourced.hpp"

#include <fmt/format.h>

#include <utility>

#include "harness/base/errors.hpp"

namespace tally {
namespace {

// A # inside of a word, as a source may have it, begins none.
std::string_view without_comment(std::string_view s) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '#' && (i == 0 || s[i - 1] == ' ' || s[i - 1] == '\t')) return s.substr(0, i);
  }
  return s;
}

}  // namespace

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(" \t\r") - first + 1);
}

sourced_lines::sourced_lines(std::string_view text, std::string label, key_test needs_none)
    : needs_none_(needs_none), label_(std::move(label)) {
  bool at_top = true;
  for (unsigned line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    const std::string_view here = trimmed(text.substr(0, end));
    at_top = at_top && here.starts_with('#');
    if (at_top) about_ += fmt::format("{}{}", about_.empty() ? "" : " ", trimmed(here.substr(1)));
    one(here, line);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

void sourced_lines::refuse(unsigned line, const std::string& why) const {
  throw usage_error(line == 0 ? fmt::format("{}: {}", label_, why) : fmt::format("{}:{}: {}", label_, line, why));
}

void sourced_lines::one(std::string_view text, unsigned line) {
  text = trimmed(without_comment(text));
  if (text.empty()) return;
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) refuse(line, fmt::format("\"{}\" is not KEY = VALUE [SOURCE]", text));
  const std::string key(trimmed(text.substr(0, equals)));
  const std::string_view rest = trimmed(text.substr(equals + 1));
  if (needs_none_(key)) {
    lines_.push_back({line, key, std::string(rest), ""});
    return;
  }
  const auto open = rest.rfind('[');
  if (open == std::string_view::npos || rest.back() != ']' || rest.size() - open < 3) {
    refuse(line, fmt::format("{} has no source: KEY = VALUE [SOURCE]", key));
  }
  const std::string source(rest.substr(open + 1, rest.size() - open - 2));
  if (source.find_first_of(" ]") != std::string::npos) refuse(line, fmt::format("\"{}\" is not one source", source));
  lines_.push_back({line, key, std::string(trimmed(rest.substr(0, open))), source});
}

}  // namespace tally
