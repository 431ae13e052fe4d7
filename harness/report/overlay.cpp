#include "harness/report/overlay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "harness/base/errors.hpp"
#include "harness/base/program.hpp"
#include "harness/base/text.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/results/results_file.hpp"

namespace tally::sim {
namespace {

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

// Operations per ownership: hand-offs per operation turned round.
std::string owned(double handoffs_per_op) { return handoffs_per_op == 0 ? "none" : fmt::format("{:.3g}", 1 / handoffs_per_op); }

std::string range(double point, double least, double most) {
  return least == most ? owned(point) : fmt::format("{} [{}-{}]", owned(point), owned(most), owned(least));
}

}  // namespace

overlay::overlay(const std::vector<std::filesystem::path>& directories) {
  std::map<std::string, std::vector<result>> windows;
  for (const auto& d : directories) {
    const auto file = d / "rows.jsonl";
    if (!std::filesystem::exists(file))
      throw usage_error(fmt::format("--overlay {}: there is no run (no rows.jsonl)", d.string()));
    bool any = false;
    loaded_results loaded = load_results(file);
    if (!loaded.message.empty()) damaged_.push_back(std::move(loaded.message));
    for (auto& r : loaded.results) {
      if (r.role != row_role::observed) continue;
      any = true;
      windows[r.identity].push_back(std::move(r));
    }
    if (!any) {
      throw usage_error(fmt::format("--overlay {}: no observed rows; {} makes them", d.string(), command("run", "--observe")));
    }
  }
  for (const auto& [identity, of_row] : windows) rows_[identity] = observed_from(of_row);
}

std::optional<compared_handoffs> overlay::judge(const result& simulated, const row_points& r) const {
  if (rows_.empty() || !simulated.has_metrics()) return std::nullopt;
  const auto found = rows_.find(simulated.identity);
  if (found == rows_.end()) return std::nullopt;
  simulated_handoffs told = told_by(r, found->second.fields);
  told.settled = simulated.unsettled.empty();
  return compared_handoffs{compare_handoffs(found->second, told), found->second, told};
}

std::string agreement_summary(const std::vector<result>& results, const std::string& machine, double transfer_ns) {
  struct line {
    std::string name, simulated, observed, transfers, words;
  };
  std::vector<line> lines{{"", "simulated", "observed", "transfers/op", ""}};
  std::vector<double> latencies;
  std::size_t agree = 0, differ = 0, apart = 0;
  for (const auto& r : results) {
    if (!r.agreement) continue;
    const agreement_result& a = *r.agreement;
    const auto both = [](const agreement_result::side& side) { return range(side.per_op, side.low, side.high); };
    agree += a.verdict == name_of(agreement_kind::agree) ? 1 : 0;
    apart += a.windows == 0 ? 1 : 0;
    differ += a.verdict == name_of(agreement_kind::differ) ? 1 : 0;
    if (a.latency_ns) latencies.push_back(*a.latency_ns);
    lines.push_back({fmt::format("{} | {} | {}", r.strategy, r.workload, counted(r.threads, "thread")), both(a.simulated),
                     a.windows == 0 ? "-" : both(a.observed), fmt::format("{:.3g}", r.number_or("transfers_per_op", 0)),
                     a.words});
  }
  if (lines.size() == 1) return "";
  std::size_t w[4]{};
  for (const auto& l : lines) {
    const std::size_t here[4]{l.name.size(), l.simulated.size(), l.observed.size(), l.transfers.size()};
    for (std::size_t i = 0; i < 4; ++i) w[i] = std::max(w[i], here[i]);
  }
  std::string out =
      "Operations per ownership (simulated: over the schedules; observed: the median of the contended windows and their range; "
      "what "
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
  out += "\n";
  if (apart != 0) {
    out += fmt::format(
        "  In {} of them no window had all threads running throughout: other work on the machine kept them apart. More windows "
        "find some\n  ({}); with the right to it, real-time priority keeps others away:\n  chrt --fifo 50 {}\n",
        apart, command("run", "--observe", "--processes", "20"), command("run", "--observe"));
  }
  return out + "\n";
}

}  // namespace tally::sim
