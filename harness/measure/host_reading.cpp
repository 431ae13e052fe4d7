#include <algorithm>
#include <atomic>
#include <span>
#include <thread>

#include "harness/base/cpu_set.hpp"
#include "harness/measure/host_checks.hpp"
#include "harness/memory/native.hpp"

namespace tally {
namespace {

constexpr std::chrono::milliseconds look_interval{10};

// Spins on each of the CPUs for that long.
void occupy(const std::vector<int>& cpus, std::chrono::nanoseconds time) {
  std::vector<std::jthread> spinning;
  const std::uint64_t until = native::now() + static_cast<std::uint64_t>(time.count());
  for (const int cpu : cpus) {
    spinning.emplace_back([cpu, until] {
      cpu_set(std::span(&cpu, 1)).bind();
      while (native::now() < until) {}
    });
  }
}

}  // namespace

host_reading read_host(const kernel_files& files, const topology& machine, const reading_effort& effort) {
  host_reading r;
  r.before = read_moment(files, machine);
  r.facts = read_environment(files, machine);
  for (const auto& c : machine.cpus) r.usable.push_back(c.cpu);
  for (int i = 0; i < effort.looks; ++i) {
    std::this_thread::sleep_for(look_interval);
    environment_moment look;
    detail::read_loadavg(files.line("/proc/loadavg"), look);
    r.runnable.push_back(look.runnable);
  }
  r.busy_from = read_moment(files, machine);
  occupy(r.usable, effort.busy);
  r.busy_to = read_moment(files, machine);
  r.handoffs = probe_pairs(cpu_pairs(machine, effort.most_pairs, with_siblings::yes), effort.repetitions);
  r.histogram_ns = probe_histogram_ns();
  return r;
}

}  // namespace tally
