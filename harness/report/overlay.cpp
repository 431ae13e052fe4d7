#include "harness/report/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/base/errors.hpp"
#include "harness/base/text.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/report/listing.hpp"
#include "harness/results/results_file.hpp"

namespace tally::sim {
namespace {

std::string key_of(const json& config) {
  const json& workload = config.at("workload");
  return fmt::format("{}|{}|{}|{}|{}", config.at("strategy").at("label").get<std::string>(),
                     workload.at("name").get<std::string>(), workload.at("parameters").dump(), config.at("threads").get<int>(),
                     config.at("heap").at("limit_bytes").dump());
}

double per_op(const point_result& p, const std::vector<std::string>& of) {
  std::uint64_t n = 0;
  for (const auto& f : p.fields) {
    if (std::ranges::find(of, f.name) != of.end()) n += f.handoffs.handoffs;
  }
  return p.operations == 0 ? 0 : static_cast<double>(n) / static_cast<double>(p.operations);
}

simulated_handoffs told_by(const row_points& r, const std::vector<std::string>& fields) {
  simulated_handoffs told;
  told.per_op = per_op(r.points.front(), fields);
  told.least = told.most = told.per_op;
  for (const auto& p : r.points) {
    const double here = per_op(p, fields);
    told.least = std::min(*told.least, here);
    told.most = std::max(*told.most, here);
  }
  return told;
}

// Operations an ownership; hand-offs an operation turned round.
std::string owned(double handoffs_per_op) { return handoffs_per_op == 0 ? "none" : fmt::format("{:.3g}", 1 / handoffs_per_op); }

std::string range(double point, double least, double most) {
  return least == most ? owned(point) : fmt::format("{} [{}-{}]", owned(point), owned(most), owned(least));
}

}  // namespace

overlay::overlay(const std::vector<std::string>& directories) {
  std::map<std::string, std::vector<json>> windows;
  for (const auto& d : directories) {
    const auto file = std::filesystem::path(d) / "rows.jsonl";
    if (!std::filesystem::exists(file)) throw usage_error(fmt::format("--overlay {}: there is no run (no rows.jsonl)", d));
    bool any = false;
    for (auto& r : load_results(file).records) {
      if (r.value("role", "") != "observed") continue;
      any = true;
      windows[key_of(r.at("config"))].push_back(std::move(r));
    }
    if (!any) throw usage_error(fmt::format("--overlay {}: no observed rows; tally run --observe makes them", d));
  }
  for (const auto& [key, records] : windows) rows_[key] = observed_from(records);
}

void overlay::judge(json& record, const row_points& r) const {
  if (rows_.empty() || !record.contains("metrics")) return;
  const auto found = rows_.find(key_of(record.at("config")));
  if (found == rows_.end()) return;
  const observed_handoffs& seen = found->second;
  const simulated_handoffs told = told_by(r, seen.fields);
  const agreement a = compare_handoffs(seen, told);
  record["agreement"] = {
      {"verdict", name_of(a.kind)},
      {"words", a.words},
      {"factor", a.factor},
      {"within_band", a.within_band},
      {"fields", seen.fields},
      {"simulated", {{"class", "simulated"}, {"handoffs_per_op", told.per_op}, {"low", *told.least}, {"high", *told.most}}},
      {"observed",
       {{"class", "measured"}, {"handoffs_per_op", seen.per_op}, {"low", seen.least}, {"high", seen.most},
        {"windows", seen.windows}, {"left_out", seen.left_out}, {"operations", seen.operations},
        {"known_share", seen.known_share},
        {"latency_ns", seen.latency_ns == 0 ? json(nullptr) : json(seen.latency_ns)}}}};
}

std::string agreement_summary(const std::vector<json>& records, const std::string& machine, double transfer_ns) {
  struct line {
    std::string name, simulated, observed, transfers, words;
  };
  std::vector<line> lines{{"", "simulated", "observed", "transfers/op", ""}};
  std::vector<double> latencies;
  std::size_t agree = 0, differ = 0;
  for (const auto& r : records) {
    if (!r.contains("agreement")) continue;
    const json& a = r.at("agreement");
    const json &told = a.at("simulated"), &seen = a.at("observed");
    const auto both = [](const json& side) {
      return range(side.at("handoffs_per_op"), side.at("low"), side.at("high"));
    };
    agree += a.at("verdict") == "agree" ? 1 : 0;
    differ += a.at("verdict") == "differ" ? 1 : 0;
    if (!seen.at("latency_ns").is_null()) latencies.push_back(seen.at("latency_ns"));
    const json& config = r.at("config");
    const std::size_t windows = seen.at("windows");
    lines.push_back({fmt::format("{} | {} | {}", config.at("strategy").at("label").get<std::string>(),
                                 config.at("workload").at("label").get<std::string>(),
                                 counted(config.at("threads").get<std::size_t>(), "thread")),
                     both(told), windows == 0 ? "-" : both(seen),
                     fmt::format("{:.3g}", r.at("metrics").at("transfers_per_op").at("value").get<double>()),
                     a.at("words").get<std::string>()});
  }
  if (lines.size() == 1) return "";
  std::size_t w[4]{};
  for (const auto& l : lines) {
    const std::size_t here[4]{l.name.size(), l.simulated.size(), l.observed.size(), l.transfers.size()};
    for (std::size_t i = 0; i < 4; ++i) w[i] = std::max(w[i], here[i]);
  }
  std::string out =
      "Operations an ownership (simulated: over the schedules; observed: the median of the contended windows and their range; what "
      "the RMWs of a row notice)\n";
  for (const auto& l : lines) {
    out += fmt::format("  {:{}}  {:>{}}  {:>{}}  {:>{}}  {}\n", l.name, w[0], l.simulated, w[1], l.observed, w[2], l.transfers,
                       w[3], l.words);
  }
  for (auto end = out.find(" \n"); end != std::string::npos; end = out.find(" \n")) out.erase(end, 1);
  out += fmt::format("  {} agree, {} differ, {} not comparable.", agree, differ, lines.size() - 1 - agree - differ);
  if (!latencies.empty()) {
    out += fmt::format(" A hand-off takes {:.0f} ns where they were observed (median of the probes), {:.0f} ns on {}.",
                       median(latencies), transfer_ns, machine);
  }
  return out + "\n\n";
}

}  // namespace tally::sim
