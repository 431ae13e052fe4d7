#include "harness/measure/topology.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <tuple>

#include "harness/base/cpu_set.hpp"
#include "harness/base/files.hpp"
#include "harness/contract/workload.hpp"

namespace tally {

std::string line_of(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

namespace {

int number_in(const std::string& path, int otherwise) {
  const std::string s = line_of(path);
  int v = otherwise;
  std::from_chars(s.data(), s.data() + s.size(), v);
  return v;
}

template <class Key>
int distinct(const std::vector<cpu_place>& cpus, Key key) {
  std::set<int> seen;
  for (const auto& c : cpus) seen.insert(key(c));
  return static_cast<int>(seen.size());
}

// How much a core does beside the others of a hybrid processor: cpu_capacity says it on AArch64 and newer x86 kernels, of other
// x86 processors the small cores are listed apart, which is all that is known of them.
std::map<int, int> capacities(const std::string& system_root, const std::vector<int>& usable) {
  std::map<int, int> capacity;
  for (const int cpu : usable) {
    capacity[cpu] = number_in(fmt::format("{}/cpu/cpu{}/cpu_capacity", system_root, cpu), largest_capacity);
  }
  for (const char* small : {"cpu_atom", "cpu_lowpower"}) {
    const std::string list = line_of(fmt::format("{}/../{}/cpus", system_root, small));
    if (list.empty()) continue;
    for (const int cpu : parse_cpu_list(list)) {
      if (capacity.contains(cpu)) capacity[cpu] = std::min(capacity[cpu], largest_capacity / 2);
    }
  }
  return capacity;
}

}  // namespace

int topology::cores() const {
  return distinct(cpus, [](const cpu_place& c) { return c.core; });
}
int topology::packages() const {
  return distinct(cpus, [](const cpu_place& c) { return c.package; });
}
int topology::kinds() const {
  return distinct(cpus, [](const cpu_place& c) { return c.capacity; });
}
int topology::nodes() const {
  return distinct(cpus, [](const cpu_place& c) { return c.node; });
}

topology read_topology(const std::string& system_root, const std::vector<int>& usable) {
  topology t;
  std::map<int, int> node_of;
  for (const auto& entry : entries_of(system_root + "/node")) {
    const std::string name = entry.filename().string();
    int node = 0;
    if (!name.starts_with("node") ||
        std::from_chars(name.data() + 4, name.data() + name.size(), node).ptr != name.data() + name.size()) {
      continue;
    }
    const std::string list = line_of(entry.string() + "/cpulist");
    if (list.empty()) continue;  // memory without CPUs
    for (const int cpu : parse_cpu_list(list)) node_of[cpu] = node;
  }
  const std::map<int, int> capacity = capacities(system_root, usable);
  // A core is named by its lowest hyper-thread, usable or not: core_id is unique only within a die.
  std::map<int, std::vector<std::size_t>> cores;
  for (const int cpu : usable) {
    const std::string at = system_root + "/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const std::string siblings = line_of(at + "thread_siblings_list");
    const int leader = siblings.empty() ? cpu : parse_cpu_list(siblings).front();
    cores[leader].push_back(t.cpus.size());
    const int package = number_in(at + "physical_package_id", 0);
    t.cpus.push_back({cpu, std::max(package, 0), node_of.contains(cpu) ? node_of[cpu] : 0, 0, 0, capacity.at(cpu)});
  }
  int core = 0;
  for (const auto& [leader, members] : cores) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      t.cpus[members[i]].core = core;
      t.cpus[members[i]].sibling = static_cast<int>(i);
    }
    ++core;
  }
  return t;
}

const topology& cpu_topology() {
  static const topology t = [] {
    std::vector<int> usable = cpu_set::of_this_thread().cpus();
    if (usable.empty()) usable = parse_cpu_list(line_of("/sys/devices/system/cpu/online"));
    return read_topology("/sys/devices/system", usable);
  }();
  return t;
}

std::vector<int> parse_cpu_list(std::string_view text) {
  const auto refuse = [&] { return usage_error("CPU list " + std::string(text) + ": numbers and ranges such as 0-3,8"); };
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    int first = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc{} || first < 0) throw refuse();
    int last = first;
    if (next != end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc{} || last < first || last - first > 65535) throw refuse();
      next = range.ptr;
    }
    for (int c = first; c <= last; ++c) cpus.push_back(c);
    if (next == end) return cpus;
    if (*next != ',') throw refuse();
    at = next + 1;
  }
}

pinning pinning::read(std::string_view flag, std::string_view text) {
  pinning p;
  const auto known = std::span(pin_names).first(static_cast<std::size_t>(pin_policy::list));
  if (const auto named = std::ranges::find(known, text); named != known.end()) {
    p.policy = static_cast<pin_policy>(named - known.begin());
  } else if (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    p.policy = pin_policy::list;
    p.cpus = parse_cpu_list(text);
  } else {
    throw usage_error(fmt::format("{} {}: cores, spread, smt, none or a list such as 0-3,8", flag, text));
  }
  return p;
}

std::string pinning::text() const {
  return policy == pin_policy::list ? fmt::format("{}", fmt::join(cpus, ","))
                                    : std::string(pin_names.at(static_cast<std::size_t>(policy)));
}

std::vector<int> pin_list(const pinning& how, int threads, const topology& t) {
  std::vector<cpu_place> order = t.cpus;
  std::vector<int> pins = how.cpus;
  switch (how.policy) {
    case pin_policy::none: return {};
    case pin_policy::cores:
      std::ranges::sort(order, {},
                        [](const cpu_place& c) { return std::tuple(c.sibling, -c.capacity, c.package, c.node, c.core); });
      break;
    case pin_policy::smt:
      std::ranges::sort(order, {},
                        [](const cpu_place& c) { return std::tuple(-c.capacity, c.package, c.node, c.core, c.sibling); });
      break;
    case pin_policy::spread: {
      // Deals the CPUs of each (socket, node) out in turn: the first core of each, the second core of each ...
      std::ranges::sort(order, {}, [](const cpu_place& c) { return std::tuple(c.sibling, -c.capacity, c.core); });
      std::map<std::tuple<int, int, int, int>, int> dealt;
      std::map<int, int> round;
      for (const auto& c : order) round[c.cpu] = dealt[{c.sibling, -c.capacity, c.package, c.node}]++;
      std::ranges::sort(order, {},
                        [&](const cpu_place& c) { return std::tuple(c.sibling, -c.capacity, round[c.cpu], c.package, c.node); });
      break;
    }
    case pin_policy::list:
      for (const int cpu : pins) {
        if (std::ranges::find(t.cpus, cpu, &cpu_place::cpu) == t.cpus.end()) {
          throw usage_error(fmt::format("--pin {}: CPU {} is not one that may be used here", how.text(), cpu));
        }
      }
  }
  if (pins.empty()) {
    for (const auto& c : order) pins.push_back(c.cpu);
  }
  const std::size_t given = pins.size();
  for (std::size_t i = 0; pins.size() < static_cast<std::size_t>(threads); ++i) pins.push_back(pins[i % given]);
  pins.resize(static_cast<std::size_t>(threads));
  return pins;
}

int kinds_used(const std::vector<int>& pins, const topology& t) {
  topology used;
  for (const auto& c : t.cpus) {
    if (pins.empty() || std::ranges::find(pins, c.cpu) != pins.end()) used.cpus.push_back(c);
  }
  return used.kinds();
}

int cpus_used(const std::vector<int>& pins, const topology& t) {
  if (pins.empty()) return static_cast<int>(t.cpus.size());
  return static_cast<int>(std::set<int>(pins.begin(), pins.end()).size());
}

}  // namespace tally
