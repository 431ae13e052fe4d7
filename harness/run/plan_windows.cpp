// A plan's windows: how long they take, and their order.
#include <set>

#include "harness/base/random.hpp"
#include "harness/run/plan.hpp"

namespace tally {
namespace {

// Around every window: making the heap, building a small state, joining, the environment. What a large state takes to build, and
// an operation that is longer than its window, come on top: nobody knows them before.
constexpr double overhead_s = 0.02;
constexpr double process_start_s = 0.1;

}  // namespace

std::string worker_name(const row_spec& row) { return row.allocator + (row.own_process ? "|" + row.key() : ""); }

double run_plan::predicted_seconds() const {
  double once = 0;
  for (const auto& r : rows) {
    const double window = (static_cast<double>(r.window_ns) + 1.25 * static_cast<double>(r.ramp_ns)) * 1e-9 + overhead_s;
    once += r.rate.percent != 0 ? 2 * window : window;  // the closed loop before it
  }
  std::set<std::string> workers;
  for (const auto& r : rows) workers.insert(worker_name(r));
  return processes * (process_start_s * static_cast<double>(workers.size()) + blocks * once);
}

std::vector<run_item> run_plan::items(int process) const {
  std::vector<run_item> list;
  for (int block = 0; block < blocks; ++block) {
    // Own shuffle: std::shuffle's result is the library's business, and a seed must mean the same order everywhere.
    const auto stream = static_cast<std::uint64_t>(process) << 32 | static_cast<std::uint64_t>(block);
    random_source random(request.seed, stream);
    // All rows of a block draw the same numbers: what differs between them is the strategy.
    const std::uint64_t seed = random() >> 11;
    std::vector<std::size_t> order(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    }
    for (const std::size_t i : order) list.push_back({rows[i], process, block, static_cast<int>(list.size()), seed});
  }
  return list;
}

}  // namespace tally
