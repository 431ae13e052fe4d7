// The conductor of a measured window. See lane.hpp for the workers' side.
#include "harness/engine/engine.hpp"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <thread>

#include "harness/base/cpu_set.hpp"
#include "harness/engine/lane.hpp"
#include "harness/engine/planted.hpp"
#include "harness/engine/stack_offset.hpp"
#include "harness/memory/native.hpp"

namespace tally {
namespace {

std::uint64_t clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
}

// The lanes' threads. However the conductor leaves, they are told to stop and waited for.
struct lane_threads {
  explicit lane_threads(conductor_words& w) : words(w) {}
  ~lane_threads() { join(); }
  lane_threads(const lane_threads&) = delete;
  lane_threads& operator=(const lane_threads&) = delete;
  void join() {
    words.stop.store(true, std::memory_order_release);
    words.phase.store(static_cast<int>(phase::stop), std::memory_order_release);
    for (auto& t : threads) t.join();
    threads.clear();
  }
  conductor_words& words;
  std::vector<std::thread> threads;
};

void work(run_body& body, int index, const window_spec& spec, lane_control& control, lane_result& result) {
  if (!spec.cpus.empty()) {
    const std::size_t at = static_cast<std::size_t>(index) % spec.cpus.size();
    const std::size_t arena = std::min(spec.cpus.size(), static_cast<std::size_t>(spec.lanes));
    const std::span<const int> cpus(spec.cpus);
    cpu_set(body.arena_threads() ? cpus.first(arena) : cpus.subspan(at, 1)).bind();
  }
  // A sleep of this thread ends as near to its time as the machine can, and not up to 50 us later to save wake-ups.
  if (spec.open) prctl(PR_SET_TIMERSLACK, 1UL);
  std::optional<thread_counters> counters;
  if (spec.counters != nullptr && !body.arena_threads()) control.counters = &counters.emplace(*spec.counters, *spec.perf);
  body.lane(index, control);
  control.counters = nullptr;
  if (counters) result.counters = counters->counts();
  result.operations = control.operations;
  result.opened_ns = control.opened_ns;
  result.closed_ns = control.closed_ns;
  result.usage = control.usage;
  result.handoffs = std::move(control.handoffs);
  result.steps = control.steps;
  result.paced = control.paced;
}

}  // namespace

window_result run_window(run_body& body, const window_spec& spec) {
  window_result result;
  result.open = spec.open;
  const auto lanes = body.arena_threads() ? std::size_t{1} : static_cast<std::size_t>(spec.lanes);
  conductor_words words;
  std::optional<planted_delay> planted;
  if (spec.planted) planted.emplace(*spec.planted);
  std::vector<std::unique_ptr<lane_control>> controls;
  for (std::size_t i = 0; i < lanes; ++i) {
    controls.push_back(std::make_unique<lane_control>());
    controls.back()->shared = &words;
    if (planted) controls.back()->driver = &*planted;
    controls.back()->latency = spec.mode == measure_mode::latency;
    controls.back()->observed = spec.mode == measure_mode::observed;
    controls.back()->stamped = spec.mode == measure_mode::promptness;
    controls.back()->open = spec.open;
    controls.back()->sharing = static_cast<int>(lanes);
    controls.back()->think_steps = spec.think_steps;
  }
  result.lanes.resize(lanes);
  std::atomic<std::size_t> gone{0};

  const auto conduct = [&] {
    lane_threads running(words);
    for (std::size_t i = 0; i < lanes; ++i) {
      running.threads.emplace_back([&, i] {
        try {
          with_stack_offset(spec.stack_offset, [&] { work(body, static_cast<int>(i), spec, *controls[i], result.lanes[i]); });
        } catch (const std::exception& e) {
          controls[i]->fail(e);
        }
        gone.fetch_add(1, std::memory_order_release);  // pairs with the acquire below
      });
    }
    const auto ended = [&] { return gone.load(std::memory_order_acquire); };
    const auto over = [&] { return ended() == lanes; };
    // acquire: pairs with the release in lane_control::arrive. Who ended before the start never arrives, and the others wait.
    while (static_cast<std::size_t>(words.ready.load(std::memory_order_acquire)) + ended() < lanes) native::sleep(100'000);
    const auto set = [&](phase p) {
      words.since_ns[static_cast<std::size_t>(p)].store(native::now(), std::memory_order_relaxed);  // ordered by the phase
      words.phase.store(static_cast<int>(p), std::memory_order_release);
    };
    const auto take_sample = [&](std::uint64_t at) {
      if (spec.mode == measure_mode::memory) result.memory.push_back({at, body.live(), body.live_bytes(), body.held()});
      if (spec.mode == measure_mode::promptness) {
        const auto [objects, bytes] = death_book::held_back();
        result.held_back.push_back({at, objects, bytes, {}});
      }
    };
    const auto wait = [&](std::uint64_t ns, bool sample, std::uint64_t start = clock_ns(CLOCK_MONOTONIC)) {
      const std::uint64_t end = clock_ns(CLOCK_MONOTONIC) + ns;
      for (std::uint64_t t = clock_ns(CLOCK_MONOTONIC); t < end && !over(); t = clock_ns(CLOCK_MONOTONIC)) {
        if (sample) take_sample(t - start);
        native::sleep(std::min<std::uint64_t>(end - t, sample ? 1'000'000 : 5'000'000));
      }
    };
    words.origin_ns.store(native::now(), std::memory_order_relaxed);  // ordered by the phase
    set(phase::ramp_up);
    wait(spec.ramp_ns, false);
    const std::uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
    set(phase::window);
    const bool sampled = spec.mode == measure_mode::memory || spec.mode == measure_mode::promptness;
    wait(spec.window_ns, sampled, wall);
    // Operations may be longer than the window. One lane is enough: others may wait for what they get from it, or for their turns. And
    // where one has ended, those that wait for it are never going to look.
    if (!words.opened.load(std::memory_order_relaxed)) {
      while (!words.opened.load(std::memory_order_relaxed) && ended() == 0) wait(1'000'000, sampled, wall);
      wait(spec.window_ns, sampled, wall);
    }
    set(phase::ramp_down);
    result.process_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    result.window_ns = clock_ns(CLOCK_MONOTONIC) - wall;
    if (spec.mode == measure_mode::memory) result.malloc_free = malloc_free_bytes();
    // Every lane has closed its window before any is told to stop: nobody's last operations run against idle cores.
    wait(spec.ramp_ns / 4, false);
    running.join();
  };

  if (spec.mode == measure_mode::promptness) death_book::begin();
  try {
    result.oracle = body.run(conduct);
  } catch (const std::exception& e) {
    result.failure = reason_of(e);
  }
  for (const auto& c : controls) {
    result.latencies.merge(c->latencies);
    result.service.merge(c->service);
    for (std::size_t d = 0; d < delays; ++d) result.delayed[d].merge(c->delayed[d]);
    result.longest.push_back(c->longest.by_time());
    result.exhausted = result.exhausted || c->exhausted;
    if (result.failure.empty()) result.failure = c->failure;
  }
  if (spec.mode == measure_mode::promptness) result.deaths = death_book::of_window();
  body.report(result.metrics);
  body.notes(result.notes);
  result.collector = body.collected();
  return result;
}

void park_sentinel() {
  static const bool parked = [] {
    std::thread([] {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(24));
    }).detach();
    return true;
  }();
  (void)parked;
}

}  // namespace tally
