// Runs a workload for a fixed number of steps, without clocks, and asks its oracle: the measured engine, minus time.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "harness/contract/workload.hpp"
#include "harness/engine/attached.hpp"
#include "harness/memory/native.hpp"

namespace tally::testing {

struct outcome {
  std::string check;                    // the workload's own invariants
  std::int64_t live = 0, expected = 0;  // after the lanes, before teardown
  std::int64_t left = 0, leaked = 0;    // after teardown
  std::int64_t most_bytes = 0;          // live bytes, headers included: the most that was seen between steps
  std::int64_t counted = 0;             // steps that counted as operations
  metric_list metrics;
  // For heaps with an exact oracle.
  [[nodiscard]] std::string verdict() const {
    if (!check.empty()) return check;
    if (live != expected) return std::to_string(live) + " live, expected " + std::to_string(expected);
    if (left != leaked) return std::to_string(left) + " left after teardown, expected " + std::to_string(leaked);
    return "";
  }
};

struct run_spec {
  std::map<std::string, std::string> set{};
  int lanes = 1;
  int steps = 100;
  std::uint64_t seed = 1;
};

template <class H, class W>
outcome run_steps(const run_spec& spec) {
  using context = typename H::context;
  using program = typename W::template program<H>;
  const parameters params(W::info, spec.set);
  outcome result;
  H heap(heap_config{.mutators = spec.lanes + 1});
  program p(heap, run_env{params, spec.lanes, spec.seed});
  std::atomic<bool> stop{false};
  std::atomic<int> ready{0}, running{spec.lanes};
  std::atomic<std::int64_t> counted{0}, most{0};
  const int driving = [&] {
    if constexpr (requires { W::arena_threads; }) return 1;
    else return spec.lanes;
  }();
  running = driving;
  {
    context main(heap);
    p.setup(main);
    main.blocked([&] {
      std::vector<std::thread> threads;
      for (int i = 0; i < driving; ++i) {
        threads.emplace_back([&, i] {
          std::optional<context> c(std::in_place, heap);
          typename program::lane lane(p, *c, lane_env{i, spec.lanes, spec.seed, &stop});
          ready.fetch_add(1);
          c->blocked([&] { native::wait_until([&] { return ready.load() == driving; }); });
          for (int s = 0; s < spec.steps; ++s) {
            if constexpr (std::is_void_v<decltype(p.step(*c, lane))>) {
              p.step(*c, lane);
              ++counted;
            } else {
              counted += static_cast<int>(step_attached(heap, c, p, lane));
            }
            if (driving == 1) most = std::max(most.load(), heap.live_bytes());
          }
          // A lane that waits for another gives up when the others are done, as at the end of a window.
          if (--running < driving) stop = true;
          p.leave(*c, lane);
        });
      }
      for (auto& t : threads) t.join();
    });
    if constexpr (requires { p.check(main); }) result.check = p.check(main);
  }
  heap.settle();
  result.live = heap.live();
  result.expected = p.expected();
  if constexpr (requires { p.report(result.metrics); }) p.report(result.metrics);
  {
    context main(heap);
    p.teardown(main);
  }
  heap.settle();
  result.left = heap.live();
  if constexpr (requires { p.leaked(); }) result.leaked = p.leaked();
  result.most_bytes = most;
  result.counted = counted;
  return result;
}

}  // namespace tally::testing
