#include "harness/report/think_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/results/metrics.hpp"

namespace tally {
namespace {

using works = std::map<std::uint64_t, const scene_group*>;  // by ns

// A title without the work that is in it, and the work.
std::pair<std::string, std::uint64_t> without_think(const scene_group& s) {
  const std::uint64_t ns = s.rows.front().windows.front()->think_ns;
  std::string title = s.title;
  if (const std::string work = with_think("", ns); ns != 0) title.erase(title.find(work), work.size());
  return {title, ns};
}

// None: nothing in this scene is a floor.
const row_group* floor_of(const scene_group& s, const estimator& statistics) {
  const std::string_view metric = judged_metric(s.mode).name;
  const row_group* least = nullptr;
  for (const auto& r : s.rows) {
    if (!r.never_frees() || !r.has(metric)) continue;
    const auto over = least == nullptr ? std::nullopt : statistics.ratio(r, *least, metric);
    if (least == nullptr || (over && over->ratio < 1)) least = &r;
  }
  return least;
}

std::string counting_share(const scene_group& s, const std::string& label, const estimator& statistics) {
  const row_group* floor = floor_of(s, statistics);
  const auto row = std::ranges::find_if(s.rows, [&](const row_group& r) { return r.label == label && !r.again; });
  if (floor == nullptr || row == s.rows.end()) return "-";
  const auto ratio = statistics.ratio(*floor, *row, judged_metric(s.mode).name);
  if (!ratio) return "-";
  const auto share = [](double floor_over_row) { return 100 * (1 - floor_over_row); };
  std::string text = fmt::format("{:.1f} %", share(ratio->ratio));
  if (const auto& c = ratio->confidence) text += fmt::format(" [{:.1f}, {:.1f}]", share(c->high), share(c->low));
  return text;
}

std::string share_table(const std::string& title, const works& scenes, const estimator& statistics) {
  std::vector<std::string> labels;
  for (const auto& [ns, scene] : scenes) {
    for (const auto& r : scene->rows) {
      if (!r.again && !r.never_frees() && std::ranges::find(labels, r.label) == labels.end()) labels.push_back(r.label);
    }
  }
  std::size_t first = 0;
  for (const auto& l : labels) first = std::max(first, l.size());
  std::vector<std::string> lines{fmt::format("    {:{}}", "", first)};
  for (const auto& l : labels) lines.push_back(fmt::format("    {:{}}", l, first));
  for (const auto& [ns, scene] : scenes) {
    std::vector<std::string> cells{fmt::format("{} ns", ns)};
    for (const auto& l : labels) cells.push_back(counting_share(*scene, l, statistics));
    const std::size_t width = std::ranges::max(cells, {}, &std::string::size).size();
    for (std::size_t i = 0; i < cells.size(); ++i) lines[i] += fmt::format("  {:>{}}", cells[i], width);
  }
  std::string out = fmt::format("  {}\n", title);
  for (const auto& line : lines) out += line + "\n";
  return out;
}

}  // namespace

std::string think_summary(const std::vector<scene_group>& all, const estimator& statistics) {
  std::vector<std::string> order;
  std::map<std::string, works> by_title;
  for (const auto& s : all) {
    if (s.mode != name_of(measure_mode::throughput) || floor_of(s, statistics) == nullptr) continue;
    const auto [title, ns] = without_think(s);
    if (!by_title.contains(title)) order.push_back(title);
    by_title[title].emplace(ns, &s);
  }
  std::string out;
  for (const auto& title : order) {
    if (by_title[title].size() > 1) out += share_table(title, by_title[title], statistics);
  }
  if (out.empty()) return "";
  return "What counting takes of a thread's time, by the work after each operation (1 less the\nfloor's time over the "
         "strategy's):\n" +
         out + "\n";
}

}  // namespace tally
