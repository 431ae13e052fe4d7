// A plan's windows: how many processes of them there are, how long they take, and their order.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

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

// Before a row that asks for memory a worker gives back what it has (worker.cpp). In the worker of others the next row of `none` would
// touch its pages in the window, or not, by what was measured before it.
std::string worker_name(const row_spec& row) {
  return row.allocator + (row.own_process ? "|" + row.key() : row.asks_for_memory() ? "|memory" : "");
}

double run_plan::process_seconds() const {
  double once = 0;
  for (const auto& r : rows) {
    const double window = (static_cast<double>(r.window_ns) + 1.25 * static_cast<double>(r.ramp_ns)) * 1e-9 + overhead_s;
    once += windows_in_process(r) * (r.rate.percent != 0 ? 2 * window : window);  // the closed loop before it
  }
  std::set<std::string> workers;
  for (const auto& r : rows) workers.insert(worker_name(r));
  return process_start_s * static_cast<double>(workers.size()) + once;
}

std::size_t run_plan::windows_of(int n) const {
  int of_one = 0;
  for (const auto& r : rows) of_one += windows_in_process(r);
  return static_cast<std::size_t>(n * of_one);
}

std::string run_plan::windows_text() const {
  std::map<std::uint64_t, int> numbers;  // of a length
  for (const auto& r : rows) numbers.emplace(r.window_ns, windows_in_process(r));
  std::string out;
  for (const auto& [ns, n] : numbers) {
    const bool first = out.empty();
    out += fmt::format("{}{}{} of {:g} ms", first ? "" : " or ", n, first ? n == 1 ? " window" : " windows" : "",
                       static_cast<double>(ns) * 1e-6);
  }
  return fmt::format("{}, in each {}", stop.text(), out);
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

namespace {

// Own shuffle: std::shuffle's result is the library's business, and a seed must mean the same order everywhere.
template <class T>
void shuffle(std::vector<T>& all, random_source& random) {
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(static_cast<std::uint32_t>(i))]);
}

}  // namespace

std::vector<run_item> run_plan::items(int process) const {
  std::vector<std::vector<std::size_t>> neighbours;  // rows that are compared
  std::map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [place, fresh] = at.emplace(rows[i].beside.empty() ? rows[i].scene() : rows[i].beside, neighbours.size());
    if (fresh) neighbours.emplace_back();
    neighbours[place->second].push_back(i);
  }
  std::vector<run_item> list;
  for (int block = 0; block < blocks; ++block) {
    const auto stream = static_cast<std::uint64_t>(process) << 32 | static_cast<std::uint64_t>(block);
    random_source random(request.seed, stream);
    // All rows of a block draw the same numbers: what differs between them is the strategy.
    const std::uint64_t seed = random() >> 11;
    auto order = neighbours;
    shuffle(order, random);
    for (auto& of_one : order) {
      shuffle(of_one, random);
      for (const std::size_t i : of_one) {
        if (has_window(rows[i], block)) list.push_back({rows[i], process, block, static_cast<int>(list.size()), seed});
      }
    }
  }
  return list;
}

}  // namespace tally
