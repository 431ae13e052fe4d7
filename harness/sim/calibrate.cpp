#include "harness/sim/calibrate.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "harness/base/cpu_set.hpp"
#include "harness/base/errors.hpp"
#include "harness/base/files.hpp"
#include "harness/base/program.hpp"
#include "harness/counters/perf_group.hpp"
#include "harness/measure/environment.hpp"
#include "harness/measure/handoff_pairs.hpp"
#include "harness/measure/probe.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/measure/topology.hpp"
#include "harness/results/results_file.hpp"
#include "harness/sim/caches/machine.hpp"

namespace tally {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
// A memory buffer needs a multiple of the LLC; beyond this it takes minutes to build and little is gained.
constexpr std::uint64_t largest_buffer = 1024 * mib;
constexpr std::size_t most_pairs = 28;  // all of 8 processors
constexpr int usual_llc_ways = 16;      // of the server processors of the last ten years, most

int number_of(const std::string& text) { return text.empty() || text[0] < '0' || text[0] > '9' ? 0 : std::stoi(text); }

// What the kernel says of the data caches of a processor, and who shares the last one.
struct kernel_caches {
  host_cache l1, l2, llc;
  std::string sharing;  // of the last level: a list of processors
};
kernel_caches caches_of(int cpu) {
  kernel_caches found;
  int last = 0;
  for (int i = 0;; ++i) {
    const std::string at = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index{}/", cpu, i);
    const int level = number_of(line_of(at + "level"));
    if (level == 0) break;
    if (line_of(at + "type") == "Instruction") continue;
    const std::string size = line_of(at + "size");  // 32K
    const std::uint64_t unit = size.ends_with("M") ? mib : 1024;
    const host_cache c{static_cast<std::uint64_t>(number_of(size)) * unit, number_of(line_of(at + "ways_of_associativity")),
                       false, fmt::format("index{}", i)};
    if (level == 1) found.l1 = c;
    if (level == 2) found.l2 = c;
    if (level >= last) {
      last = level;
      found.llc = c;
      found.sharing = line_of(at + "shared_cpu_list");
    }
  }
  if (last == 2) found.l2 = {};  // the second level is the last
  return found;
}

// What the C library knows, for kernels that show nothing. It does not know who shares what.
kernel_caches caches_by_sysconf() {
  const auto known = [](int name) { return static_cast<std::uint64_t>(std::max(sysconf(name), 0L)); };
  const auto level = [&](int bytes, int ways, const char* index) {
    return host_cache{known(bytes), static_cast<int>(known(ways)), false, index, "sysconf"};
  };
  kernel_caches found{level(_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL1_DCACHE_ASSOC, "level1"),
                      level(_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL2_CACHE_ASSOC, "level2"),
                      level(_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL3_CACHE_ASSOC, "level3"), ""};
  if (found.llc.bytes == 0) found.llc = std::exchange(found.l2, {});
  return found;
}

// Runs f on one processor and puts the thread back where it was.
template <class F>
void on_cpu(int cpu, F&& f) {
  const cpu_set before = cpu_set::of_this_thread();
  cpu_set(std::span(&cpu, 1)).bind();
  f();
  before.bind();
}

void measure_levels(calibration& c) {
  const std::uint64_t available = static_cast<std::uint64_t>(environment_now().available_mib) * mib;
  const std::uint64_t below_llc = c.l2.bytes != 0 ? c.l2.bytes : c.l1.bytes;
  const auto add = [&](const char* name, std::uint64_t bytes) { c.levels.push_back({name, bytes, chase_ns(bytes)}); };
  add("l1", c.l1.bytes / 2);
  // Beyond the level below, and well within this one: pages lie where they lie, so that some sets of half a cache overflow; and
  // of a shared LLC others use a part (on a virtual machine, strangers).
  if (c.l2.bytes != 0) add("l2", std::min(std::max(c.l2.bytes / 4, 4 * c.l1.bytes), c.l2.bytes / 2));
  add("llc", std::min(4 * below_llc, c.llc.bytes / 2));
  const std::uint64_t room = std::min(largest_buffer, available / 4), wanted = 4 * c.llc.bytes;
  if (room < wanted) {
    c.notes.push_back(fmt::format("memory was measured in {} MiB, {:.1f} times the LLC: a part of it may have hit", room / mib,
                                  static_cast<double>(room) / static_cast<double>(c.llc.bytes)));
  }
  add("memory", std::min(room, wanted));
}

void measure_pairs(calibration& c, const topology& machine, const std::map<int, std::string>& llc_of) {
  for (const auto& [a, b] : cpu_pairs(machine, most_pairs, with_siblings::no)) {
    const handoff_probe p = probe_handoff(a.cpu, b.cpu, 20'000'000, hand_over::exchange);
    if (!p.absent.empty()) {
      c.notes.push_back(fmt::format("hand-off between processors {} and {}: {}", a.cpu, b.cpu, p.absent));
      continue;
    }
    const char* way = llc_of.at(a.cpu) == llc_of.at(b.cpu) ? "same_llc" : a.package == b.package ? "same_socket" : "other_socket";
    c.pairs.push_back({a.cpu, b.cpu, way, p.p50_ns});
    if (p.lost_share > probe_lost) {
      c.notes.push_back(
          fmt::format("processors {} and {}: the probe lost {:.0f} % of its time", a.cpu, b.cpu, 100 * p.lost_share));
    }
  }
}

double ns_of(const calibration& c, const char* level) {
  const auto found = std::ranges::find(c.levels, level, &measured_level::name);
  if (found == c.levels.end()) throw usage_error(fmt::format("calibration: {} was not measured", level));
  return found->ns;
}

std::uint64_t buffer_of(const calibration& c, const char* level) {
  const auto found = std::ranges::find(c.levels, level, &measured_level::name);
  return found == c.levels.end() ? 0 : found->buffer_bytes;
}

// The median of the pairs of a way; 0 where there is none.
double transfer_of(const calibration& c, const char* way) {
  std::vector<double> ns;
  for (const auto& p : c.pairs) {
    if (p.way == way) ns.push_back(p.ns);
  }
  return ns.empty() ? 0 : median(ns);
}

std::string size_text(std::uint64_t bytes) {
  return bytes % mib == 0 ? fmt::format("{} MiB", bytes / mib) : fmt::format("{} KiB", bytes / 1024);
}

}  // namespace

calibration calibrate_host() {
  const topology& machine = cpu_topology();
  if (machine.cores() < 2) throw usage_error("calibration: needs two cores, for what a line transfer costs");
  calibration c;
  const std::time_t now = std::time(nullptr);
  c.date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
  c.cpu_model = environment().cpu_model;
  c.vendor = this_cpu().vendor;
  std::map<int, std::string> llc_of;
  std::set<std::string> llcs;
  for (const auto& place : machine.cpus) {
    kernel_caches found = caches_of(place.cpu);
    if (found.l1.bytes == 0) {
      found = caches_by_sysconf();
      found.sharing = std::to_string(place.package);
      c.sharing_known = false;
    }
    if (found.l1.bytes == 0 || found.llc.bytes == 0) {
      throw usage_error(
          fmt::format("calibration: neither the kernel nor the C library knows the caches of processor {}", place.cpu));
    }
    if (place.cpu == machine.cpus.front().cpu) c.l1 = found.l1, c.l2 = found.l2, c.llc = found.llc;
    llc_of[place.cpu] = found.sharing;
    llcs.insert(found.sharing);
  }
  if (!c.sharing_known) {
    c.notes.push_back("the kernel shows no caches: sizes are the C library's, and the LLC is taken to be one a socket");
  }
  if (c.llc.ways == 0) {
    c.notes.push_back(fmt::format("nobody says how many ways the LLC has; {} are assumed", usual_llc_ways));
    c.llc.ways = usual_llc_ways;
    c.llc.ways_assumed = true;
  }
  c.sockets = machine.packages();
  c.llcs_per_socket = std::max(1, static_cast<int>(llcs.size()) / c.sockets);
  c.cores_per_llc = std::max(1, machine.cores() / (c.sockets * c.llcs_per_socket));
  if (c.sockets * c.llcs_per_socket * c.cores_per_llc != machine.cores()) {
    c.notes.push_back(fmt::format("the {} usable cores are not evenly spread over the caches; the file says {} x {} x {}",
                                  machine.cores(), c.sockets, c.llcs_per_socket, c.cores_per_llc));
  }
  on_cpu(machine.cpus.front().cpu, [&] {
    c.clock_ghz = 1 / clock_period_ns();
    c.store_ns = uncontended_store_ns();
    c.rmw_ns = uncontended_rmw_ns();
    measure_levels(c);
  });
  measure_pairs(c, machine, llc_of);
  return c;
}

std::string machine_text(const calibration& c) {
  const std::string host = fmt::format("measured:{}:", c.date), kernel = fmt::format("sysfs:{}:", c.date);
  std::string out = fmt::format(
      "# {}, as measured on {}; sizes and topology are what its kernel shows. Sources say when and "
      "how.\n",
      c.cpu_model, c.date);
  for (const auto& n : c.notes) out += fmt::format("# {}\n", n);
  for (const auto& p : c.pairs) out += fmt::format("# hand-off {} - {}: {:.1f} ns ({})\n", p.cpu_a, p.cpu_b, p.ns, p.way);
  const auto line = [&](std::string_view key, const std::string& value, const std::string& source) {
    out += fmt::format("{:21} = {:10} [{}]\n", key, value, source);
  };
  const auto cycles = [&](double ns) { return fmt::format("{} cycles", std::max(1L, std::lround(ns * c.clock_ghz))); };
  const auto cache = [&](const char* name, const host_cache& h) {
    if (h.ways <= 0) throw usage_error(fmt::format("calibration: the kernel does not say how many ways {} has", name));
    const std::string source = fmt::format("{}:{}:{}", h.from, c.date, h.index);
    line(fmt::format("{}.bytes", name), size_text(h.bytes), source);
    line(fmt::format("{}.ways", name), std::to_string(h.ways), h.ways_assumed ? "assumed:usual-for-servers" : source);
  };
  const auto chase = [&](const char* level) {
    std::string buffer = size_text(buffer_of(c, level));
    std::ranges::replace(buffer, ' ', '-');
    return host + "chase-of-" + buffer;
  };
  line("clock", fmt::format("{:.2f} GHz", c.clock_ghz), host + "dependent-additions");
  line("sockets", std::to_string(c.sockets), kernel + "topology");
  const std::string sharing = c.sharing_known ? kernel + "shared_cpu_list" : "assumed:one-LLC-a-socket";
  line("llcs_per_socket", std::to_string(c.llcs_per_socket), sharing);
  line("cores_per_llc", std::to_string(c.cores_per_llc), sharing);
  cache("l1", c.l1);
  if (c.l2.bytes != 0) cache("l2", c.l2);
  cache("llc", c.llc);
  // Can't be measured from here.
  if (c.vendor == "AuthenticAMD") {
    line("llc.policy", "victim", "perf-book");
  } else if (c.vendor == "GenuineIntel" && c.l2.bytes >= mib) {
    line("llc.policy", "victim", "CVW");
  } else {
    line("llc.policy", "noninclusive", "assumed:nothing-is-known-of-it");
  }
  line("l1.hit", cycles(ns_of(c, "l1")), chase("l1"));
  if (c.l2.bytes != 0) line("l2.hit", cycles(ns_of(c, "l2")), chase("l2"));
  line("llc.hit", cycles(ns_of(c, "llc")), chase("llc"));
  line("memory", fmt::format("{:.1f} ns", ns_of(c, "memory")), chase("memory"));
  const double near = transfer_of(c, "same_llc"), socket = transfer_of(c, "same_socket"), other = transfer_of(c, "other_socket");
  const std::string probe = host + "compare-exchange-ping-pong";
  if (near == 0 && socket == 0 && other == 0) throw usage_error("calibration: no hand-off between cores could be measured");
  // Where every core has an LLC of its own, nothing is transferred under one: the nearest way stands there and is never used.
  const double nearest = near != 0 ? near : socket != 0 ? socket : other;
  line("transfer.same_llc", fmt::format("{:.1f} ns", nearest), near != 0 ? probe : probe + ":no-pair-shares-an-llc");
  if (c.llcs_per_socket > 1) {
    line("transfer.same_socket", fmt::format("{:.1f} ns", socket != 0 ? socket : nearest), probe);
  }
  if (c.sockets > 1) {
    if (other == 0) throw usage_error("calibration: no hand-off between sockets could be measured");
    line("transfer.other_socket", fmt::format("{:.1f} ns", other), probe);
  }
  line("store.hit", cycles(c.store_ns), host + "stores-in-a-row");
  line("rmw.hit", cycles(c.rmw_ns), host + "dependent-fetch_adds");
  return out;
}

std::string calibrate_into(const std::string& file) {
  if (std::filesystem::exists(file)) throw usage_error(fmt::format("{}: is there already", file));
  const calibration c = calibrate_host();
  const std::string text = machine_text(c);
  try {
    (void)sim::parse_machine(text, file);
  } catch (const usage_error& e) {
    throw usage_error(
        fmt::format("{}; the figures contradict each other, nothing is written: try again on a quieter machine", e.what()));
  }
  write_whole(file, text);
  // A word is the name of a machine that is shipped.
  const std::string named = file.find_first_of("/.") == std::string::npos ? "./" + file : file;
  return fmt::format("{}\n{}: written; {}\n", text, file, command("sim", "--machine", named));
}

}  // namespace tally
