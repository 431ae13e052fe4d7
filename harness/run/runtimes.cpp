#include "harness/run/runtimes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/base/bundled.hpp"
#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"

namespace tally {

runtime parse_runtime(std::string_view text, const std::string& label) {
  const sourced_lines lines(text, label);
  runtime r;
  r.name = std::filesystem::path(label).stem().string();
  r.summary = lines.about();
  if (r.summary.empty()) lines.refuse(0, "its first lines say what it is: # ...");
  for (const sourced_line& l : lines.all()) {
    if (l.key == "differs") {
      r.differences.push_back(l);
      continue;
    }
    auto& where = l.key == "header" ? r.header : r.choices;
    const auto first = std::ranges::find(where, l.key, &sourced_line::key);
    if (first != where.end()) lines.refuse(l.line, fmt::format("{} stands in line {} already", l.key, first->line));
    where.push_back(l);
    if (l.key == "strategy") {
      r.strategy.name = l.value;
    } else if (l.key != "header") {
      r.strategy.options.emplace_back(l.key, l.value);
    }
  }
  if (r.strategy.name.empty()) lines.refuse(0, "strategy is missing");
  return r;
}

std::vector<std::string> runtime_names() {
  std::vector<std::string> names;
  for (const auto& file : bundled_files(bundled::runtimes, ".runtime")) names.push_back(file.stem().string());
  return names;
}

std::optional<runtime> find_runtime(const std::string& name) {
  for (const auto& file : bundled_files(bundled::runtimes, ".runtime")) {
    if (file.stem() != name) continue;
    const auto text = text_in(file);
    if (!text) throw usage_error(fmt::format("{}: can't be read", file.string()));
    return parse_runtime(*text, file.filename().string());
  }
  return std::nullopt;
}

}  // namespace tally
