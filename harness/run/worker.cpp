#include "harness/run/worker.hpp"

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/engine/lane.hpp"
#include "harness/engine/stack_offset.hpp"
#include "harness/heap/arena.hpp"
#include "harness/measure/environment.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/record.hpp"

namespace tally {
namespace {

constexpr int most_attempts = 4;

// A field of /proc/self/status, which is in KiB.
std::uint64_t status_bytes(std::string_view field) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(field)) continue;
    std::istringstream rest(line.substr(field.size() + 1));
    std::uint64_t kib = 0;
    rest >> kib;
    return kib * 1024;
  }
  return 0;
}

// VmHWM begins again: a row's peak must not be an earlier row's.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// What earlier rows of this process left in RAM goes back to the kernel: the mapping that one arena leaves to the next, and what malloc
// keeps free. The next row touches its pages anew.
void give_memory_back() {
  give_back_leftover();
  ::malloc_trim(0);
  if (auto* collect = reinterpret_cast<void (*)(bool)>(::dlsym(RTLD_DEFAULT, "mi_collect"))) collect(true);
  using control = int(const char*, void*, std::size_t*, void*, std::size_t);
  if (auto* jemalloc = reinterpret_cast<control*>(::dlsym(RTLD_DEFAULT, "mallctl"))) {
    jemalloc("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096: of all arenas
  }
}

// The hand-off of a line between the row's first two CPUs; nothing for one thread.
std::optional<handoff_probe> probe(const std::vector<int>& cpus) {
  if (cpus_used(cpus) < 2 || cpus.size() < 2) return std::nullopt;
  return probe_handoff(cpus[0], cpus[1]);
}

// What the row reaches where each operation begins when the one before is over: in steps per second, timed like its own. Its share
// is what a rate in per cent means. Throws where it fails.
double closed_loop_rate(const bound_row& bound, const body_spec& spec, const window_spec& window) {
  const window_result r = run_window(*bound.pair->make(spec), window);
  const std::string why = !r.failure.empty() ? r.failure : !r.oracle.ok ? "oracle: " + r.oracle.message : "";
  if (!why.empty()) throw std::runtime_error("the closed loop before it failed: " + why);
  if (r.steps_per_second() <= 0) {
    throw std::runtime_error("no operation ended inside the window of the closed loop before it; a longer --duration is needed");
  }
  return r.steps_per_second();
}

// The loop of a latency row; nothing of a closed one.
std::optional<open_loop> loop_of(const run_item& item, const window_context& seen) {
  const rate_choice& rate = item.row.rate;
  if (!rate.open()) return std::nullopt;
  const double per_second = seen.closed_loop_rate ? *seen.closed_loop_rate * rate.percent / 100 : rate.per_second;
  return open_loop{per_second, item.row.arrivals, item.seed};
}

// Of threads that begin from now on, whatever `ulimit -s` says: how deep a row's recursion can go is not the shell's business.
// What strategies promise (shared_ptr's max_chain) was measured with as much.
void state_stack_size() {
  constexpr std::size_t bytes = 8U << 20;
  pthread_attr_t how;
  if (pthread_attr_init(&how) != 0) return;
  if (pthread_attr_setstacksize(&how, bytes) == 0) pthread_setattr_default_np(&how);
  pthread_attr_destroy(&how);
}

}  // namespace

std::string loaded_allocator() {
  std::string found = "system";
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* into) {
        for (const char* name : {"mimalloc", "jemalloc"}) {
          if (std::strstr(info->dlpi_name, name) != nullptr) *static_cast<std::string*>(into) = name;
        }
        return 0;
      },
      &found);
  return found;
}

json measure(const registry& all, const run_item& item) {
  const bound_row bound = find_row(all, item.row);
  if (!bound.pair->unmet.empty()) throw usage_error(std::string(bound.pair->unmet));
  const body_spec spec = body_of(*bound.workload, item.row, item.seed);
  window_context seen;
  window_spec window{item.row.threads, item.row.cpus, item.row.mode, item.row.ramp_ns, item.row.window_ns};
  seen.think = think_of(item.row.think_ns);
  window.think_steps = seen.think.steps;
  window.stack_offset = stack_offset_of(item.seed);
  const bool of_memory = item.row.asks_for_memory();
  if (of_memory) give_memory_back();
  window.planted = planted_share(built_as().planted, item.row.strategy, item.row.role == row_role::again);
  if (item.row.rate.percent != 0) {
    seen.closed_loop_rate = closed_loop_rate(bound, spec, window);
    seen.closed_loop_ns = window.window_ns;
  }
  window.open = loop_of(item, seen);
  seen.probe_before = probe(item.row.cpus);
  seen.before = environment_now();
  forget_peak();
  // A window is as long as the operation that it begins with, at least (engine.cpp). One in which none that counts ended (lanes
  // waited for each other, or for their processors) says nothing, and is tried again with four times the length.
  counter_plan counters;
  for (const auto& g : choose_counters(item.row.counters)) counters.push_back(resolve(g, this_cpu()));
  if (!counters.empty()) {
    window.counters = seen.counters = &counters;
    window.perf = &kernel_perf();
  }
  window_result result;
  int attempts = 0;
  do {
    if (++attempts > 1) window.window_ns *= 4;
    result = run_window(*bound.pair->make(spec), window);
  } while (attempts < most_attempts && result.failure.empty() && result.oracle.ok && !result.exhausted &&
           result.operations_per_second() <= 0);
  if (of_memory) {
    seen.rss_bytes = status_bytes("VmRSS:");
    seen.peak_rss_bytes = status_bytes("VmHWM:");
  }
  seen.after = environment_now();
  seen.probe_after = probe(item.row.cpus);
  quality_input input = quality_input_of(item.row.cpus, seen.before, seen.after);
  input.parallelism = bound.pair->parallelism(spec);
  input.of_memory = item.row.mode == measure_mode::memory;
  input.before = seen.probe_before;
  input.after = seen.probe_after;
  seen.quality = judge(result, input);
  json record = measured_record(item, bound, result, seen);
  record["attempts"] = attempts;
  record["stack_offset"] = window.stack_offset;
  return record;
}

void serve(const registry& all, std::FILE* in, std::FILE* out) {
  park_sentinel();
  state_stack_size();
  char* line = nullptr;
  std::size_t capacity = 0;
  while (::getline(&line, &capacity, in) > 0) {
    const json asked = json::parse(line);
    json answer;
    if (asked.contains("hello")) {
      answer = {{"allocator", loaded_allocator()}};
    } else {
      const run_item item = item_from(asked);
      try {
        answer = measure(all, item);
      } catch (const std::exception& e) {
        answer = error_record(item, reason_of(e));
      }
    }
    const std::string text = answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
  }
  std::free(line);
}

}  // namespace tally
