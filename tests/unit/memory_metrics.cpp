// The metrics of memory rows: each from its own field of the samples.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "harness/results/metrics.hpp"

namespace tally::unit_memory_metrics {
namespace {

std::map<std::string, double> figures(const row_spec& row, const window_result& window) {
  const window_context context;
  const measured_window seen(row, window, context);
  std::map<std::string, double> all;
  for (const auto& m : measured_metrics()) {
    if (const auto v = m.of(seen)) all[std::string(m.name)] = *v;
  }
  return all;
}

memory_sample sample(std::int64_t live, std::int64_t taken, std::int64_t first, std::int64_t step) {
  memory_sample s{.at_ns = 0, .objects = 1, .bytes = live, .held = {.taken = taken, .told = true}};
  for (std::size_t i = 0; i < held_causes; ++i) s.held.by_cause[i] = first + step * static_cast<std::int64_t>(i);
  return s;
}

TEST(MemoryMetrics, PeaksAndMeansAreOfEachFieldByItself) {
  row_spec row;
  row.mode = measure_mode::memory;
  window_result window;
  window.malloc_free = 77;
  window.memory = {sample(100, 400, 1, 1), sample(300, 500, 9, 0), sample(200, 900, 0, 2)};
  auto found = figures(row, window);
  EXPECT_EQ(found["live_bytes_peak"], 300);
  EXPECT_EQ(found["held_bytes_peak"], 900);
  EXPECT_EQ(found["held_bytes_mean"], 600);
  EXPECT_EQ(found["malloc_free_bytes"], 77);
  const std::map<std::string, double> by_cause{{"weak", 9},      {"retired", 9}, {"queued", 9},
                                               {"undecided", 9}, {"logged", 9},  {"headroom", 10}};
  ASSERT_EQ(by_cause.size(), held_causes);
  for (const auto& [cause, peak] : by_cause) EXPECT_EQ(found["held_" + cause + "_peak"], peak) << cause;
  for (std::size_t i = 0; i < held_causes; ++i) {  // each is told of its own cause
    window.memory = {sample(0, 0, 0, 0)};
    window.memory.front().held.by_cause[i] = 5;
    auto one = figures(row, window);
    for (std::size_t k = 0; k < held_causes; ++k) {
      EXPECT_EQ(one["held_" + std::string(held_names[k]) + "_peak"], k == i ? 5 : 0) << held_names[k];
    }
  }
}

TEST(MemoryMetrics, CausesAreAbsentWhereAHeapDoesNotTellAndMallocsWhereItIsAnothers) {
  row_spec row;
  row.mode = measure_mode::memory;
  row.allocator = "mimalloc";
  window_result window;
  window.malloc_free = 77;
  window.memory = {sample(100, 400, 1, 1)};
  window.memory.front().held.told = false;
  auto found = figures(row, window);
  EXPECT_EQ(found["held_bytes_peak"], 400);
  EXPECT_FALSE(found.contains("held_weak_peak"));
  EXPECT_FALSE(found.contains("malloc_free_bytes"));
  row.mode = measure_mode::throughput;
  found = figures(row, window);
  EXPECT_FALSE(found.contains("held_bytes_peak"));
}

TEST(MemoryMetrics, ARowIsJudgedByWhatItHolds) { EXPECT_EQ(judged_metric("memory").name, "held_bytes_peak"); }

}  // namespace
}  // namespace tally::unit_memory_metrics
