#include "harness/report/sim_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tally::sim {
namespace {

std::string shortened(double v) {
  if (v >= 999.5e6) return fmt::format("{:.3g} G", v * 1e-9);
  if (v >= 999.5e3) return fmt::format("{:.3g} M", v * 1e-6);
  if (v >= 999.5) return fmt::format("{:.3g} k", v * 1e-3);
  return fmt::format("{:.3g}", v);
}

std::string times(double ratio) { return ratio >= 10 ? fmt::format("{:.0f} times", ratio) : fmt::format("{:.2g} times", ratio); }

std::string band(const result& r) {
  const metric_value* m = r.find("transfers_per_op");
  if (m == nullptr || !m->value) return "-";
  const double point = *m->value, low = m->low.value_or(point), high = m->high.value_or(point);
  if (high - low < 0.005) return fmt::format("{:.2f}", point);
  return fmt::format("{:.2f} [{:.2f}-{:.2f}]", point, low, high);
}

// The field whose lines move most, and its share.
std::string busiest(const result& r) {
  double total = 0, most = 0;
  std::string name;
  for (const auto& f : r.fields) {
    total += f.transfers;
    if (f.transfers > most) most = f.transfers, name = f.name;
  }
  return total == 0 ? "" : fmt::format("\"{}\" {:.0f} %", name, 100 * most / total);
}

using row_list = std::vector<const result*>;

std::string table(const std::vector<std::string>& strategies, const std::vector<int>& cores,
                  const std::map<std::string, std::map<int, const result*>>& rows, auto&& cell) {
  std::size_t first = 8;
  for (const auto& s : strategies) first = std::max(first, s.size());
  std::vector<std::size_t> widths;
  for (const int c : cores) {
    std::size_t w = std::to_string(c).size();
    for (const auto& s : strategies) {
      if (const auto at = rows.at(s).find(c); at != rows.at(s).end()) w = std::max(w, cell(*at->second).size());
    }
    widths.push_back(w);
  }
  std::string out = fmt::format("    {:{}}", "cores", first);
  for (std::size_t i = 0; i < cores.size(); ++i) out += fmt::format("  {:>{}}", cores[i], widths[i]);
  out += "\n";
  for (const auto& s : strategies) {
    out += fmt::format("    {:{}}", s, first);
    for (std::size_t i = 0; i < cores.size(); ++i) {
      const auto at = rows.at(s).find(cores[i]);
      out += fmt::format("  {:>{}}", at == rows.at(s).end() ? "-" : cell(*at->second), widths[i]);
    }
    out += "\n";
  }
  return out;
}

std::string words(const std::string& s, const std::map<int, const result*>& by_cores, const result* base) {
  const result& last = *by_cores.rbegin()->second;
  const int most = by_cores.rbegin()->first;
  std::string out =
      fmt::format("    {} at {} core{}: {} line transfers per operation", s, most, most == 1 ? "" : "s", band(last));
  if (const std::string b = busiest(last); !b.empty()) out += fmt::format(", most of them for {}", b);
  if (const double failed = last.number_or("failed_cas_per_op", 0); failed >= 0.005)
    out += fmt::format("; {:.2f} failed CAS", failed);
  const result& first = *by_cores.begin()->second;
  const double gain = last.number_or("ops_per_second", 0) / std::max(1e-9, first.number_or("ops_per_second", 0));
  if (by_cores.size() > 1)
    out +=
        fmt::format("; {} the speed of {} core{}", times(gain), by_cores.begin()->first, by_cores.begin()->first == 1 ? "" : "s");
  if (base != nullptr && base != &last) {
    out += fmt::format("; {} the baseline's",
                       times(last.number_or("ops_per_second", 0) / std::max(1e-9, base->number_or("ops_per_second", 0))));
  }
  return out + "\n";
}

}  // namespace

std::string summary_text(const std::vector<result>& results, const std::string& baseline, int measured_cores) {
  std::vector<std::string> workloads;
  std::map<std::string, row_list> scenes;
  std::string out;
  for (const auto& r : results) {
    if (r.status == row_status::error) out += fmt::format("FAILED {}: {}\n", r.row, r.reason);
    if (r.status != row_status::ok && r.status != row_status::exhausted) continue;
    if (!scenes.contains(r.workload)) workloads.push_back(r.workload);
    scenes[r.workload].push_back(&r);
  }
  bool beyond = false;
  for (const auto& w : workloads) {
    std::vector<std::string> strategies;
    std::map<std::string, std::map<int, const result*>> rows;
    std::vector<int> cores;
    for (const result* r : scenes[w]) {
      const std::string s = r->strategy + (r->heap_limit_bytes == 0 ? "" : fmt::format("@{}", r->heap_limit_bytes));
      const int c = static_cast<int>(r->threads);
      if (!rows.contains(s)) strategies.push_back(s);
      rows[s][c] = r;
      if (std::ranges::find(cores, c) == cores.end()) cores.push_back(c);
    }
    std::ranges::sort(cores);
    beyond = beyond || cores.back() > measured_cores;
    out += fmt::format("{}\n  line transfers per operation (simulated; in brackets: over the schedules)\n", w);
    out += table(strategies, cores, rows, band);
    out += "  operations per second (modelled)\n";
    out += table(strategies, cores, rows, [](const result& r) { return shortened(r.number_or("ops_per_second", 0)); });
    for (const auto& s : strategies) {
      const result* base = nullptr;
      if (const auto b = rows.find(baseline); b != rows.end() && b->second.contains(rows[s].rbegin()->first)) {
        base = b->second.at(rows[s].rbegin()->first);
      }
      out += words(s, rows[s], base);
    }
    out += "\n";
  }
  if (beyond) {
    out += fmt::format(
        "Operations per second are derived from counts and latencies (class modelled); beyond {} core{}, which this machine "
        "has, they are extrapolated beyond {} measured core{}.\n",
        measured_cores, measured_cores == 1 ? "" : "s", measured_cores, measured_cores == 1 ? "" : "s");
  }
  return out;
}

}  // namespace tally::sim
