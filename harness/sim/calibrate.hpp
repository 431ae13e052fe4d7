// This host as a machine file for the simulator: what can be measured from here, measured; what the kernel says, quoted.
//
// Latencies come from chasing pointers through buffers that fit each level, transfers from the hand-off probe between pairs of
// processors, the clock from a chain of dependent additions, since a virtual machine shows no frequency and its time stamp
// counter ticks at another one. Every figure of the file names when and how it was obtained.
//
// What it can't do: tell an inclusive LLC from others (the file quotes the vendor, or takes the weakest assumption); know what
// a hypervisor hides (sizes and topology are the kernel's word, or the C library's, which asks the processor); separate the TLB
// from memory (huge pages are asked for). On a busy machine the figures contradict each other, and then no file is written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tally {

struct measured_level {
  std::string name;  // l1, l2, llc, memory
  std::uint64_t buffer_bytes = 0;
  double ns = 0;  // a dependent load
};

struct measured_pair {
  int cpu_a = 0, cpu_b = 0;
  std::string way;  // same_llc, same_socket, other_socket
  double ns = 0;    // one way
};

struct host_cache {
  std::uint64_t bytes = 0;
  int ways = 0;
  bool ways_assumed = false;   // nobody says
  std::string index;           // of the kernel's directory: "index3"; "level3" of the C library
  std::string from = "sysfs";  // or "sysconf", where the kernel shows no caches (some virtual machines)
};

struct calibration {
  std::string date;  // of the measurement, 2026-11-22
  std::string cpu_model, vendor;
  int sockets = 1, llcs_per_socket = 1, cores_per_llc = 1;
  host_cache l1, l2, llc;
  bool sharing_known = true;  // who shares the LLC; else it is taken to be one a socket
  double clock_ghz = 0;
  double store_ns = 0, rmw_ns = 0;
  std::vector<measured_level> levels;
  std::vector<measured_pair> pairs;
  std::vector<std::string> notes;  // what was not as it should be
};

// Some seconds, on the processors that this process may use. Throws usage_error where a figure can't be had at all.
[[nodiscard]] calibration calibrate_host();

// The text of a machine file, as harness/sim/caches/machine.hpp reads it. Throws usage_error: a figure is missing.
[[nodiscard]] std::string machine_text(const calibration&);

// Measures and writes; returns what there is to say. Throws usage_error: FILE is there already, or the figures contradict each
// other; results_error: it can't be written. Then nothing is.
std::string calibrate_into(const std::string& file);

// The parts, for tests. All in ns, the best of several tries: whatever disturbs makes them longer.
[[nodiscard]] double clock_period_ns();                     // of one dependent addition
[[nodiscard]] double chase_ns(std::uint64_t buffer_bytes);  // of one dependent load, lines in random order
[[nodiscard]] double uncontended_store_ns();
[[nodiscard]] double uncontended_rmw_ns();
// A single cycle through all of `n` places in random order: next[i] is the place after i.
[[nodiscard]] std::vector<std::uint32_t> random_cycle(std::uint32_t n, std::uint64_t seed);

}  // namespace tally
