#include "harness/measure/control_groups.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "harness/base/text.hpp"

namespace tally {
namespace {

// The first version has no word for "no limit" of memory: it shows the largest number of whole pages.
constexpr std::int64_t no_limit_bytes = std::int64_t{1} << 60;

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

template <class T>
void tighten(std::optional<T>& limit, const std::optional<T>& other) {
  if (other) limit = limit ? std::min(*limit, *other) : *other;
}

// Calls f(version, directory) for this process's group of a controller in each version, and for every group above it.
template <class F>
void each_group(const kernel_files& files, std::string_view controller, F&& f) {
  std::istringstream lines(files.text("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const bool second = parts[1].empty();
    const auto controllers = split(parts[1], ',');
    if (!second && std::ranges::find(controllers, controller) == controllers.end()) continue;
    const std::string base = "/sys/fs/cgroup" + (second ? "" : "/" + parts[1]);
    for (std::filesystem::path at(parts[2]);; at = at.parent_path()) {
      f(second ? 2 : 1, base + (at == at.parent_path() ? "" : at.string()) + "/");
      if (at == at.parent_path()) break;
    }
  }
}

// "200000 100000", "max 100000": what may be used of each period.
std::optional<double> quota_of(const kernel_files& files, int version, const std::string& group) {
  std::string quota = files.line(group + "cpu.cfs_quota_us"), period = files.line(group + "cpu.cfs_period_us");
  if (version == 2) {
    quota.clear(), period.clear();
    std::istringstream(files.line(group + "cpu.max")) >> quota >> period;
  }
  const auto used = whole(quota), of = whole(period);
  if (!used || !of || *used <= 0 || *of <= 0) return std::nullopt;  // "max"; -1
  return static_cast<double>(*used) / static_cast<double>(*of);
}

std::optional<std::int64_t> memory_of(const kernel_files& files, int version, const std::string& group) {
  const auto bytes = whole(files.line(group + (version == 2 ? "memory.max" : "memory.limit_in_bytes")));
  return bytes && *bytes < no_limit_bytes ? std::optional(*bytes >> 20) : std::nullopt;
}

std::string cpuset_of(const kernel_files& files, int version, const std::string& group) {
  return files.line(group + (version == 2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus"));
}

// Of one group, in microseconds: cpu.stat has them in the second version, nanoseconds in the first.
std::uint64_t throttled_in(const std::string& cpu_stat) {
  std::istringstream lines(cpu_stat);
  std::string key;
  for (std::uint64_t value = 0; lines >> key >> value;) {
    if (key == "throttled_usec") return value;
    if (key == "throttled_time") return value / 1000;
  }
  return 0;
}

}  // namespace

group_limits read_group_limits(const kernel_files& files) {
  group_limits limits;
  each_group(files, "cpu", [&](int version, const std::string& group) {
    // cpu.stat is in every group of the second version, the root's included, and wherever the first has the controller.
    if (files.has(group + "cpu.stat")) limits.version = std::max(limits.version, version);
    tighten(limits.cpus, quota_of(files, version, group));
  });
  each_group(files, "memory",
             [&](int version, const std::string& group) { tighten(limits.memory_mib, memory_of(files, version, group)); });
  each_group(files, "cpuset", [&](int version, const std::string& group) {
    if (limits.cpuset.empty()) limits.cpuset = cpuset_of(files, version, group);
  });
  return limits;
}

std::uint64_t throttled_us(const kernel_files& files) {
  std::uint64_t most = 0;
  each_group(files, "cpu",
             [&](int, const std::string& group) { most = std::max(most, throttled_in(files.text(group + "cpu.stat"))); });
  return most;
}

}  // namespace tally
