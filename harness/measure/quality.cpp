#include "harness/measure/quality.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "harness/measure/open_loop.hpp"

namespace tally {
namespace {

// Where the lanes don't overlap, one of them has the line alone, and on a contended count that is several times faster (7 ns
// against 60 to 170 ns an operation here). Let the lone rate be k times the contended one: a share s without overlap moves the
// row by s (k - 1). With k = 5, s = 0.03 is 12 %, about what a careful comparison can still tolerate, and a quiet virtual
// machine loses 0.4 to 0.9 % a CPU, so the limit can be met. At s = 0.25 the row is off by a factor of 2: the direction of a
// large difference survives, nothing else does.
constexpr double contended_overlap = 0.97;
constexpr double partly_overlap = 0.75;
// A single lane that lost 5 % of its window is 5 % off, which is more than the differences that are looked for.
constexpr double single_present = 0.95;
constexpr double serial_parallelism = 1.5;

double ratio(double a, double b) { return std::max(a, b) / std::min(a, b); }

std::vector<double> rates_of(std::span<const lane_result> lanes) {
  std::vector<double> rates;
  for (const auto& l : lanes) rates.push_back(l.rate());
  return rates;
}

// The probes' part of the verdict: true if the row can't be called contended.
bool probes_object(const quality_input& in, std::vector<std::string>& reasons) {
  bool object = false;
  const auto look = [&](const std::optional<handoff_probe>& p, const char* when) {
    if (!p || !p->absent.empty()) return false;
    if (!in.siblings && p->p50_ns < closest_cores_ns) {
      reasons.push_back(
          fmt::format("a line is handed over in {:.0f} ns {} the row: the CPUs look like one core", p->p50_ns, when));
      object = true;
    }
    if (p->lost_share > probe_lost) {
      reasons.push_back(fmt::format("the hand-off probe {} the row lost {:.0f} % of its time", when, 100 * p->lost_share));
      object = true;
    }
    return p->p50_ns > 0;
  };
  const bool before = look(in.before, "before"), after = look(in.after, "after");
  if (before && after && ratio(in.before->p50_ns, in.after->p50_ns) > moved_ratio) {
    reasons.push_back(fmt::format("the hand-off latency went from {:.0f} to {:.0f} ns: the CPUs have moved", in.before->p50_ns,
                                  in.after->p50_ns));
    object = true;
  }
  return object;
}

// Of an open loop whose rate was not reached. No doubt of the machine: it is what was found.
std::string unreached(const window_result& w) {
  if (!w.open) return {};
  const open_loop_outcome o = outcome_of(w);
  if (!o.saturated) return {};
  return fmt::format(
      "saturated: {:.4g} operations per second were asked for and {:.4g} reached, and {} were waiting at the window's "
      "end: its percentiles grow with the window",
      o.asked, o.reached, o.backlog);
}

}  // namespace

double window_overlap(std::span<const lane_result> lanes) {
  std::uint64_t last_opened = 0, first_closed = ~std::uint64_t{0}, first_opened = ~std::uint64_t{0}, last_closed = 0;
  for (const auto& l : lanes) {
    if (l.closed_ns <= l.opened_ns) return 0;  // a lane without a window
    last_opened = std::max(last_opened, l.opened_ns);
    first_opened = std::min(first_opened, l.opened_ns);
    first_closed = std::min(first_closed, l.closed_ns);
    last_closed = std::max(last_closed, l.closed_ns);
  }
  if (lanes.empty() || first_closed <= last_opened) return 0;
  return static_cast<double>(first_closed - last_opened) / static_cast<double>(last_closed - first_opened);
}

double present_share(const lane_result& l, double steal_share) {
  if (l.closed_ns <= l.opened_ns) return 0;
  const double wall = std::max(1.0, static_cast<double>(l.usage.wall_ns));
  const double ran = std::min(1.0, static_cast<double>(l.usage.cpu_ns) / wall);
  // Without the run-queue delay nobody can tell waiting from losing: all that it did not run counts as lost.
  if (!l.usage.delay_known) return ran;
  const double delayed = std::min(1.0, static_cast<double>(l.usage.delay_ns) / wall);
  // A lane that never slept has no other explanation for the rest than a hypervisor; for one that did, the machine's share of
  // stolen time stands in.
  const double rest = std::max(0.0, 1 - ran - delayed);
  const double stolen = l.usage.voluntary_switches == 0 ? rest : std::min(rest, steal_share);
  return std::max(0.0, 1 - delayed - stolen);
}

double certain_overlap(std::span<const double> present) {
  const std::size_t n = present.size();
  if (n < 2) return 1;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = i + 1; k < n; ++k) sum += std::max(0.0, present[i] + present[k] - 1);
  }
  return sum / (static_cast<double>(n) * static_cast<double>(n - 1) / 2);
}

double jain_index(std::span<const double> rates) {
  double sum = 0, squares = 0;
  for (const double r : rates) sum += r, squares += r * r;
  return squares > 0 ? sum * sum / (static_cast<double>(rates.size()) * squares) : 0;
}

double fairness_ratio(std::span<const double> rates) {
  if (rates.empty()) return 0;
  const auto [least, most] = std::ranges::minmax(rates);
  return most > 0 ? least / most : 0;
}

row_quality judge(const window_result& w, const quality_input& in) {
  row_quality q;
  q.steal_share = in.steal_share;
  q.load = in.load;
  q.oversubscribed = static_cast<int>(w.lanes.size()) > in.cpus;
  const std::vector<double> rates = rates_of(w.lanes);
  q.fairness = fairness_ratio(rates);
  q.jain = jain_index(rates);

  // What the others do while one lane works, waiting or nothing, is the workload's way.
  const bool serial = w.lanes.size() > 1 && in.parallelism && *in.parallelism < serial_parallelism;
  std::vector<double> present;
  double seconds = 0, switches = 0;
  q.least_cpu_share = w.lanes.empty() ? 0 : 1;
  for (const auto& l : w.lanes) {
    if (!serial || l.closed_ns > l.opened_ns) present.push_back(present_share(l, in.steal_share));
    q.least_cpu_share = std::min(q.least_cpu_share, l.cpu_share());
    seconds = std::max(seconds, l.seconds());
    switches += static_cast<double>(l.usage.involuntary_switches);
  }
  q.present = present.empty() ? 0 : std::ranges::min(present);
  q.involuntary_per_second = seconds > 0 ? switches / seconds : 0;
  q.overlap = window_overlap(w.lanes) * certain_overlap(present);

  const bool stolen = in.steal_share > steal_limit, lost = stolen || in.throttled_ms > 0;
  if (stolen) q.reasons.push_back(fmt::format("{:.1f} % of the CPU time was stolen", 100 * in.steal_share));
  if (in.throttled_ms > 0) {
    q.reasons.push_back(fmt::format("the control group's quota of CPU time stopped it for {:.0f} ms", in.throttled_ms));
  }
  if (in.runnable > 0 && in.runnable + static_cast<int>(w.lanes.size()) > in.cpus) {
    q.reasons.push_back(fmt::format("{} other threads were runnable before the row", in.runnable));
  }
  if (const std::string late = unreached(w); !late.empty()) q.reasons.push_back(late);
  if (q.oversubscribed) q.reasons.push_back(fmt::format("{} lanes on {} CPUs", w.lanes.size(), in.cpus));
  if (w.lanes.size() < 2 || serial) {
    const bool kept = q.present < (in.of_memory ? partly_overlap : single_present);
    if (kept) {
      q.reasons.push_back(fmt::format("the lane was kept from running for {:.0f} % of its window", 100 * (1 - q.present)));
    }
    q.doubtful = lost || kept;
    if (!serial) return q;
    q.doubtful = probes_object(in, q.reasons) || q.oversubscribed || q.doubtful;
    q.verdict = "serial";
    q.reasons.push_back(fmt::format("the workload allows a parallelism of {:.2f}: it backs no scaling claim", *in.parallelism));
    return q;
  }
  q.verdict = q.overlap >= contended_overlap ? "contended" : q.overlap >= partly_overlap ? "partly" : "not";
  const double enough = in.of_memory ? partly_overlap : contended_overlap;
  if (q.overlap < enough) {
    q.reasons.push_back(fmt::format("the lanes ran together for as little as {:.0f} % of the window", 100 * q.overlap));
  }
  const bool object = probes_object(in, q.reasons);
  if (object && q.verdict == "contended") q.verdict = "partly";
  q.doubtful = q.overlap < enough || object || q.oversubscribed || lost;
  return q;
}

}  // namespace tally
