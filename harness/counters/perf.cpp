#include "harness/counters/perf.hpp"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <cerrno>
#include <cstring>

namespace tally {

std::string perf_absence(int error, bool pmu, const perf_code& code) {
  const char* name = strerrorname_np(error);
  const auto say = [&](const std::string& text) {
    return fmt::format("{}: {}", name != nullptr ? name : std::to_string(error), text);
  };
  const bool hardware = code.type != PERF_TYPE_SOFTWARE;
  switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case EOPNOTSUPP:
      if (hardware && !pmu) return say("no PMU in this VM; run on bare metal or expose a vPMU");
      return say("this processor or kernel has no such event; another event in the group's file may do");
    case EACCES:
    case EPERM:
      return say(code.kernel ? "counting in the kernel is not allowed; sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON"
                             : "not allowed; sysctl kernel.perf_event_paranoid=2 or less, or CAP_PERFMON; in a container, "
                               "allow perf_event_open in its seccomp profile");
    case ENOSYS: return say("no perf_event_open here: a sandbox, or a kernel without CONFIG_PERF_EVENTS");
    case EMFILE:
    case ENFILE: return say("too many open files; fewer groups or threads, or a higher ulimit -n");
    case EBUSY: return say("another program has the PMU for itself (a profiler, the NMI watchdog); stop it");
    case EINVAL: return say("the kernel refuses the event: the processor has no such one, or no counter that can count it");
    case E2BIG: return say("the kernel is older than these headers");
    case ENOMEM:
    case ENOSPC: return say("no room for another counter; fewer groups at once");
    default: return say(std::strerror(error));
  }
}

event_count count_between(const perf_reading& opened, const perf_reading& closed, std::size_t at, double least_share) {
  if (at >= opened.values.size() || at >= closed.values.size()) return {0, 0, "the kernel's answer has no such event"};
  if (closed.enabled_ns < opened.enabled_ns || closed.running_ns < opened.running_ns) {
    return {0, 0, "the kernel's times ran backwards"};
  }
  const std::uint64_t enabled = closed.enabled_ns - opened.enabled_ns, running = closed.running_ns - opened.running_ns;
  if (enabled == 0) return {0, 0, "the thread did not run in its window"};
  if (running == 0) return {0, 0, "never on the PMU: others had all counters; fewer groups at once"};
  // Unsigned: right also where the count passed 2^64 in between.
  const auto counted = static_cast<double>(closed.values[at] - opened.values[at]);
  if (running >= enabled) return {counted, 1, ""};
  const double share = static_cast<double>(running) / static_cast<double>(enabled);
  if (share < least_share) {
    return {0, share,
            fmt::format("multiplexed: on the PMU for {:.0f} % of the time, {}; fewer groups at once", 100 * share,
                        least_share > 1 ? "and this group is not scaled" : fmt::format("less than {:.0f} %", 100 * least_share))};
  }
  return {counted / share, share, ""};
}

resolved_group resolve(const counter_group& g, const cpu_identity& cpu) {
  resolved_group r{g.name, g.least_share, {}, {}, ""};
  const counter_section* s = g.section_for(cpu);
  if (s == nullptr) {
    r.absent = fmt::format("no events are known for this processor ({}); add a section to {}.group", cpu.text(), g.name);
    // The metrics keep their names, so that a row says what is missing. Their formulas are never asked.
    s = &g.sections.front();
    for (const auto& m : s->metrics) r.metrics.push_back(m);
    return r;
  }
  for (const auto& e : s->events) {
    resolved_event one{e.name, e.encodings.front(), e.source, {}, ""};
    std::string reason;
    bool found = false;
    for (const auto& text : e.encodings) {
      if (const auto code = encode(text, reason)) {
        one.code = *code;
        one.code.kernel = e.kernel;
        one.encoding = text;
        found = true;
        break;
      }
    }
    if (!found) one.absent = reason;
    r.events.push_back(std::move(one));
  }
  r.metrics = s->metrics;
  return r;
}

thread_counters::thread_counters(const counter_plan& plan, perf_source& source) : plan_(plan), source_(source) {
  for (const auto& g : plan) {
    auto& mine = places_.emplace_back();
    std::size_t open = groups_.size();  // the kernel group that this group's events join; none yet
    for (const auto& e : g.events) {
      if (!e.absent.empty()) {
        mine.push_back({0, 0, e.absent});
        continue;
      }
      int handle = -EINVAL;
      if (open < groups_.size()) handle = source_.open(e.code, groups_[open].leader);
      // EINVAL beside others: no PMU has room for all of them. Any other error is the event's own.
      if (handle == -EINVAL) {
        handle = source_.open(e.code, -1);
        if (handle >= 0) {
          open = groups_.size();
          groups_.push_back({handle, {}, {}, {}, 0});
        }
      }
      if (handle < 0) {
        mine.push_back({0, 0, perf_absence(-handle, source_.has_pmu(), e.code)});
        continue;
      }
      groups_[open].handles.push_back(handle);
      mine.push_back({open, groups_[open].handles.size() - 1, ""});
    }
  }
}

thread_counters::~thread_counters() {
  for (const auto& g : groups_) {
    for (auto h = g.handles.rbegin(); h != g.handles.rend(); ++h) source_.close(*h);
  }
}

void thread_counters::open_window() {
  for (auto& g : groups_) g.error = source_.read(g.leader, g.handles.size(), g.opened);
}

void thread_counters::close_window() {
  for (auto& g : groups_) {
    const int error = source_.read(g.leader, g.handles.size(), g.closed);
    if (g.error == 0) g.error = error;
  }
  windowed_ = true;
}

std::vector<std::vector<event_count>> thread_counters::counts() const {
  std::vector<std::vector<event_count>> all;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    auto& of_group = all.emplace_back();
    for (const auto& p : places_[i]) {
      if (!p.absent.empty()) {
        of_group.push_back({0, 0, p.absent});
      } else if (!windowed_) {
        of_group.push_back({0, 0, "the lane was off its processor for the whole window"});
      } else if (const kernel_group& g = groups_[p.group]; g.error != 0) {
        of_group.push_back({0, 0, fmt::format("the counter can't be read: {}", std::strerror(g.error))});
      } else {
        of_group.push_back(count_between(g.opened, g.closed, p.index, plan_[i].least_share));
      }
    }
  }
  return all;
}

counter_plan available_here(counter_plan plan, perf_source& source) {
  for (auto& g : plan) {
    for (auto& e : g.events) {
      if (!e.absent.empty()) continue;
      const int handle = source.open(e.code, -1);
      if (handle < 0) {
        e.absent = perf_absence(-handle, source.has_pmu(), e.code);
      } else {
        source.close(handle);
      }
    }
  }
  return plan;
}

}  // namespace tally
