// Short probes of the machine: what a cache line costs to hand over between two CPUs, what the clock costs, and what it costs to
// keep a latency.
//
// The hand-off probe is a ping-pong of one line between two pinned threads. Its level says how far apart the two CPUs are (the
// hyper-threads of one core, one die, two sockets), which a virtual machine's topology files need not tell truly and a
// hypervisor may change from one second to the next; its tail says whether both were running. So a row is probed before and
// after: a contended result means something only between two probes that agree.
//
// What it can't do: see which physical cores it ran on, or measure a single direction (a round trip is halved).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tally {

struct handoff_probe {
  int cpu_a = -1, cpu_b = -1;
  std::uint64_t round_trips = 0;
  double p10_ns = 0, p50_ns = 0, p90_ns = 0, p99_ns = 0, max_ns = 0;  // one way
  double lost_share = 0;  // of the probe's time, the part in round trips above lost_round_trip_ns: a partner was not running
  std::string absent;     // why there is no figure; empty: there is one
};

// A round trip longer than this is a gap and not a transfer: the slowest interconnects hand a line over in 1 to 2 us, and the
// shortest time slice of a scheduler is above 100 us.
inline constexpr double lost_round_trip_ns = 50'000;

// How a turn is taken.
//   store      by a store, seen by a load that spins: two transactions a hand-over, since the store has to take the line from
//              the reader, and the reader's load to fetch it. What threads that wait for each other do
//   exchange   by a compare-exchange that spins: one transaction, a line transfer. What the simulator calls one, and what
//              [Viennot22] measures
enum class hand_over { store, exchange };

// Takes about `budget_ns` (when a partner is not running, until it has run, at most 20 times that). Starts two threads; the
// caller's affinity is not touched.
[[nodiscard]] handoff_probe probe_handoff(int cpu_a, int cpu_b, std::uint64_t budget_ns = 3'000'000,
                                          hand_over by = hand_over::store);

// The arithmetic: round trips in ns, each with one clock reading of `clock_cost_ns` inside.
[[nodiscard]] handoff_probe summarise_handoff(std::span<const std::uint64_t> round_trips_ns, double clock_cost_ns);

struct timer_probe {
  double cost_ns = 0;        // one reading of the harness's clock, median
  double resolution_ns = 0;  // the smallest step between two readings that differ
};
[[nodiscard]] timer_probe probe_timer();

// What it takes a histogram to record a value, in ns: the median over batches of latencies from 16 ns to 1 ms, spread evenly over
// their logarithms, so that its buckets are used as a latency row uses them.
[[nodiscard]] double probe_histogram_ns();

}  // namespace tally
