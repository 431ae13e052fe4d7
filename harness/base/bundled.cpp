#include "harness/base/bundled.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "harness/base/files.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

struct bundled_row {
  const char *what, *name, *in_source;
};
constexpr std::array<bundled_row, 6> bundled_rows{{{"recordings", "traces", "workloads/traces"},
                                                   {"groups of counters", "counters", "harness/counters/groups"},
                                                   {"machines", "machines", "harness/sim/machines"},
                                                   {"runtimes", "runtimes", "harness/run/runtimes"},
                                                   {"findings", "findings", "harness/run/findings"},
                                                   {"the plot program", "plots", "scripts"}}};
static_assert(bundled_rows.size() == static_cast<std::size_t>(bundled::plots) + 1);

const bundled_row& row_of(bundled b) { return bundled_rows.at(static_cast<std::size_t>(b)); }

std::vector<fs::path> places(bundled b) {
  const bundled_row& row = row_of(b);
  if (const char* data = std::getenv("TALLY_DATA"); data != nullptr && *data != '\0') return {fs::path(data) / row.name};
  std::error_code none;
  const fs::path beside = fs::read_symlink("/proc/self/exe", none).parent_path();
  std::vector<fs::path> all{beside / TALLY_SHARE / row.name, beside / "share/tally" / row.name};
  for (const fs::path& tree : {beside / TALLY_SOURCE_FROM_BUILD, fs::path(TALLY_SOURCE)}) {
    // Another folder may have one called `scripts`.
    if (fs::is_regular_file(tree / "harness/contract/strategy.hpp", none)) all.push_back(tree / row.in_source);
  }
  for (auto& p : all) p = p.lexically_normal();
  return all;
}

}  // namespace

std::optional<fs::path> bundled_folder(bundled b) {
  std::error_code none;
  for (const fs::path& p : places(b)) {
    if (fs::is_directory(p, none)) return p;
  }
  return std::nullopt;
}

std::vector<fs::path> bundled_files(bundled b, std::string_view extension) {
  std::vector<fs::path> files;
  const auto folder = bundled_folder(b);
  for (const auto& file : folder ? entries_of(*folder) : files) {
    if (file.extension() == extension) files.push_back(file);
  }
  std::ranges::sort(files);
  return files;
}

std::string bundled_missing(bundled b) {
  if (bundled_folder(b)) return {};
  std::vector<std::string> looked;
  for (const auto& p : places(b)) looked.push_back(p.string());
  return fmt::format("{}: not found; looked for {}; set TALLY_DATA to share/tally of an installed Tally", row_of(b).what,
                     fmt::join(looked, ", "));
}

}  // namespace tally
