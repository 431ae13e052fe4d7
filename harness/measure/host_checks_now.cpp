// What the machine does just now, and what the harness's instruments cost on it.
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.hpp"
#include "harness/measure/host_checks.hpp"

namespace tally {
namespace {

// A thread that runs half of the time keeps one of the lanes' CPUs for itself, or moves about between them.
constexpr double idle_load = 0.5;
// A reading in the C library's own code (vDSO) takes 15 to 70 ns, one by a call of the kernel 150 and more.
constexpr double clock_limit_ns = 100;
// Two readings of the clock are in each latency, of 15 ns at best; what is kept afterwards must not be a third.
constexpr double histogram_limit_ns = 5;

constexpr const char* repeat_later = "wait until the machine is idle (top says who it is), and ask again";

machine_check steal_check(const host_reading& r) {
  if (r.busy_from.all_ticks == 0) return machine_check::hidden("steal", "no /proc/stat", "the kernel does not show it");
  const double share = steal_share(r.busy_from, r.busy_to);
  const double ms = static_cast<double>(r.busy_to.ns - r.busy_from.ns) * 1e-6;
  const std::string value = fmt::format("{:.1f} % in {:.0f} ms of all CPUs", 100 * share, ms);
  if (share > steal_limit) {
    return machine_check::warning("steal", value,
                                  fmt::format("the hypervisor ran others; above {:.0f} % rows are doubtful", 100 * steal_limit),
                                  "ask again when its neighbours are quiet, or take a machine with CPUs of its own");
  }
  if (r.facts.hypervisor != "none" && r.busy_to.steal_ticks == 0) {
    return machine_check::hidden("steal", "0 since it started",
                                 "this hypervisor does not tell what it takes: see lost time in hand-off");
  }
  return machine_check::fine("steal", value);
}

machine_check throttled_check(const host_reading& r) {
  const std::uint64_t us = r.busy_to.throttled_us - std::min(r.busy_from.throttled_us, r.busy_to.throttled_us);
  if (us == 0 && r.facts.groups.version == 0) return no_control_group("throttling");
  if (us == 0) return machine_check::fine("throttling", "none");
  return machine_check::warning("throttling", fmt::format("{:.0f} ms while all CPUs were busy", static_cast<double>(us) * 1e-3),
                                "the control group's quota of CPU time stopped this process", "the remedy of cpu quota");
}

machine_check load_check(const host_reading& r) {
  const std::string value = fmt::format("{:.2f} in the last minute, {:.2f} in five", r.before.load1, r.before.load5);
  if (r.before.load1 <= idle_load) return machine_check::fine("load", value);
  return machine_check::warning("load", value, "other programs ran, and take CPUs, caches and memory bandwidth", repeat_later);
}

machine_check runnable_check(const host_reading& r) {
  const char* name = "runnable threads";
  if (r.runnable.empty()) return machine_check::hidden(name, "no look", "nobody looked");
  std::vector<int> sorted = r.runnable;
  std::ranges::sort(sorted);
  const int middle = sorted[sorted.size() / 2];
  const std::string value =
      fmt::format("{} others in the median, {} at most of {}", middle, sorted.back(), counted(sorted.size(), "look"));
  if (middle == 0) return machine_check::fine(name, value);
  return machine_check::warning(name, value, "lanes share their CPUs with them", repeat_later);
}

machine_check clock_check(const host_reading& r) {
  const timer_probe& t = r.facts.timer;
  const std::string value = fmt::format("{:.1f} ns per reading, in steps of {:.0f} ns", t.cost_ns, t.resolution_ns);
  if (t.cost_ns <= clock_limit_ns) return machine_check::fine("clock", value);
  return machine_check::warning(
      "clock", value,
      fmt::format("above {:.0f} ns it is read by a call of the kernel, and latencies are mostly that", clock_limit_ns),
      "the remedy of clock source; else no latency rows (--mode throughput)");
}

// Worst first.
std::string complaint_of(const handoff_pair& p) {
  if (!p.siblings && p.median_ns < closest_cores_ns) {
    return fmt::format("CPUs {} and {} look like one core: {:.0f} ns", p.cpu_a, p.cpu_b, p.median_ns);
  }
  if (p.failed != 0) {
    return fmt::format("CPUs {} and {}: {} of {} probes saw no round trip, they did not run together", p.cpu_a, p.cpu_b, p.failed,
                       p.failed + p.repetitions);
  }
  if (p.lost_share > probe_lost) {
    return fmt::format("CPUs {} and {}: {:.0f} % of the time was lost, they did not run together", p.cpu_a, p.cpu_b,
                       100 * p.lost_share);
  }
  if (p.spread.high > moved_ratio * p.spread.low) {
    return fmt::format("CPUs {} and {} moved: {:.0f} to {:.0f} ns", p.cpu_a, p.cpu_b, p.spread.low, p.spread.high);
  }
  return "";
}

machine_check handoff_check(const host_reading& r) {
  std::vector<handoff_pair> seen;
  std::ranges::copy_if(r.handoffs, std::back_inserter(seen), [](const handoff_pair& p) { return p.absent.empty(); });
  if (r.handoffs.empty()) return machine_check::hidden("hand-off", "no pair of CPUs", "only one CPU may be used");
  if (seen.empty()) return machine_check::hidden("hand-off", "no figure", r.handoffs.front().absent);
  std::vector<double> medians;
  double low = seen.front().spread.low, high = seen.front().spread.high;
  for (const auto& p : seen) {
    medians.push_back(p.median_ns);
    low = std::min(low, p.spread.low);
    high = std::max(high, p.spread.high);
  }
  const std::string value = fmt::format("{:.1f} ns one way, {:.1f} to {:.1f} in {} of {}", median(medians), low, high,
                                        counted(seen.front().repetitions, "repetition"), counted(seen.size(), "pair"));
  std::size_t complaints = 0;
  std::string first;
  for (const auto& p : seen) {
    const std::string complaint = complaint_of(p);
    complaints += complaint.empty() ? 0 : 1;
    if (first.empty()) first = complaint;
  }
  if (complaints == 0) return machine_check::fine("hand-off", value);
  return machine_check::warning("hand-off", value,
                                complaints == 1 ? first : fmt::format("{}, and {} more", first, complaints - 1),
                                "ask again when the machine is idle; on a VM, have its CPUs pinned to cores of their own");
}

machine_check histogram_check(const host_reading& r) {
  const std::string value = fmt::format("{:.2f} ns per value, {:.0f} ns allowed", r.histogram_ns, histogram_limit_ns);
  if (r.histogram_ns <= histogram_limit_ns) return machine_check::fine("histogram", value);
  return machine_check::warning("histogram", value, "latency rows take that much longer per operation",
                                "a Release build without sanitizers, on an idle machine");
}

}  // namespace

std::vector<machine_check> moment_checks(const host_reading& r) {
  return {steal_check(r), throttled_check(r), load_check(r), runnable_check(r)};
}

std::vector<machine_check> probe_checks(const host_reading& r) { return {clock_check(r), handoff_check(r), histogram_check(r)}; }

}  // namespace tally
