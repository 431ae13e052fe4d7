#include "harness/report/sim_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/base/text.hpp"

namespace tally::sim {
namespace {

std::string shortened(double v) {
  if (v >= 999.5e6) return fmt::format("{:.3g} G", v * 1e-9);
  if (v >= 999.5e3) return fmt::format("{:.3g} M", v * 1e-6);
  if (v >= 999.5) return fmt::format("{:.3g} k", v * 1e-3);
  return fmt::format("{:.3g}", v);
}

std::string times(double ratio) { return ratio >= 10 ? fmt::format("{:.0f} times", ratio) : fmt::format("{:.2g} times", ratio); }

constexpr const char* unsettled = "not settled";

std::string band(const result& r) {
  if (!r.unsettled.empty()) return unsettled;
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

double speed(const result& r) { return r.number_or("ops_per_second", 0); }
bool comparable(const result& a, const result& b) { return &a != &b && a.unsettled.empty() && b.unsettled.empty(); }

std::string words(const std::string& s, const std::map<int, const result*>& by_cores, const result* base) {
  const result& last = *by_cores.rbegin()->second;
  const std::string where = counted(static_cast<std::size_t>(by_cores.rbegin()->first), "core");
  if (!last.unsettled.empty()) return fmt::format("    {} at {}: not settled {}\n", s, where, last.unsettled);
  std::string out = fmt::format("    {} at {}: {} line transfers per operation", s, where, band(last));
  if (const std::string b = busiest(last); !b.empty()) out += fmt::format(", most of them for {}", b);
  if (const double failed = last.number_or("failed_cas_per_op", 0); failed >= 0.005)
    out += fmt::format("; {:.2f} failed CAS", failed);
  const result& first = *by_cores.begin()->second;
  if (comparable(last, first)) {
    out += fmt::format("; {} the speed of {}", times(speed(last) / std::max(1e-9, speed(first))),
                       counted(static_cast<std::size_t>(by_cores.begin()->first), "core"));
  }
  if (base != nullptr && comparable(last, *base)) {
    out += fmt::format("; {} the baseline's", times(speed(last) / std::max(1e-9, speed(*base))));
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
      const std::string s = r->label();
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
    out += table(strategies, cores, rows, [](const result& r) { return r.unsettled.empty() ? shortened(speed(r)) : unsettled; });
    for (const auto& s : strategies) {
      const result* base = nullptr;
      if (const auto b = rows.find(baseline); b != rows.end() && b->second.contains(rows[s].rbegin()->first)) {
        base = b->second.at(rows[s].rbegin()->first);
      }
      out += words(s, rows[s], base);
    }
    out += "\n";
  }
  if (const auto n = std::ranges::count_if(results, [](const result& r) { return !r.unsettled.empty(); }); n != 0) {
    out += fmt::format(
        "{} not settled: what a longer window would have cost is not in them, and they are compared with nothing. Longer "
        "windows:\n"
        "--most-accesses, or --ops.\n",
        n == 1 ? "1 row has" : fmt::format("{} rows have", n));
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
