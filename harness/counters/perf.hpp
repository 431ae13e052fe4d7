// Counters of the kernel's perf interface, one set per thread: what hardware (and the kernel) counted while a window was open.
//
// A thread opens its counters for itself and reads them where it takes its timestamps, so that a count is of its own window.
// Events of a group are opened as one group of the kernel's, which is on the PMU as a whole or not at all; an event that the
// PMU has no room for beside the others begins a further group, and the kernel then shares the counters out in time. A read
// tells for how much of the time a group was on: counts are scaled by it, or refused, as the group's text says, and every
// figure carries the share.
//
// Where there is no counter there is a reason: the error's name, what it means, and what to do. Absence is never 0.
//
// What it can't do: count threads that are not the harness's lanes (a library's task threads, parallel collectors); hybrid
// processors with two kinds of cores (the kernel's generic events go to one kind).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/counters/perf_group.hpp"

namespace tally {

// One reading of a kernel group: how long it was wanted, how long it was on the PMU, and its events in the order of opening.
struct perf_reading {
  std::uint64_t enabled_ns = 0, running_ns = 0;
  std::vector<std::uint64_t> values;
};

// Where counters come from: the kernel, or a test. For the calling thread only.
class perf_source {
 public:
  virtual ~perf_source() = default;
  // A counter that runs from now on; `leader` is one opened before, whose group it joins, or -1. Returns a handle, or -errno.
  virtual int open(const perf_code&, int leader) = 0;
  // The whole group. 0 or an errno.
  virtual int read(int leader, std::size_t counters, perf_reading&) = 0;
  virtual void close(int handle) = 0;
  // True where the machine shows any hardware counters.
  [[nodiscard]] virtual bool has_pmu() const = 0;
};
[[nodiscard]] perf_source& kernel_perf();

// "ENOENT: no PMU in this VM; run on bare metal or expose a vPMU": an error of open() and its remedy.
[[nodiscard]] std::string perf_absence(int error, bool pmu, const perf_code&);

// An event's count in a window.
struct event_count {
  double count = 0;  // scaled if share < 1
  double share = 1;  // of the window, how long the event was on the PMU
  std::string absent;
};
// The arithmetic: the difference of two readings of event `at`. least_share above 1 refuses whatever was shared out.
[[nodiscard]] event_count count_between(const perf_reading& opened, const perf_reading& closed, std::size_t at,
                                        double least_share);

// A group with the events of one processor, encoded.
struct resolved_event {
  std::string name, encoding, source;
  perf_code code;
  std::string absent;  // why there is no code
};
struct resolved_group {
  std::string name;
  double least_share = 0.5;
  std::vector<resolved_event> events;
  std::vector<counter_metric> metrics;
  std::string absent;  // why no event is counted: nothing is known for this processor
};
[[nodiscard]] resolved_group resolve(const counter_group&, const cpu_identity&);

using counter_plan = std::vector<resolved_group>;

// The counters of one thread. To be made, asked and destroyed on it.
class thread_counters {
 public:
  thread_counters(const counter_plan&, perf_source&);
  ~thread_counters();
  thread_counters(const thread_counters&) = delete;
  thread_counters& operator=(const thread_counters&) = delete;

  void open_window();
  void close_window();
  // After close_window(): as the plan has them, group by group.
  [[nodiscard]] std::vector<std::vector<event_count>> counts() const;
  // How many groups of the kernel's it took.
  [[nodiscard]] std::size_t kernel_groups() const { return groups_.size(); }

 private:
  struct kernel_group {
    int leader = -1;
    std::vector<int> handles;
    perf_reading opened, closed;
    int error = 0;  // of a read
  };
  struct place {
    std::size_t group = 0, index = 0;
    std::string absent;
  };
  const counter_plan& plan_;
  perf_source& source_;
  std::vector<kernel_group> groups_;
  std::vector<std::vector<place>> places_;
  bool windowed_ = false;
};

// An open and a close of each event on the calling thread: what is there on this machine. The same shape as a window's result.
[[nodiscard]] counter_plan available_here(counter_plan, perf_source&);

}  // namespace tally
