#include "harness/measure/machine_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/text.hpp"

namespace tally {
namespace {

// Within a block rows share the clock, and ratios stand; absolute figures of two windows differ by as much.
constexpr double clock_drift = 1.1;
// A look in ten that meets somebody (a cron job, the kernel's own threads) is what an idle machine has.
constexpr double busy_share = 0.1;
// How near two CPUs are to each other (one core complex, one socket, two) changes a hand-off by two and more; the clock and the load
// of others, by less: 30 to 55 ns of two CPUs that stayed together, and 135 apart, on a guest of an EPYC.
constexpr double placements_apart = 2;

std::string governors_of(std::span<const window_moments> windows) {
  std::vector<std::string> seen;
  const auto add = [&](const std::string& g) {
    if (!g.empty() && g != not_visible && (seen.empty() || seen.back() != g)) seen.push_back(g);
  };
  for (const auto& w : windows) add(w.before.governor), add(w.after.governor);
  return seen.size() < 2 ? "" : fmt::format("the governor went from {}", fmt::join(seen, " to "));
}

// After windows only: before them the CPUs were idle, and may have slept.
std::string clock_of(std::span<const window_moments> windows) {
  std::vector<double> seen;
  for (const auto& w : windows) {
    if (w.after.frequency_mhz) seen.push_back(*w.after.frequency_mhz);
  }
  if (seen.empty()) return "";
  const auto [least, most] = std::ranges::minmax(seen);
  return most <= clock_drift * least ? "" : fmt::format("the CPUs' clock was between {:.0f} and {:.0f} MHz", least, most);
}

std::string others_of(std::span<const window_moments> windows) {
  const auto met = static_cast<std::size_t>(std::ranges::count_if(windows, [](const auto& w) { return w.before.runnable > 0; }));
  if (static_cast<double>(met) <= busy_share * static_cast<double>(windows.size())) return "";
  return fmt::format("other threads were runnable before {} of {}", met, counted(windows.size(), "window"));
}

std::string stolen_of(std::span<const window_moments> windows) {
  environment_moment from, to;
  for (const auto& w : windows) {
    if (w.after.all_ticks < w.before.all_ticks || w.after.steal_ticks < w.before.steal_ticks) continue;
    to.all_ticks += w.after.all_ticks - w.before.all_ticks;
    to.steal_ticks += w.after.steal_ticks - w.before.steal_ticks;
  }
  const double share = steal_share(from, to);
  return share <= steal_limit ? "" : fmt::format("the hypervisor took {:.1f} % of the CPU time", 100 * share);
}

std::string throttled_of(std::span<const window_moments> windows) {
  std::uint64_t us = 0;
  for (const auto& w : windows) us += w.after.throttled_us - std::min(w.before.throttled_us, w.after.throttled_us);
  return us == 0 ? "" : fmt::format("a quota of CPU time stopped the workers for {:.0f} ms", static_cast<double>(us) * 1e-3);
}

// A move inside of a window makes it doubtful (quality.cpp). One between two windows is in neither of them, but in what rows are to
// each other. A tenth at either end is left out, and one at least: a single probe may have been disturbed.
std::string moved_of(std::span<const window_moments> windows) {
  std::map<std::pair<int, int>, std::vector<double>> by_cpus;
  for (const auto& w : windows) {
    if (w.handoff) by_cpus[{w.handoff->cpu_a, w.handoff->cpu_b}].push_back(w.handoff->p50_ns);
  }
  std::vector<std::string> moved;
  for (auto& [cpus, probes] : by_cpus) {
    const std::size_t left_out = probes.size() / 10 + 1;
    if (probes.size() <= 2 * left_out) continue;
    std::ranges::sort(probes);
    const double near = probes[left_out], far = probes[probes.size() - 1 - left_out];
    if (far <= placements_apart * near) continue;
    moved.push_back(fmt::format("CPUs {} and {} handed a line over in {:.0f} to {:.0f} ns", cpus.first, cpus.second, near, far));
  }
  return moved.empty()
             ? ""
             : fmt::format("{}, without a tenth at either end: a hypervisor may have moved them", fmt::join(moved, ", "));
}

}  // namespace

std::vector<std::string> changes_over(std::span<const window_moments> windows) {
  std::vector<std::string> all;
  for (auto clause : {governors_of(windows), clock_of(windows), others_of(windows), stolen_of(windows), throttled_of(windows),
                      moved_of(windows)}) {
    if (!clause.empty()) all.push_back(std::move(clause));
  }
  return all;
}

}  // namespace tally
