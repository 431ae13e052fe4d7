// From an encoding in a group's text to what perf_event_open is asked for.
#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "harness/base/text.hpp"
#include "harness/counters/perf_group.hpp"

namespace tally {
namespace {

struct code_name {
  std::string_view name;
  std::uint64_t code;
};

constexpr std::array<code_name, 10> generic{{
    {"cycles", PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_COUNT_HW_INSTRUCTIONS},
    {"cache-references", PERF_COUNT_HW_CACHE_REFERENCES},
    {"cache-misses", PERF_COUNT_HW_CACHE_MISSES},
    {"branches", PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {"branch-misses", PERF_COUNT_HW_BRANCH_MISSES},
    {"bus-cycles", PERF_COUNT_HW_BUS_CYCLES},
    {"stalled-frontend", PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    {"stalled-backend", PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    {"ref-cycles", PERF_COUNT_HW_REF_CPU_CYCLES},
}};
constexpr std::array<code_name, 7> software{{
    {"cpu-clock", PERF_COUNT_SW_CPU_CLOCK},
    {"task-clock", PERF_COUNT_SW_TASK_CLOCK},
    {"page-faults", PERF_COUNT_SW_PAGE_FAULTS},
    {"minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {"major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    {"context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"cpu-migrations", PERF_COUNT_SW_CPU_MIGRATIONS},
}};
constexpr std::array<code_name, 5> cache_levels{{
    {"l1d", PERF_COUNT_HW_CACHE_L1D},
    {"l1i", PERF_COUNT_HW_CACHE_L1I},
    {"ll", PERF_COUNT_HW_CACHE_LL},
    {"dtlb", PERF_COUNT_HW_CACHE_DTLB},
    {"node", PERF_COUNT_HW_CACHE_NODE},
}};
constexpr std::array<code_name, 3> cache_ops{{
    {"read", PERF_COUNT_HW_CACHE_OP_READ},
    {"write", PERF_COUNT_HW_CACHE_OP_WRITE},
    {"prefetch", PERF_COUNT_HW_CACHE_OP_PREFETCH},
}};
constexpr std::array<code_name, 2> cache_results{{
    {"access", PERF_COUNT_HW_CACHE_RESULT_ACCESS},
    {"miss", PERF_COUNT_HW_CACHE_RESULT_MISS},
}};

template <std::size_t N>
std::uint64_t named(std::string_view kind, std::string_view name, const std::array<code_name, N>& table) {
  std::vector<std::string> known;
  for (const auto& t : table) {
    if (t.name == name) return t.code;
    known.emplace_back(t.name);
  }
  throw usage_error(no_such(kind, name, "event", known));
}

std::string_view piece(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const std::string_view p = rest.substr(0, end);
  rest = end < rest.size() ? rest.substr(end + 1) : std::string_view{};
  return p;
}

perf_code cache(std::string_view text) {
  std::string_view rest = text;
  const std::uint64_t level = named("cache:", piece(rest, '.'), cache_levels);
  const std::uint64_t op = named("cache:", piece(rest, '.'), cache_ops);
  const std::uint64_t result = named("cache:", piece(rest, '.'), cache_results);
  if (!rest.empty()) throw usage_error(fmt::format("cache:{}: LEVEL.OP.RESULT", text));
  return {PERF_TYPE_HW_CACHE, level | op << 8 | result << 16};
}

// The layout of x86's event-select registers, as Linux has it in /sys/bus/event_source/devices/cpu/format: event in bits 0 to 7
// (AMD's upper four in 32 to 35), umask 8 to 15, cmask 24 to 31; the request mask of Intel's offcore events in config1.
perf_code raw(std::string_view text) {
  perf_code code{PERF_TYPE_RAW, 0, 0};
  bool event = false;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view value = piece(rest, ',');
    const std::string_view name = piece(value, '=');
    const bool hex = value.starts_with("0x");
    std::uint64_t n = 0;
    const char* const first = value.data() + (hex ? 2 : 0);
    const char* const last = value.data() + value.size();
    const auto [end, error] = std::from_chars(first, last, n, hex ? 16 : 10);
    if (error != std::errc{} || end != last) throw usage_error(fmt::format("raw:{}: {}={} is no number", text, name, value));
    const auto at_most = [&](std::uint64_t most) {
      if (n > most) throw usage_error(fmt::format("raw:{}: {} is at most {:#x}", text, name, most));
    };
    if (name == "event") {
      at_most(0xfff);
      code.config |= (n & 0xff) | (n >> 8) << 32;
      event = true;
    } else if (name == "umask") {
      at_most(0xff);
      code.config |= n << 8;
    } else if (name == "cmask") {
      at_most(0xff);
      code.config |= n << 24;
    } else if (name == "offcore") {
      code.config1 = n;
    } else {
      static const std::vector<std::string> known{"event", "umask", "cmask", "offcore"};
      throw usage_error(no_such("raw:", name, "field", known));
    }
  }
  if (!event) throw usage_error(fmt::format("raw:{}: needs event=N", text));
  return code;
}

}  // namespace

std::optional<perf_code> encode(std::string_view encoding, std::string& reason) {
  std::string_view rest = encoding;
  const std::string_view kind = piece(rest, ':');
  if (rest.empty()) throw usage_error(fmt::format("{}: generic:, cache:, software:, raw: or pfm:, and a name", encoding));
  if (kind == "generic") return perf_code{PERF_TYPE_HARDWARE, named("generic:", rest, generic)};
  if (kind == "software") return perf_code{PERF_TYPE_SOFTWARE, named("software:", rest, software)};
  if (kind == "cache") return cache(rest);
  if (kind == "raw") return raw(rest);
  if (kind == "pfm") return encode_by_libpfm(std::string(rest), reason);
  static const std::vector<std::string> kinds{"generic", "cache", "software", "raw", "pfm"};
  throw usage_error(no_such("", kind, "kind of event", kinds).substr(1));
}

}  // namespace tally
