// Predicted scaling beside what others measured on many cores. Nothing is fitted: the machines are those of this tree, and none
// of them is the one that was measured, so that ratios are compared and not times. What is published is [Poeter18] and what the
// rows name.
//
//   sim_published            all tables, Markdown; seconds
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <vector>

#include "tests/sim/published/run_list.hpp"
#include "tests/sim/simulate.hpp"

namespace tally::sim::published {
namespace {

const std::vector<std::string> machines{"xeon-6242-2s", "epyc-7773x-2s"};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "sim_published: %s\n", why.c_str());
  std::exit(1);
}

std::string error_of(double predicted, double published) {
  return predicted >= published ? fmt::format("x {:.2f}", predicted / published) : fmt::format("/ {:.2f}", published / predicted);
}

// Time of an operation under reference counts over that under epochs: medians of the 30 trials of each row of the published
// Intel/thread_results.csv and AMD/thread_results.csv (list, 10 elements).
struct list_row {
  int threads;
  double intel_20, intel_80, amd_20;  // 0: not measured
};
constexpr list_row list_rows[] = {
    {1, 1.35, 1.33, 1.32},   {2, 5.04, 3.17, 4.67},   {4, 9.70, 5.28, 6.70},   {8, 11.28, 5.90, 7.06},
    {16, 12.30, 6.63, 6.25}, {32, 13.05, 7.20, 4.67}, {64, 11.96, 7.72, 0.00}, {128, 10.22, 6.31, 0.00},
};

void lists(unsigned modify_percent, double list_row::* intel, double list_row::* amd) {
  fmt::print(
      "\n### List, {} % modifying: time of an operation, reference counts over epochs\n\n"
      "| threads | published: 8x Xeon E7-8850 |",
      modify_percent);
  if (amd != nullptr) fmt::print(" 4x Opteron 6168 |");
  for (const auto& m : machines) fmt::print(" {}: predicted | of the Xeon's | transfers an operation |", m);
  fmt::print("\n| --- | --- |{}", amd != nullptr ? " --- |" : "");
  for (std::size_t i = 0; i < machines.size(); ++i) fmt::print(" --- | --- | --- |");
  fmt::print("\n");
  for (const auto& row : list_rows) {
    fmt::print("| {} | {:.2f} |", row.threads, row.*intel);
    if (amd != nullptr) fmt::print(" {} |", row.*amd == 0 ? "" : fmt::format("{:.2f}", row.*amd));
    for (const auto& m : machines) {
      if (static_cast<unsigned>(row.threads) > load_machine(m).cores()) {
        fmt::print(" | | |");
        continue;
      }
      const list_settings s{.cores = row.threads, .machine = m, .modify_percent = modify_percent};
      const list_result counts = run_list<counted>(s), epoch = run_list<epochs>(s);
      if (!counts.failure.empty() || !epoch.failure.empty()) give_up(counts.failure + epoch.failure);
      const double predicted = counts.ns_per_op / epoch.ns_per_op;
      fmt::print(" {:.2f} | {} | {:.1f} / {:.1f} |", predicted, error_of(predicted, row.*intel), counts.transfers_per_op,
                 epoch.transfers_per_op);
      std::fflush(stdout);
    }
    fmt::print("\n");
  }
}

double speed_of(const wanted& w) {
  const point_result r = simulate_point(w);
  if (!r.failure.empty() || !r.oracle.ok) give_up(w.strategy + ": " + r.failure + r.oracle.message);
  return speed(r);
}

// A published figure that is a quotient of two speeds.
struct quotient {
  const char* what;
  double published;
  wanted above, below;
};

void counters_and_ladder() {
  const std::map<std::string, std::string> shared{{"sharing", "shared"}};
  const auto count = [&](const char* strategy, int cores, bool hot) {
    return wanted{.strategy = strategy, .parameters = hot ? shared : std::map<std::string, std::string>{}, .cores = cores};
  };
  const auto rung = [](int share, int cores) {
    return wanted{
        .strategy = "biased", .workload = "sharing_ladder", .parameters = {{"share", std::to_string(share)}}, .cores = cores};
  };
  const std::vector<quotient> rows{
      {"one count, 1 thread: fetch_add over a CAS loop [libobjc2#402]", 16.1 / 11.3, count("atomic", 1, true),
       count("atomic:rmw=cas", 1, true)},
      {"the same, 24 threads", 2143.0 / 1124.0, count("atomic", 24, true), count("atomic:rmw=cas", 24, true)},
      {"objects of one's own, 4 threads over 1 [modern-di#354]", 3.8, rung(0, 4), rung(0, 1)},
      {"one object shared by all, 4 threads over 1 [modern-di#354]", 0.28, count("biased", 4, true), count("biased", 1, true)},
      {"own objects over one shared, 8 threads [CPython#134761]", 3.95 / 0.48, count("biased", 8, false),
       count("biased", 8, true)},
  };
  fmt::print("\n### Counters and the sharing ladder: quotients of speeds\n\n| what | published |");
  for (const auto& m : machines) fmt::print(" {}: predicted | error |", m);
  fmt::print("\n| --- | --- |");
  for (std::size_t i = 0; i < machines.size(); ++i) fmt::print(" --- | --- |");
  fmt::print("\n");
  for (const auto& q : rows) {
    fmt::print("| {} | {:.2f} |", q.what, q.published);
    for (const auto& m : machines) {
      wanted above = q.above, below = q.below;
      above.machine = below.machine = m;
      const double predicted = speed_of(above) / speed_of(below);
      fmt::print(" {:.2f} | {} |", predicted, error_of(predicted, q.published));
    }
    fmt::print("\n");
  }
  fmt::print(
      "\n### The whole ladder, predicted: speed on 4 cores over 1, `biased`\n\n"
      "| share of operations on shared objects, % |");
  for (const auto& m : machines) fmt::print(" {} |", m);
  fmt::print("\n| --- |");
  for (std::size_t i = 0; i < machines.size(); ++i) fmt::print(" --- |");
  fmt::print("\n");
  for (const int share : {0, 1, 5, 10, 25, 50, 100}) {
    fmt::print("| {} |", share);
    for (const auto& m : machines) {
      wanted four = rung(share, 4), one = rung(share, 1);
      four.machine = one.machine = m;
      fmt::print(" {:.2f} |", speed_of(four) / speed_of(one));
    }
    fmt::print("\n");
  }
}

}  // namespace
}  // namespace tally::sim::published

int main() {
  using namespace tally::sim::published;
  lists(20, &list_row::intel_20, &list_row::amd_20);
  lists(80, &list_row::intel_80, nullptr);
  counters_and_ladder();
}
