#include "harness/report/sim_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/measure/agreement.hpp"

namespace tally::sim {
namespace {

std::string shortened(double v) {
  if (v >= 999.5e6) return fmt::format("{:.3g} G", v * 1e-9);
  if (v >= 999.5e3) return fmt::format("{:.3g} M", v * 1e-6);
  if (v >= 999.5) return fmt::format("{:.3g} k", v * 1e-3);
  return fmt::format("{:.3g}", v);
}

std::string times(double ratio) { return ratio >= 10 ? fmt::format("{:.0f} times", ratio) : fmt::format("{:.2g} times", ratio); }

std::string band(const json& r) {
  const auto& m = r.at("metrics").at("transfers_per_op");
  const double point = m.at("value"), low = m.at("low"), high = m.at("high");
  if (high - low < 0.005) return fmt::format("{:.2f}", point);
  return fmt::format("{:.2f} [{:.2f}-{:.2f}]", point, low, high);
}

// The field whose lines move most, and its share.
std::string busiest(const json& r) {
  double total = 0, most = 0;
  std::string name;
  for (const auto& [field, t] : r.at("simulation").at("fields").items()) {
    const double n = t.value("transfers", 0.0);
    total += n;
    if (n > most) most = n, name = field;
  }
  return total == 0 ? "" : fmt::format("\"{}\" {:.0f} %", name, 100 * most / total);
}

using row_list = std::vector<const json*>;

std::string table(const std::vector<std::string>& strategies, const std::vector<int>& cores, const std::map<std::string, std::map<int, const json*>>& rows,
                  auto&& cell) {
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

std::string words(const std::string& s, const std::map<int, const json*>& by_cores, const json* base) {
  const json& last = *by_cores.rbegin()->second;
  const int most = by_cores.rbegin()->first;
  std::string out = fmt::format("    {} at {} core{}: {} line transfers an operation", s, most, most == 1 ? "" : "s", band(last));
  if (const std::string b = busiest(last); !b.empty()) out += fmt::format(", most of them for {}", b);
  if (const double failed = metric_of(last, "failed_cas_per_op"); failed >= 0.005) out += fmt::format("; {:.2f} failed CAS", failed);
  const json& first = *by_cores.begin()->second;
  const double gain = metric_of(last, "ops_per_second") / std::max(1e-9, metric_of(first, "ops_per_second"));
  if (by_cores.size() > 1) out += fmt::format("; {} the speed of {} core{}", times(gain), by_cores.begin()->first, by_cores.begin()->first == 1 ? "" : "s");
  if (base != nullptr && base != &last) {
    out += fmt::format("; {} the baseline's", times(metric_of(last, "ops_per_second") / std::max(1e-9, metric_of(*base, "ops_per_second"))));
  }
  return out + "\n";
}

}  // namespace

std::string summary_text(const std::vector<json>& records, const std::string& baseline, int measured_cores) {
  std::vector<std::string> workloads;
  std::map<std::string, row_list> scenes;
  std::string out;
  for (const auto& r : records) {
    if (r.at("status") == "error") out += fmt::format("FAILED {}: {}\n", r.at("row").get<std::string>(), r.at("reason").get<std::string>());
    if (r.at("status") != "ok" && r.at("status") != "exhausted") continue;
    const std::string w = r.at("config").at("workload").at("label");
    if (!scenes.contains(w)) workloads.push_back(w);
    scenes[w].push_back(&r);
  }
  bool beyond = false;
  for (const auto& w : workloads) {
    std::vector<std::string> strategies;
    std::map<std::string, std::map<int, const json*>> rows;
    std::vector<int> cores;
    for (const json* r : scenes[w]) {
      std::string s = r->at("config").at("strategy").at("label");
      if (const auto& heap = r->at("config").at("heap"); !heap.at("limit_bytes").is_null()) {
        s += fmt::format("@{}", heap.at("limit_bytes").get<std::uint64_t>());
      }
      const int c = r->at("config").at("threads");
      if (!rows.contains(s)) strategies.push_back(s);
      rows[s][c] = r;
      if (std::ranges::find(cores, c) == cores.end()) cores.push_back(c);
    }
    std::ranges::sort(cores);
    beyond = beyond || cores.back() > measured_cores;
    out += fmt::format("{}\n  line transfers an operation (simulated; in brackets: over the schedules)\n", w);
    out += table(strategies, cores, rows, band);
    out += "  operations a second (modelled)\n";
    out += table(strategies, cores, rows, [](const json& r) { return shortened(metric_of(r, "ops_per_second")); });
    for (const auto& s : strategies) {
      const json* base = nullptr;
      if (const auto b = rows.find(baseline); b != rows.end() && b->second.contains(rows[s].rbegin()->first)) {
        base = b->second.at(rows[s].rbegin()->first);
      }
      out += words(s, rows[s], base);
    }
    out += "\n";
  }
  if (beyond) {
    out += fmt::format("Operations a second are derived from counts and latencies (class modelled); beyond {} core{}, which this machine "
                       "has, they are extrapolated beyond {} measured core{}.\n",
                       measured_cores, measured_cores == 1 ? "" : "s", measured_cores, measured_cores == 1 ? "" : "s");
  }
  return out;
}

}  // namespace tally::sim
