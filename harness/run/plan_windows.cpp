// A plan's windows: how many processes of them there are, how long they take, and their order.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/base/errors.hpp"
#include "harness/base/random.hpp"
#include "harness/base/text.hpp"
#include "harness/run/plan.hpp"

namespace tally {
namespace {

// Around every window: making the heap, building a small state, joining, the environment. What a large state takes to build, and
// an operation that is longer than its window, come on top: nobody knows them before.
constexpr double overhead_s = 0.02;
constexpr double process_start_s = 0.1;

}  // namespace

std::string worker_name(const row_spec& row) { return row.allocator + (row.own_process ? "|" + row.key() : ""); }

double run_plan::process_seconds() const {
  double once = 0;
  for (const auto& r : rows) {
    const double window = (static_cast<double>(r.window_ns) + 1.25 * static_cast<double>(r.ramp_ns)) * 1e-9 + overhead_s;
    once += r.rate.percent != 0 ? 2 * window : window;  // the closed loop before it
  }
  std::set<std::string> workers;
  for (const auto& r : rows) workers.insert(worker_name(r));
  return process_start_s * static_cast<double>(workers.size()) + blocks * once;
}

std::string run_plan::takes_text(double share) const {
  const std::string most = spoken_duration(share * predicted_seconds());
  if (!stop.open()) return fmt::format("at least {}", most);
  if (!stop.until) return fmt::format("about {}", spoken_duration(stop.budget->seconds()));
  const int least = std::min(stop.least, processes);
  return fmt::format("at least {} for {}, {} for {}", spoken_duration(share * least * process_seconds()), least, most, processes);
}

void settle_processes(run_plan& plan, int standard) {
  const run_request& asked = plan.request;
  if (asked.until && std::ranges::none_of(plan.rows, [](const row_spec& r) { return r.role == row_role::baseline; })) {
    throw usage_error(fmt::format("--until {}: no row is compared with a baseline here; --processes says how many there are",
                                  asked.until->text()));
  }
  plan.stop = make_stop_rule(asked.processes, standard, asked.until, asked.budget, plan.process_seconds());
  plan.processes = plan.stop.planned;
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
