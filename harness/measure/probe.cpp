#include "harness/measure/probe.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "harness/base/cpu_set.hpp"
#include "harness/base/histogram.hpp"
#include "harness/base/random.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/memory/native.hpp"

namespace tally {
namespace {

// The line that travels: even, a's turn; odd, b's. Alone on 128 bytes, since some machines fetch lines in pairs.
struct alignas(128) ball {
  std::atomic<std::uint64_t> turn{0};
  char rest[128 - sizeof(std::atomic<std::uint64_t>)];
};

struct court {
  ball line;
  alignas(128) std::atomic<bool> over{false};
  std::atomic<int> ready{0};
  std::atomic<int> unpinned{0};
};

// Spins until the turn is `mine`, and takes it; false when the probe is over. Looks at the other words and the clock seldom, so
// that the line alone is what it waits for.
bool take_turn(court& c, std::uint64_t mine, std::uint64_t deadline_ns, hand_over by) {
  for (unsigned spins = 1;; ++spins) {
    // relaxed: nothing is read that the turn publishes
    if (by == hand_over::exchange) {
      std::uint64_t expected = mine;
      if (c.line.turn.compare_exchange_strong(expected, mine + 1, std::memory_order_relaxed)) return true;
    } else if (c.line.turn.load(std::memory_order_relaxed) == mine) {
      c.line.turn.store(mine + 1, std::memory_order_relaxed);
      return true;
    }
    if ((spins & 1023) == 0) {
      if (c.over.load(std::memory_order_relaxed) || native::now() > deadline_ns) return false;
    }
  }
}

bool arrive(court& c, int cpu, std::uint64_t deadline_ns) {
  if (!cpu_set(std::span(&cpu, 1)).bind()) c.unpinned.fetch_add(1, std::memory_order_relaxed);
  c.ready.fetch_add(1, std::memory_order_release);  // pairs with the acquire below: unpinned is known once both are here
  return native::wait_until([&] { return c.ready.load(std::memory_order_acquire) == 2; }, deadline_ns) &&
         c.unpinned.load(std::memory_order_relaxed) == 0;
}

double quantile(const std::vector<std::uint64_t>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return static_cast<double>(sorted[rank == 0 ? 0 : rank - 1]);
}

}  // namespace

handoff_probe summarise_handoff(std::span<const std::uint64_t> round_trips_ns, double clock_cost_ns) {
  handoff_probe p;
  p.round_trips = round_trips_ns.size();
  if (round_trips_ns.empty()) {
    p.absent = "no round trip within the time";
    return p;
  }
  std::vector<std::uint64_t> sorted(round_trips_ns.begin(), round_trips_ns.end());
  std::ranges::sort(sorted);
  const auto one_way = [&](double q) { return std::max(0.0, (quantile(sorted, q) - clock_cost_ns) / 2); };
  p.p10_ns = one_way(0.1);
  p.p50_ns = one_way(0.5);
  p.p90_ns = one_way(0.9);
  p.p99_ns = one_way(0.99);
  p.max_ns = one_way(1);
  double all = 0, lost = 0;
  for (const std::uint64_t t : sorted) {
    all += static_cast<double>(t);
    if (static_cast<double>(t) > lost_round_trip_ns) lost += static_cast<double>(t);
  }
  p.lost_share = all > 0 ? lost / all : 0;
  return p;
}

handoff_probe probe_handoff(int cpu_a, int cpu_b, std::uint64_t budget_ns, hand_over by) {
  handoff_probe nothing;
  nothing.cpu_a = cpu_a;
  nothing.cpu_b = cpu_b;
  if (cpu_a == cpu_b) {
    nothing.absent = "needs two CPUs";
    return nothing;
  }
  court c;
  std::vector<std::uint64_t> trips;
  trips.reserve(budget_ns / 20 + 1);  // nothing hands a line over and back in 20 ns; no allocation while it runs
  const std::uint64_t start = native::now(), last_call = start + 20 * budget_ns;
  std::thread a([&] {
    if (arrive(c, cpu_a, last_call)) {
      std::uint64_t turn = 0;
      bool both = true;
      // The first turns are for both to be awake and the line to be warm.
      for (int warm = 0; both && warm < 64; ++warm, turn += 2) both = take_turn(c, turn, last_call, by);
      std::uint64_t before = native::now();
      const std::uint64_t until = before + budget_ns;
      while (both && before < until && trips.size() < trips.capacity()) {
        both = take_turn(c, turn, last_call, by);
        if (!both) break;
        turn += 2;
        const std::uint64_t now = native::now();
        trips.push_back(now - before);
        before = now;
      }
    }
    c.over.store(true, std::memory_order_relaxed);
  });
  std::thread b([&] {
    if (!arrive(c, cpu_b, last_call)) return;
    for (std::uint64_t turn = 1; take_turn(c, turn, last_call, by); turn += 2) {}
  });
  a.join();
  b.join();
  if (c.unpinned.load(std::memory_order_relaxed) != 0) {
    nothing.absent = "a thread could not be pinned";
    return nothing;
  }
  // Who exchanges reads the clock while the other one has the line.
  handoff_probe p = summarise_handoff(trips, by == hand_over::exchange ? 0 : probe_timer().cost_ns);
  p.cpu_a = cpu_a;
  p.cpu_b = cpu_b;
  return p;
}

timer_probe probe_timer() {
  // Batches, since one reading can't time itself; the median, since a batch may have been interrupted.
  constexpr int batches = 31, readings = 64;
  std::vector<double> costs;
  std::uint64_t step = ~std::uint64_t{0};
  for (int i = 0; i < batches; ++i) {
    const std::uint64_t first = native::now();
    std::uint64_t last = first;
    for (int k = 0; k < readings; ++k) {
      const std::uint64_t t = native::now();
      if (t != last) step = std::min(step, t - last);
      last = t;
    }
    costs.push_back(static_cast<double>(last - first) / readings);
  }
  std::ranges::nth_element(costs, costs.begin() + batches / 2);
  return {costs[batches / 2], step == ~std::uint64_t{0} ? 0 : static_cast<double>(step)};
}

double probe_histogram_ns() {
  constexpr int batches = 31;
  std::vector<std::uint64_t> latencies(4096);
  random_source draw(1, 0);
  for (auto& ns : latencies) {
    const std::uint32_t octave = std::uint32_t{1} << (4 + draw.below(16));
    ns = octave + draw.below(octave);
  }
  histogram kept;
  kept.allocate();
  std::vector<double> costs;
  for (int i = 0; i < batches; ++i) {
    const std::uint64_t before = native::now();
    for (const std::uint64_t ns : latencies) {
      kept.record(ns);
      asm volatile("" : : "r"(&kept) : "memory");  // its words are stored each time, as between two operations
    }
    costs.push_back(static_cast<double>(native::now() - before) / static_cast<double>(latencies.size()));
  }
  return median(std::move(costs));
}

}  // namespace tally
