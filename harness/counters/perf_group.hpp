// Groups of hardware counters, as text files: which events, on which processors, and what is computed from them.
//
//   summary   one line
//   note      what it can't tell; any number of lines
//   multiplex refuse | scale SHARE    when the kernel shared the counters out in time: no figure, or a scaled one if the events
//                                     were on the PMU for at least SHARE of the time (the default: scale 0.5)
//   on VENDOR FAMILY/MODEL ... | on any              what follows is for these processors; the first section that fits is used
//   event NAME [kernel] = ENCODING [| ENCODING] ; SOURCE
//   metric NAME UNIT = FORMULA ; MEANING             over the section's events, `ops`, `seconds` (of lanes) and `lanes`
//
// An ENCODING is generic:NAME and cache:LEVEL.OP.RESULT (the kernel's own names for what most processors have),
// software:NAME, raw:event=N,umask=N,offcore=N,cmask=N, or pfm:NAME (libpfm4's tables; left aside in a build without it). Of
// several, the first that this build knows is used. `kernel`: the event happens in the kernel (a context switch), and is asked
// for there too.
//
// The parser is strict: whatever it does not know is an error that names file and line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/counters/perf_formula.hpp"

namespace tally {

// What perf_event_open is asked for.
struct perf_code {
  std::uint32_t type = 0;
  std::uint64_t config = 0, config1 = 0;
  bool kernel = false;
  friend bool operator==(const perf_code&, const perf_code&) = default;
};

struct cpu_identity {
  std::string vendor;  // as /proc/cpuinfo has it
  int family = 0, model = 0;
  [[nodiscard]] std::string text() const;  // "AuthenticAMD 25/17"
};
[[nodiscard]] const cpu_identity& this_cpu();
[[nodiscard]] cpu_identity read_cpuinfo(const std::string& text);

struct counter_event {
  std::string name;
  bool kernel = false;
  std::vector<std::string> encodings;
  std::string source;
};

struct counter_metric {
  std::string name, unit, text, meaning;
  formula value;
};

struct model_range {
  int family = 0, first = 0, last = 0;
};

// The events of one kind of processor.
struct counter_section {
  std::string vendor;  // "any": all
  std::vector<model_range> models;
  std::vector<counter_event> events;
  std::vector<counter_metric> metrics;
  [[nodiscard]] bool fits(const cpu_identity&) const;
};

struct counter_group {
  std::string name, summary;
  std::vector<std::string> notes;
  double least_share = 0.5;  // above 1: refuse whatever was shared out
  std::vector<counter_section> sections;
  [[nodiscard]] const counter_section* section_for(const cpu_identity&) const;
};

// Throws usage_error, "FILE:LINE: ...". The name is the file's without directories and ending.
[[nodiscard]] counter_group parse_counter_group(const std::string& file, std::string_view text);

// The groups that come with Tally, by name. Throws usage_error if one of them can't be read.
[[nodiscard]] const std::vector<counter_group>& built_in_counters();
// One of --counters': a name of those, or a file (with a slash, or ending in .group).
struct counter_choice {
  std::string typed;
  counter_choice() = default;
  counter_choice(const char* name) : typed(name) {}
  // Throws usage_error where there is none.
  [[nodiscard]] static counter_choice read(std::string_view flag, std::string_view text);
  [[nodiscard]] const std::string& text() const { return typed; }
  friend bool operator==(const counter_choice&, const counter_choice&) = default;
};
// What they name. Throws usage_error: there is none, or one is there twice.
[[nodiscard]] std::vector<counter_group> choose_counters(const std::vector<std::string>& typed);

// What the kernel is asked for; nothing if this build can't tell, and why in `reason`. Throws usage_error for what no build
// could: a name that does not exist.
[[nodiscard]] std::optional<perf_code> encode(std::string_view encoding, std::string& reason);
// libpfm4's opinion; empty with a reason in a build without it.
[[nodiscard]] std::optional<perf_code> encode_by_libpfm(const std::string& name, std::string& reason);
[[nodiscard]] bool has_libpfm();

}  // namespace tally
