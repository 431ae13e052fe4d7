#include "harness/measure/environment.hpp"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <linux/perf_event.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <new>
#include <sstream>
#include <thread>

#include "harness/base/text.hpp"
#include "harness/counters/perf.hpp"
#include "harness/memory/native.hpp"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace tally {
namespace {

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

std::string hypervisor([[maybe_unused]] const kernel_files& files) {
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
  return visible(files.line("/sys/hypervisor/type"));
#endif
}

std::string container(const kernel_files& files) {
  if (files.has("/.dockerenv")) return "docker";
  if (files.has("/run/.containerenv")) return "podman";
  return "none";
}

std::string isolated_cpus(const kernel_files& files) {
  const std::string path = "/sys/devices/system/cpu/isolated";
  if (!files.has(path)) return not_visible;
  const std::string list = files.line(path);
  return list.empty() ? "none" : list;
}

// The machine's setting, unless this process was started without (setarch -R).
std::string aslr(const kernel_files& files) {
  const int persona = personality(0xffffffff);  // asks, and changes nothing
  if (persona != -1 && (persona & ADDR_NO_RANDOMIZE) != 0) return "off";
  const std::string setting = files.line("/proc/sys/kernel/randomize_va_space");
  return setting == "0" ? "off" : setting == "1" ? "partial" : setting == "2" ? "full" : not_visible;
}

std::string turbo(const kernel_files& files) {
  if (const auto s = files.line("/sys/devices/system/cpu/intel_pstate/no_turbo"); !s.empty()) return s == "0" ? "on" : "off";
  if (const auto s = files.line("/sys/devices/system/cpu/cpufreq/boost"); !s.empty()) return s == "1" ? "on" : "off";
  return not_visible;
}

std::string governor(const kernel_files& files, const topology& t) {
  std::vector<std::string> all;
  for (const auto& c : t.cpus) {
    const auto s = files.line(cpu_dir(c.cpu) + "/cpufreq/scaling_governor");
    if (!s.empty() && std::ranges::find(all, s) == all.end()) all.push_back(s);
  }
  return visible(joined(all));
}

std::vector<cache_fact> caches(const kernel_files& files, int cpu) {
  std::vector<cache_fact> found;
  for (int i = 0;; ++i) {
    const std::string at = cpu_dir(cpu) + "/cache/index" + std::to_string(i) + "/";
    const std::string level = files.line(at + "level");
    if (level.empty()) return found;
    const std::string sharers = files.line(at + "shared_cpu_list"), size = files.line(at + "size");
    cache_fact c{std::atoi(level.c_str()), files.line(at + "type"), std::strtol(size.c_str(), nullptr, 10),
                 std::atoi(files.line(at + "coherency_line_size").c_str()),
                 sharers.empty() ? 1 : static_cast<int>(parse_cpu_list(sharers).size())};
    if (size.ends_with('M')) c.kib *= 1024;
    found.push_back(c);
  }
}

// "available", or why there is no such counter, beginning with the errno's name.
std::string perf_event(std::uint32_t type, std::uint64_t config) {
  perf_source& source = kernel_perf();
  const perf_code code{type, config};
  const int handle = source.open(code, -1);
  if (handle < 0) return perf_absence(-handle, source.has_pmu(), code);
  source.close(handle);
  return "available";
}

std::optional<double> frequency_mhz(const kernel_files& files, const topology& t) {
  double sum = 0;
  int seen = 0;
  for (const auto& c : t.cpus) {
    if (const auto s = files.line(cpu_dir(c.cpu) + "/cpufreq/scaling_cur_freq"); !s.empty()) {
      sum += std::strtod(s.c_str(), nullptr) / 1000;
      ++seen;
    }
  }
  // /proc/cpuinfo has a figure too, but in a guest it is a constant: not a reading of what moves.
  return seen > 0 ? std::optional(sum / seen) : std::nullopt;
}

std::optional<double> temperature_c(const kernel_files& files) {
  std::optional<double> hottest;
  for (const auto& zone : files.names("/sys/class/thermal")) {
    const auto s = files.line("/sys/class/thermal/" + zone + "/temp");
    if (!s.empty()) hottest = std::max(hottest.value_or(-273.15), std::strtod(s.c_str(), nullptr) / 1000);
  }
  return hottest;
}

}  // namespace

environment_facts read_environment(const kernel_files& files, const topology& t) {
  environment_facts f;
  const int first = t.cpus.empty() ? 0 : t.cpus.front().cpu;
  utsname u{};
  uname(&u);
  f.architecture = u.machine;
  f.kernel = std::string(u.sysname) + " " + u.release;
  const std::string cpuinfo = files.text("/proc/cpuinfo");
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
  const std::string smt = files.line("/sys/devices/system/cpu/smt/active");
  f.smt = smt == "1" ? "on" : smt == "0" ? "off" : not_visible;
  f.caches = caches(files, first);
  f.governor = governor(files, t);
  f.frequency_driver = visible(files.line(cpu_dir(first) + "/cpufreq/scaling_driver"));
  f.turbo = turbo(files);
  f.hypervisor = hypervisor(files);
  f.container = container(files);
  f.groups = read_group_limits(files);
  f.isolated_cpus = isolated_cpus(files);
  f.aslr = aslr(files);
  f.thp = visible(bracketed(files.line("/sys/kernel/mm/transparent_hugepage/enabled")));
  f.clocksource = visible(files.line("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  f.clocksources = visible(files.line("/sys/devices/system/clocksource/clocksource0/available_clocksource"));
  f.pmu = kernel_perf().has_pmu();
  f.perf_hardware = perf_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
  f.perf_software = perf_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK);
  f.libc = std::string("glibc ") + gnu_get_libc_version();
  f.memory_mib = kib_of(files.text("/proc/meminfo"), "MemTotal") / 1024;
  f.page_bytes = sysconf(_SC_PAGESIZE);
  f.timer = probe_timer();

  // What stays: memory to the nearest GiB, since the kernel's own share changes with its version.
  std::string stable = f.architecture + "|" + f.cpu_model + "|" + family + "|" + std::to_string(f.cpus) + "|" +
                       std::to_string((f.memory_mib + 512) / 1024) + "|" + files.line("/etc/machine-id");
  for (const auto& c : f.caches) stable += "|" + std::to_string(c.level) + c.type + std::to_string(c.kib);
  f.machine_id = detail::salted_id(stable);
  return f;
}

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

int least_runnable(const std::function<int()>& look) {
  constexpr int most_looks = 6;
  int least = look();
  for (int i = 1; i < most_looks && least > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    least = std::min(least, look());
  }
  return least;
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
  static const environment_facts facts = read_environment({}, cpu_topology());
  return facts;
}

environment_moment read_moment(const kernel_files& files, const topology& t) {
  environment_moment m;
  m.ns = native::now();
  m.runnable = detail::least_runnable([&] {
    detail::read_loadavg(files.line("/proc/loadavg"), m);
    return m.runnable;
  });
  detail::read_stat(files.text("/proc/stat"), m);
  m.governor = governor(files, t);
  m.frequency_mhz = frequency_mhz(files, t);
  m.temperature_c = temperature_c(files);
  m.throttled_us = throttled_us(files);
  m.available_mib = kib_of(files.text("/proc/meminfo"), "MemAvailable") / 1024;
  return m;
}

environment_moment environment_now() { return read_moment({}, cpu_topology()); }

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

}  // namespace tally
