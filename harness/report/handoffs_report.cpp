#include "harness/report/handoffs_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/base/text.hpp"
#include "harness/measure/statistics.hpp"

namespace tally {
namespace {

struct observed_row {
  std::string name;
  std::map<std::string, std::vector<double>> values;  // by metric
  std::size_t windows = 0, doubtful = 0;
  std::string failure;
};

std::string figure(const observed_row& r, const char* metric, const char* unit = "") {
  const auto found = r.values.find(metric);
  return found == r.values.end() ? "-" : fmt::format("{:.3g}{}", median(found->second), unit);
}

std::string row_text(const observed_row& r, std::size_t width) {
  if (r.values.empty()) return fmt::format("    {:{}}  failed: {}\n", r.name, width, r.failure);
  constexpr std::string_view prefix = "handoffs_per_op.";
  std::string fields;
  for (const auto& [metric, values] : r.values) {
    const double v = median(values);
    if (metric.starts_with(prefix) && v >= 0.0005) fields += fmt::format(" {} {:.3g}", metric.substr(prefix.size()), v);
  }
  // Of the median, so that the two columns say the same: a window with a single hand-off would rule a median of quotients.
  const auto rate = r.values.find("handoffs_per_op");
  const double per_op = rate == r.values.end() ? 0 : median(rate->second);
  const std::string ops = per_op > 0 ? fmt::format("{:.3g}", 1 / per_op) : "-";
  std::string line = fmt::format("    {:{}}  {:>8}  {:>12}  {:>10}  {:>10} {}", r.name, width, figure(r, "handoffs_per_op"), ops,
                                 figure(r, "rmws_per_op"), figure(r, "handoff_latency", " ns"), fields);
  if (r.doubtful != 0) line += fmt::format("  doubtful in {} of {} windows", r.doubtful, r.windows);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string handoffs_summary(const std::vector<result>& results, const std::vector<std::string>& order) {
  std::vector<std::string> titles;
  std::map<std::string, std::vector<observed_row>> scenes;
  std::size_t width = 0;
  for (const result* r : in_order(results, order)) {
    if (r->role != row_role::observed) continue;
    const std::string title = r->title(), name = r->label();
    if (!scenes.contains(title)) titles.push_back(title);
    auto& rows = scenes[title];
    auto row = std::ranges::find(rows, name, &observed_row::name);
    if (row == rows.end()) row = rows.insert(rows.end(), {name, {}, 0, 0, ""});
    width = std::max(width, name.size());
    ++row->windows;
    if (!r->has_metrics()) {
      row->failure = r->reason;
      continue;
    }
    row->doubtful += r->doubtful ? 1 : 0;
    for (const auto& m : r->metrics) {
      if (m.value) row->values[m.name].push_back(*m.value);
    }
  }
  if (titles.empty()) return "";
  std::string out = "Observed line hand-offs, a lower bound of the transfers; medians over the windows:\n";
  for (const auto& title : titles) {
    out += fmt::format("  {}\n    {:{}}  {:>8}  {:>12}  {:>10}  {:>10}   by field\n", title, "", width, "per op", "ops/hand-off",
                       "RMWs/op", "latency");
    for (const auto& row : scenes[title]) out += row_text(row, width);
  }
  return out + "\n";
}

}  // namespace tally
