#include "harness/sim/caches/machine.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "harness/base/bundled.hpp"
#include "harness/base/files.hpp"
#include "harness/base/sourced.hpp"
#include "harness/base/text.hpp"

namespace tally::sim {
namespace {

enum class unit : std::uint8_t { count, bytes, latency, clock, word };

// A figure: where a number goes, and the machines that have it.
struct key_info {
  std::string_view name;
  unit in;
  unsigned machine::* count = nullptr;
  std::uint32_t machine::* cost = nullptr;
  bool (*had_by)(const machine&) = [](const machine&) { return true; };
  const char* otherwise = "";  // why a machine that lacks it has no use for it
};

constexpr auto with_l2 = [](const machine& m) { return m.l2.bytes != 0; };
constexpr auto with_llcs = [](const machine& m) { return m.llcs_per_socket > 1; };
constexpr auto with_sockets = [](const machine& m) { return m.sockets > 1; };

// Geometries and the policy have a check of their own: in finish().
constexpr key_info keys[] = {
    {"clock", unit::clock},
    {"sockets", unit::count, &machine::sockets},
    {"llcs_per_socket", unit::count, &machine::llcs_per_socket},
    {"cores_per_llc", unit::count, &machine::cores_per_llc},
    {"l1.bytes", unit::bytes},
    {"l1.ways", unit::count},
    {"l2.bytes", unit::bytes},
    {"l2.ways", unit::count},
    {"llc.bytes", unit::bytes},
    {"llc.ways", unit::count},
    {"llc.policy", unit::word},
    {"l1.hit", unit::latency, nullptr, &machine::l1_hit},
    {"l2.hit", unit::latency, nullptr, &machine::l2_hit, with_l2, "the machine has no L2"},
    {"llc.hit", unit::latency, nullptr, &machine::llc_hit},
    {"memory", unit::latency, nullptr, &machine::memory},
    {"transfer.same_llc", unit::latency, nullptr, &machine::transfer},
    {"transfer.same_socket", unit::latency, nullptr, &machine::transfer_llc, with_llcs, "the machine has one LLC a socket"},
    {"transfer.other_socket", unit::latency, nullptr, &machine::transfer_socket, with_sockets, "the machine has one socket"},
    {"store.hit", unit::latency, nullptr, &machine::store_hit},
    {"rmw.hit", unit::latency, nullptr, &machine::rmw_hit},
};

struct entry {
  unsigned line = 0;
  double value = 0;
  bool in_ns = false;
  std::string word;
};

class reader {
 public:
  reader(std::string_view text, const std::string& label) : lines_(text, label) {
    out_.name = std::filesystem::path(label).stem().string();
    for (const sourced_line& l : lines_.all()) one(l);
  }

  machine finish() {
    out_.clock_ghz = need("clock").value;
    for (const auto& k : keys) {
      if (k.count != nullptr) out_.*k.count = count(std::string(k.name));
    }
    // In floating point: three numbers of up to 1e9 do not wrap around.
    const double cores = need("sockets").value * need("llcs_per_socket").value * need("cores_per_llc").value;
    if (cores > most_cores) {
      refuse(at("cores_per_llc"), fmt::format("{:.0f} cores; at most {}", cores, most_cores));
    }
    if (out_.sockets * out_.llcs_per_socket > most_llcs) {
      refuse(at("llcs_per_socket"), fmt::format("{} LLCs; at most {}", out_.sockets * out_.llcs_per_socket, most_llcs));
    }
    out_.l1 = cache("l1", true);
    if (given("l2.bytes") || given("l2.ways") || given("l2.hit")) {
      out_.l2 = cache("l2", true);
      if (out_.l2.bytes < out_.l1.bytes) refuse(at("l2.bytes"), "L2 includes L1, so it is no smaller");
    }
    out_.llc = cache("llc", false);
    const entry& policy = need("llc.policy");
    const auto named = std::ranges::find(policy_names, policy.word);
    if (named == policy_names.end()) {
      refuse(policy.line, fmt::format("llc.policy is inclusive, noninclusive or victim, not {}", policy.word));
    }
    out_.policy = static_cast<llc_policy>(named - policy_names.begin());
    for (const auto& k : keys) {
      if (k.cost != nullptr) cost(k);
    }
    if (out_.l2.bytes != 0 && out_.l2_hit <= out_.l1_hit) refuse(at("l2.hit"), "an L2 hit takes longer than an L1 hit");
    if (out_.llc_hit <= std::max(out_.l1_hit, out_.l2_hit)) {
      refuse(at("llc.hit"), "an LLC hit takes longer than a private one");
    }
    if (out_.memory <= out_.llc_hit) refuse(at("memory"), "memory takes longer than the LLC");
    return std::move(out_);
  }

 private:
  [[noreturn]] void refuse(unsigned line, const std::string& why) const { lines_.refuse(line, why); }

  void one(const sourced_line& l) {
    const auto* known = std::find_if(std::begin(keys), std::end(keys), [&](const key_info& k) { return k.name == l.key; });
    if (known == std::end(keys)) {
      std::vector<std::string> names;
      for (const key_info& k : keys) names.emplace_back(k.name);
      const std::string close = nearest(l.key, names);
      refuse(l.line, fmt::format("no such key: {}{}", l.key, close.empty() ? "" : fmt::format("; did you mean {}?", close)));
    }
    if (given(l.key)) refuse(l.line, fmt::format("{} stands in line {} already", l.key, entries_[l.key].line));
    out_.figures.push_back({l.key, l.value, l.source});
    entries_[l.key] = value(l, known->in);
  }

  entry value(const sourced_line& l, unit in) const {
    const std::string_view text = l.value;
    entry e;
    e.line = l.line;
    if (in == unit::word) {
      e.word = text;
      return e;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), e.value);
    std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
    suffix.remove_prefix(std::min(suffix.find_first_not_of(" \t"), suffix.size()));
    const auto wrong = [&](const char* form) { refuse(l.line, fmt::format("{} = {}: expected {}", l.key, text, form)); };
    const bool whole = e.value == std::floor(e.value);
    if (error != std::errc{} || !(e.value > 0) || e.value > 1e9) wrong("a number above 0");
    switch (in) {
      case unit::count:
        if (!suffix.empty() || !whole) wrong("a whole number");
        break;
      case unit::bytes:
        if (suffix != "KiB" && suffix != "MiB") wrong("KiB or MiB");
        e.value *= suffix == "KiB" ? 1024.0 : 1024.0 * 1024.0;
        if (e.value != std::floor(e.value)) wrong("whole bytes");
        break;
      case unit::latency:
        e.in_ns = suffix == "ns";
        if (!e.in_ns && (suffix != "cycles" || !whole)) wrong("whole cycles, or ns");
        break;
      case unit::clock:
        if (suffix != "GHz") wrong("GHz");
        break;
      case unit::word: break;
    }
    return e;
  }

  [[nodiscard]] bool given(const std::string& key) const { return entries_.count(key) != 0; }
  [[nodiscard]] unsigned at(const std::string& key) const { return entries_.at(key).line; }
  const entry& need(const std::string& key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) refuse(0, fmt::format("{} is missing", key));
    return found->second;
  }
  unsigned count(const std::string& key) const { return static_cast<unsigned>(need(key).value); }
  std::uint32_t latency(const std::string& key) const {
    const entry& e = need(key);
    const double c = std::round(e.in_ns ? e.value * out_.clock_ghz : e.value);
    if (c < 1 || c > 1e6) refuse(e.line, fmt::format("{} is {} cycles at {} GHz", key, c, out_.clock_ghz));
    return static_cast<std::uint32_t>(c);
  }
  // A figure of what the machine does not have says nothing.
  void cost(const key_info& k) {
    const std::string key(k.name);
    if (k.had_by(out_)) {
      out_.*k.cost = latency(key);
    } else if (given(key)) {
      refuse(at(key), fmt::format("{} is of no use: {}", key, k.otherwise));
    }
  }
  cache_geometry cache(const std::string& level, bool indexed_by_bits) const {
    const cache_geometry g{static_cast<std::uint64_t>(need(level + ".bytes").value), count(level + ".ways")};
    if (g.bytes % (std::uint64_t{line_bytes} * g.ways) != 0) {
      refuse(at(level + ".ways"), fmt::format("{} bytes are not sets of {} lines of {}", g.bytes, g.ways, line_bytes));
    }
    if (g.bytes / line_bytes / g.ways > std::numeric_limits<unsigned>::max()) {
      refuse(at(level + ".bytes"), "more sets than there can be");
    }
    if (indexed_by_bits && !std::has_single_bit(g.sets())) {
      refuse(at(level + ".ways"), fmt::format("{} sets; a private cache has a power of two", g.sets()));
    }
    return g;
  }

  sourced_lines lines_;
  std::map<std::string, entry> entries_;
  machine out_;
};

}  // namespace

machine parse_machine(std::string_view text, const std::string& label) { return reader(text, label).finish(); }

std::vector<std::string> machine_names() {
  std::vector<std::string> names;
  for (const auto& file : bundled_files(bundled::machines, ".machine")) names.push_back(file.stem().string());
  return names;
}

machine load_machine(const std::string& name_or_path) {
  const bool path = name_or_path.find_first_of("/.") != std::string::npos;
  if (const std::string why = bundled_missing(bundled::machines); !path && !why.empty()) throw results_error(why);
  const auto text =
      text_in(path ? std::filesystem::path(name_or_path) : *bundled_folder(bundled::machines) / (name_or_path + ".machine"));
  if (!text) {
    if (path) throw usage_error(fmt::format("--machine {}: can't be read", name_or_path));
    throw usage_error(no_such("--machine", name_or_path, "machine", machine_names()));
  }
  return parse_machine(*text, path ? name_or_path : name_or_path + ".machine");
}

}  // namespace tally::sim
