#include "harness/measure/environment.hpp"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <linux/perf_event.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/base/files.hpp"
#include "harness/base/text.hpp"
#include "harness/memory/native.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace tally {
namespace {

// Of the kernel's files; empty when one can't be read.
std::string text_of(const std::string& path) { return text_in(path).value_or(""); }
std::string visible(const std::string& s) { return s.empty() ? not_visible : s; }
std::string cpu_dir(int cpu) { return "/sys/devices/system/cpu/cpu" + std::to_string(cpu); }

// The value of the first "key : value" line that has one of these keys.
std::string value_of(const std::string& text, std::initializer_list<std::string_view> keys) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
    const std::string_view key(line.data(), end == std::string::npos ? 0 : end + 1);
    if (std::ranges::find(keys, key) == keys.end()) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

long kib_of(const std::string& meminfo, std::string_view key) {
  const std::string v = value_of(meminfo, {key});
  return v.empty() ? 0 : std::strtol(v.c_str(), nullptr, 10);
}

// The chosen one of "always [madvise] never".
std::string bracketed(const std::string& s) {
  const auto open = s.find('['), close = s.find(']');
  return open == std::string::npos || close == std::string::npos ? s : s.substr(open + 1, close - open - 1);
}

std::string hypervisor() {
#if defined(__x86_64__) || defined(__i386__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return not_visible;
  if ((c >> 31 & 1) == 0) return "none";
  __cpuid(0x40000000, a, b, c, d);  // the leaf that hypervisors name themselves in
  std::string name;
  for (const unsigned word : {b, c, d}) {
    for (int shift = 0; shift < 32; shift += 8) {
      const char letter = static_cast<char>(word >> shift);
      if (letter > ' ' && letter < 127) name.push_back(letter);
    }
  }
  return name.empty() ? "yes" : name;
#else
  return std::filesystem::exists("/sys/hypervisor/type") ? line_of("/sys/hypervisor/type") : not_visible;
#endif
}

std::string container() {
  if (std::filesystem::exists("/.dockerenv")) return "docker";
  if (std::filesystem::exists("/run/.containerenv")) return "podman";
  return "none";
}

std::string turbo() {
  if (const auto s = line_of("/sys/devices/system/cpu/intel_pstate/no_turbo"); !s.empty()) return s == "0" ? "on" : "off";
  if (const auto s = line_of("/sys/devices/system/cpu/cpufreq/boost"); !s.empty()) return s == "1" ? "on" : "off";
  return not_visible;
}

std::string governor(const topology& t) {
  std::vector<std::string> all;
  for (const auto& c : t.cpus) {
    const auto s = line_of(cpu_dir(c.cpu) + "/cpufreq/scaling_governor");
    if (!s.empty() && std::ranges::find(all, s) == all.end()) all.push_back(s);
  }
  std::string text;
  for (const auto& s : all) text += (text.empty() ? "" : ", ") + s;
  return visible(text);
}

std::vector<cache_fact> caches(int cpu) {
  std::vector<cache_fact> found;
  for (int i = 0;; ++i) {
    const std::string at = cpu_dir(cpu) + "/cache/index" + std::to_string(i) + "/";
    const std::string level = line_of(at + "level");
    if (level.empty()) return found;
    const std::string sharers = line_of(at + "shared_cpu_list"), size = line_of(at + "size");
    cache_fact c{std::atoi(level.c_str()), line_of(at + "type"), std::strtol(size.c_str(), nullptr, 10),
                 std::atoi(line_of(at + "coherency_line_size").c_str()),
                 sharers.empty() ? 1 : static_cast<int>(parse_cpu_list(sharers).size())};
    if (size.ends_with('M')) c.kib *= 1024;
    found.push_back(c);
  }
}

std::string perf_event(std::uint32_t type, std::uint64_t config) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = type;
  attr.config = config;
  attr.disabled = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  const long file = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0UL);
  if (file >= 0) {
    close(static_cast<int>(file));
    return "available";
  }
  const int error = errno;
  const char* name = strerrorname_np(error);
  return std::string(name == nullptr ? "errno" : name) + ": " + std::strerror(error);
}

std::optional<double> frequency_mhz(const topology& t) {
  double sum = 0;
  int seen = 0;
  for (const auto& c : t.cpus) {
    if (const auto s = line_of(cpu_dir(c.cpu) + "/cpufreq/scaling_cur_freq"); !s.empty()) {
      sum += std::strtod(s.c_str(), nullptr) / 1000;
      ++seen;
    }
  }
  // /proc/cpuinfo has a figure too, but in a guest it is a constant: not a reading of what moves.
  return seen > 0 ? std::optional(sum / seen) : std::nullopt;
}

std::optional<double> temperature_c() {
  std::optional<double> hottest;
  for (const auto& zone : entries_of("/sys/class/thermal")) {
    const auto s = line_of(zone.string() + "/temp");
    if (!s.empty()) hottest = std::max(hottest.value_or(-273.15), std::strtod(s.c_str(), nullptr) / 1000);
  }
  return hottest;
}

environment_facts read_facts() {
  environment_facts f;
  const topology& t = cpu_topology();
  const int first = t.cpus.empty() ? 0 : t.cpus.front().cpu;
  utsname u{};
  uname(&u);
  f.architecture = u.machine;
  f.kernel = std::string(u.sysname) + " " + u.release;
  const std::string cpuinfo = text_of("/proc/cpuinfo");
  // x86; AArch64 has numbers only, and device trees a "Hardware" line.
  f.cpu_model = visible(value_of(cpuinfo, {"model name", "Hardware"}));
  const std::string family = value_of(cpuinfo, {"cpu family", "CPU implementer"}) + "." +
                             value_of(cpuinfo, {"model", "CPU part"}) + "." + value_of(cpuinfo, {"stepping", "CPU revision"});
  f.cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  f.usable_cpus = static_cast<int>(t.cpus.size());
  f.cores = t.cores();
  f.packages = t.packages();
  f.numa_nodes = t.nodes();
  f.core_kinds = t.kinds();
  const std::string smt = line_of("/sys/devices/system/cpu/smt/active");
  f.smt = smt == "1" ? "on" : smt == "0" ? "off" : not_visible;
  f.caches = caches(first);
  f.governor = governor(t);
  f.frequency_driver = visible(line_of(cpu_dir(first) + "/cpufreq/scaling_driver"));
  f.turbo = turbo();
  f.hypervisor = hypervisor();
  f.container = container();
  const std::string isolated = line_of("/sys/devices/system/cpu/isolated");
  f.isolated_cpus = isolated.empty() ? "none" : isolated;
  const std::string aslr = line_of("/proc/sys/kernel/randomize_va_space");
  f.aslr = aslr == "0" ? "off" : aslr == "1" ? "partial" : aslr == "2" ? "full" : not_visible;
  f.thp = visible(bracketed(line_of("/sys/kernel/mm/transparent_hugepage/enabled")));
  f.clocksource = visible(line_of("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  f.perf_hardware = perf_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
  f.perf_software = perf_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK);
  f.libc = std::string("glibc ") + gnu_get_libc_version();
  f.memory_mib = kib_of(text_of("/proc/meminfo"), "MemTotal") / 1024;
  f.page_bytes = sysconf(_SC_PAGESIZE);
  f.timer = probe_timer();

  // What stays: memory to the nearest GiB, since the kernel's own share changes with its version.
  std::string stable = f.architecture + "|" + f.cpu_model + "|" + family + "|" + std::to_string(f.cpus) + "|" +
                       std::to_string((f.memory_mib + 512) / 1024) + "|" + line_of("/etc/machine-id");
  for (const auto& c : f.caches) stable += "|" + std::to_string(c.level) + c.type + std::to_string(c.kib);
  f.machine_id = detail::salted_id(stable);
  return f;
}

nlohmann::json or_null(const std::optional<double>& v) { return v ? nlohmann::json(*v) : nlohmann::json(nullptr); }

}  // namespace

namespace detail {

void read_stat(const std::string& text, environment_moment& m) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "ctxt") words >> m.context_switches;
    if (key != "cpu") continue;
    // user nice system idle iowait irq softirq steal guest guest_nice; guest is inside of user.
    std::uint64_t ticks = 0;
    for (int field = 0; field < 8 && words >> ticks; ++field) {
      m.all_ticks += ticks;
      if (field == 3 || field == 4) m.idle_ticks += ticks;
      if (field == 7) m.steal_ticks = ticks;
    }
  }
}

void read_loadavg(const std::string& text, environment_moment& m) {
  double load15 = 0;
  int running = 0;
  std::istringstream(text) >> m.load1 >> m.load5 >> load15 >> running;
  m.runnable = std::max(0, running - 1);
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

std::uint64_t throttled_us(const std::string& groups, const std::string& root) {
  std::uint64_t most = 0;  // a group above may have the quota
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto controllers = split(parts[1], ',');
    if (!parts[1].empty() && std::ranges::find(controllers, "cpu") == controllers.end()) continue;
    const std::string base = root + (parts[1].empty() ? "" : "/" + parts[1]);
    for (std::filesystem::path at(parts[2]);; at = at.parent_path()) {
      most = std::max(most, throttled_in(text_of(base + at.string() + "/cpu.stat")));
      if (at == at.parent_path()) break;
    }
  }
  return most;
}

std::string salted_id(const std::string& facts) {
  // The salt makes the id this project's own: it can't be matched with a hash that somebody else made of the same machine-id.
  const std::string salted = "tally machine, salt 5d1f0c86a4e97b23: " + facts;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int bytes = 0;
  // Asked for its context first: without memory to make one libcrypto uses it all the same, and crashes.
  if (OSSL_LIB_CTX_get0_global_default() == nullptr ||
      EVP_Digest(salted.data(), salted.size(), digest.data(), &bytes, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();  // a digest has no other reason to fail
  }
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace detail

const environment_facts& environment() {
  static const environment_facts facts = read_facts();
  return facts;
}

environment_moment environment_now() {
  environment_moment m;
  m.ns = native::now();
  detail::read_loadavg(line_of("/proc/loadavg"), m);
  detail::read_stat(text_of("/proc/stat"), m);
  m.frequency_mhz = frequency_mhz(cpu_topology());
  m.temperature_c = temperature_c();
  m.throttled_us = detail::throttled_us(text_of("/proc/self/cgroup"), "/sys/fs/cgroup");
  m.available_mib = kib_of(text_of("/proc/meminfo"), "MemAvailable") / 1024;
  return m;
}

double steal_share(const environment_moment& before, const environment_moment& after) {
  if (after.all_ticks <= before.all_ticks || after.steal_ticks < before.steal_ticks + 2) return 0;
  return static_cast<double>(after.steal_ticks - before.steal_ticks) / static_cast<double>(after.all_ticks - before.all_ticks);
}

quality_input quality_input_of(const std::vector<int>& pins, const environment_moment& before, const environment_moment& after) {
  quality_input in;
  const topology& t = cpu_topology();
  in.cpus = cpus_used(pins, t);
  in.steal_share = steal_share(before, after);
  in.throttled_ms = static_cast<double>(after.throttled_us - std::min(before.throttled_us, after.throttled_us)) * 1e-3;
  in.load = before.load1;
  in.runnable = before.runnable;
  // Two different CPUs of one core in the list.
  for (const int a : pins) {
    for (const int b : pins) {
      const auto place = [&](int cpu) { return std::ranges::find(t.cpus, cpu, &cpu_place::cpu); };
      if (a == b || place(a) == t.cpus.end() || place(b) == t.cpus.end()) continue;
      in.siblings = in.siblings || place(a)->core == place(b)->core;
    }
  }
  return in;
}

void to_json(nlohmann::json& j, const cache_fact& c) {
  j = {{"level", c.level}, {"type", c.type}, {"kib", c.kib}, {"line_bytes", c.line_bytes}, {"shared_by", c.shared_by}};
}
void to_json(nlohmann::json& j, const timer_probe& t) { j = {{"cost_ns", t.cost_ns}, {"resolution_ns", t.resolution_ns}}; }
void to_json(nlohmann::json& j, const handoff_probe& p) {
  j = {{"cpus", {p.cpu_a, p.cpu_b}}, {"round_trips", p.round_trips}};
  if (!p.absent.empty()) {
    j["absent"] = p.absent;
    return;
  }
  j.update({{"p10_ns", p.p10_ns},
            {"p50_ns", p.p50_ns},
            {"p90_ns", p.p90_ns},
            {"p99_ns", p.p99_ns},
            {"max_ns", p.max_ns},
            {"lost_share", p.lost_share}});
}
void to_json(nlohmann::json& j, const environment_facts& f) {
  j = {{"machine_id", f.machine_id},
       {"architecture", f.architecture},
       {"kernel", f.kernel},
       {"cpu_model", f.cpu_model},
       {"cpus", f.cpus},
       {"usable_cpus", f.usable_cpus},
       {"cores", f.cores},
       {"packages", f.packages},
       {"numa_nodes", f.numa_nodes},
       {"core_kinds", f.core_kinds},
       {"smt", f.smt},
       {"caches", f.caches},
       {"governor", f.governor},
       {"frequency_driver", f.frequency_driver},
       {"turbo", f.turbo},
       {"hypervisor", f.hypervisor},
       {"container", f.container},
       {"isolated_cpus", f.isolated_cpus},
       {"aslr", f.aslr},
       {"thp", f.thp},
       {"clocksource", f.clocksource},
       {"perf_hardware", f.perf_hardware},
       {"perf_software", f.perf_software},
       {"libc", f.libc},
       {"memory_mib", f.memory_mib},
       {"page_bytes", f.page_bytes},
       {"timer", f.timer}};
}
void to_json(nlohmann::json& j, const environment_moment& m) {
  j = {{"load1", m.load1},
       {"load5", m.load5},
       {"runnable", m.runnable},
       {"all_ticks", m.all_ticks},
       {"idle_ticks", m.idle_ticks},
       {"steal_ticks", m.steal_ticks},
       {"context_switches", m.context_switches},
       {"throttled_us", m.throttled_us},
       {"frequency_mhz", or_null(m.frequency_mhz)},
       {"temperature_c", or_null(m.temperature_c)},
       {"available_mib", m.available_mib}};
}
void to_json(nlohmann::json& j, const row_quality& q) {
  j = {{"verdict", q.verdict},
       {"oversubscribed", q.oversubscribed},
       {"doubtful", q.doubtful},
       {"reasons", q.reasons},
       {"overlap", q.overlap},
       {"present", q.present},
       {"least_cpu_share", q.least_cpu_share},
       {"fairness", q.fairness},
       {"jain", q.jain},
       {"involuntary_per_second", q.involuntary_per_second},
       {"steal_share", q.steal_share},
       {"load", q.load}};
}

}  // namespace tally
