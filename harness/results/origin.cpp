#include "harness/results/origin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/results/binary.hpp"

namespace tally {
namespace {

// How it was compiled. A sanitizer or a debug build is another program, and so is one of another compiler or library.
constexpr std::array build_fields{"compiler", "flags", "build_type", "sanitizer", "library"};
// The machine, and what of its system moves figures. Not what is probed anew in each process (the timer), the memory that the
// kernel left, and what counters there are.
constexpr std::array machine_fields{"machine_id", "cpu_model",        "architecture", "kernel",     "usable_cpus",   "smt",
                                    "governor",   "frequency_driver", "turbo",        "hypervisor", "isolated_cpus", "aslr",
                                    "thp",        "clocksource",      "container",    "libc",       "page_bytes"};

// What a run has one of; of a simulation, what the names of its rows do not have.
constexpr std::array protocol_fields{"window_ns", "ramp_ns", "pin"};
constexpr std::array simulation_fields{"schedules", "warm_up", "operations", "most_accesses"};

const json& part_of(const json& record, const char* key) {
  static const json none = json::object();
  const auto found = record.find(key);
  return found != record.end() && found->is_object() ? *found : none;
}

std::string value_in(const json& of, const char* key) {
  const auto found = of.find(key);
  if (found == of.end() || found->is_null()) return "not recorded";
  return found->is_string() ? found->get<std::string>() : found->dump(-1, ' ', false, json::error_handler_t::replace);
}

template <std::size_t N>
std::vector<origin_field> fields_of(std::string_view whose, const json& of, const std::array<const char*, N>& names) {
  std::vector<origin_field> fields;
  for (const char* name : names) fields.push_back({fmt::format("{}.{}", whose, name), value_in(of, name)});
  return fields;
}

// A zero byte ends each part, so that none runs into the next.
std::uint64_t hash_of(const std::vector<const std::vector<origin_field>*>& all, const std::string& executable) {
  const std::string_view end("", 1);
  std::uint64_t hash = text_hash(end, text_hash(executable));
  for (const auto* fields : all) {
    for (const auto& f : *fields) hash = text_hash(end, text_hash(f.value, hash));
  }
  return hash;
}

// A run measures some rows in brief windows, and is one origin with all of its rows.
std::string run_window(const json& config) {
  const auto window = config.find("window_ns"), briefs = config.find("briefs");
  if (briefs == config.end() || window == config.end() || !briefs->is_number_unsigned() || !window->is_number_unsigned()) {
    return value_in(config, "window_ns");
  }
  return fmt::format("{}", window->get<std::uint64_t>() * briefs->get<std::uint64_t>());
}

}  // namespace

std::string row_origin::name() const {
  return fmt::format("{}{}@{}-{:04x}", git.substr(0, 7), dirty ? "+" : "", machine.substr(0, 4),
                     hash_of({&build, &surround, &protocol}, executable) >> 48);
}

std::string row_origin::text() const {
  return fmt::format("git {}{}, {}, machine {}", git.substr(0, 12), dirty ? " (changed)" : "", cpu_model, machine.substr(0, 8));
}

row_origin origin_of(const json& record) {
  const json &binary = part_of(record, "binary"), &machine = part_of(record, "machine"), &config = part_of(record, "config");
  row_origin o;
  o.git = value_in(binary, "git");
  o.dirty = value_in(binary, "dirty") == "true";
  o.executable = value_in(binary, "executable");
  o.build = fields_of("binary", binary, build_fields);
  if (binary.contains("planted")) o.build.push_back({"binary.planted", value_in(binary, "planted")});
  if (machine.empty()) {
    o.cpu_model = "simulated";
    o.machine = "simulated";
    o.protocol = fields_of("config.simulation", part_of(config, "simulation"), simulation_fields);
    return o;
  }
  o.protocol = fields_of("config", config, protocol_fields);
  o.protocol.front().value = run_window(config);
  o.cpu_model = value_in(machine, "cpu_model");
  o.machine = value_in(machine, "machine_id");
  o.surround = fields_of("machine", machine, machine_fields);
  return o;
}

bool says_origin(const json& record) {
  const bool simulated = part_of(record, "config").value("mode", json()) == "simulated";
  return !part_of(record, "binary").empty() && (simulated || !part_of(record, "machine").empty());
}

std::vector<origin_difference> differences(const row_origin& here, const row_origin& there) {
  std::vector<origin_difference> all;
  for (const auto side : {&row_origin::build, &row_origin::surround, &row_origin::protocol}) {
    const auto &a = here.*side, &b = there.*side;
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      // A simulated origin has no machine: of one that has, each field differs.
      const origin_field &x = i < a.size() ? a[i] : origin_field{b[i].name, "not recorded"},
                         &y = i < b.size() ? b[i] : origin_field{a[i].name, "not recorded"};
      if (!(x == y)) all.push_back({x.name, x.value, y.value});
    }
  }
  return all;
}

}  // namespace tally
