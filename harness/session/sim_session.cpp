#include "harness/session/sim_session.hpp"

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "harness/base/text.hpp"
#include "harness/measure/topology.hpp"
#include "harness/report/listing.hpp"
#include "harness/report/overlay.hpp"
#include "harness/report/sim_summary.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_file.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/run/choices.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/progress.hpp"
#include "harness/session/session.hpp"
#include "harness/session/sim_settings.hpp"
#include "harness/sim/sim_record.hpp"

namespace tally::sim {
namespace {

namespace fs = std::filesystem;

// The machine, and of an earlier simulation the options that were not typed now.
machine settled(sim_options& o, const std::optional<earlier_session>& earlier) {
  if (!earlier) return load_machine(o.machine);
  machine model;
  if (o.given.contains("machine")) model = load_machine(o.machine);
  take_over(o, model, *earlier);
  if (o.resume) earlier->refuse(first_difference(o, model, earlier->config));
  return model;
}

struct simulation_plan {
  std::vector<row_spec> rows;
  std::vector<skipped_row> skipped;
  std::uint64_t seed = 0;
  machine model;
  memory_options caches;
  std::vector<schedule> schedules;
};

simulation_plan plan_of(const registry& all, const sim_options& o, machine model) {
  simulation_plan p;
  p.model = std::move(model);
  if (o.protocol != "mesi" && o.protocol != "moesi") throw usage_error(fmt::format("--protocol {}: mesi or moesi", o.protocol));
  p.caches.coherence = o.protocol == "moesi" ? protocol::moesi : protocol::mesi;
  if (o.caches != "infinite" && o.caches != "finite") throw usage_error(fmt::format("--caches {}: infinite or finite", o.caches));
  p.caches.infinite = o.caches == "infinite";
  for (const auto& s : o.schedules) p.schedules.push_back(parse_schedule(s));
  run_request request = o.request;
  request.modes = {"throughput"};
  request.pin = "none";
  request.gc_workers = "1";
  request.allocator = system_allocator;  // a guest's memory is the machine's
  if (request.suite.empty()) {
    if (request.workloads.empty()) request.workloads = {"*"};
    if (request.strategies.empty()) request.strategies = {"*"};
  }
  const run_plan plan = make_plan(all, request);
  p.seed = plan.request.seed;
  std::set<std::string> skips;
  for (const auto& s : plan.skipped) p.skipped.push_back(s);
  for (const auto& r : plan.rows) {
    if (r.role == row_role::again) continue;  // the same run twice is the same bytes
    if (r.threads > static_cast<int>(std::min(p.model.cores(), most_cores))) {
      p.skipped.push_back({r.strategy, r.workload_label, r.threads, "", "",
                           fmt::format("the machine {} has {} cores", p.model.name, std::min(p.model.cores(), most_cores))});
      continue;
    }
    p.rows.push_back(r);
  }
  if (p.rows.empty()) throw usage_error(fmt::format("tally sim: every row is skipped: {}", p.skipped.front().reason));
  return p;
}

std::string plan_lines(const simulation_plan& p, const sim_options& o) {
  std::string out;
  for (const auto& r : p.rows)
    out += fmt::format("{} | {} | {}\n", r.strategy, r.workload_label, counted(static_cast<std::size_t>(r.threads), "core"));
  out += skipped_words(p.skipped);
  out += fmt::format("{}, each under {}: {}\n", counted(p.rows.size(), "row"), counted(p.schedules.size(), "schedule"),
                     fmt::join(o.schedules, ", "));
  return out;
}

// One row under one schedule.
struct job {
  std::size_t row, schedule;
};

class execution {
 public:
  execution(const registry& all, const simulation_plan& p, const sim_options& o, const overlay& observed, session_folder& folder)
      : all_(all), plan_(p), options_(o), observed_(observed), folder_(folder) {}

  void run(progress& shown, const volatile int& interrupt) {
    const auto start = std::chrono::steady_clock::now();
    const auto jobs =
        static_cast<std::size_t>(options_.jobs != 0 ? options_.jobs : static_cast<int>(std::thread::hardware_concurrency()));
    oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, jobs);
    const std::size_t total = plan_.rows.size() * plan_.schedules.size();
    std::size_t next = 0;
    row_points current;
    bool stopped = false;
    // Rows are written in the plan's order, whatever finishes first.
    oneapi::tbb::parallel_pipeline(
        2 * jobs,
        oneapi::tbb::make_filter<void, job>(oneapi::tbb::filter_mode::serial_in_order,
                                            [&](oneapi::tbb::flow_control& stop) {
                                              if (next == total || interrupt != 0) {
                                                stop.stop();
                                                return job{};
                                              }
                                              const std::size_t n = next++;
                                              return job{n / plan_.schedules.size(), n % plan_.schedules.size()};
                                            }) &
            oneapi::tbb::make_filter<job, std::pair<job, std::optional<point_result>>>(oneapi::tbb::filter_mode::parallel,
                                                                                       [&](job j) {
                                                                                         std::optional<point_result> result;
                                                                                         if (interrupt == 0) result = simulate(j);
                                                                                         return std::pair(j, std::move(result));
                                                                                       }) &
            oneapi::tbb::make_filter<std::pair<job, std::optional<point_result>>, void>(
                oneapi::tbb::filter_mode::serial_in_order, [&](std::pair<job, std::optional<point_result>> done) {
                  // Behind the first that an interrupt kept from being simulated nothing is written: rows stay in the plan's
                  // order.
                  stopped = stopped || !done.second;
                  if (stopped) return;
                  const job j = done.first;
                  if (j.schedule == 0) current = begin(j.row);
                  accesses_ += done.second->accesses;
                  current.points.push_back(std::move(*done.second));
                  if (current.points.size() == plan_.schedules.size()) finish(current);
                  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
                  shown.show(j.row * plan_.schedules.size() + j.schedule + 1, s, plan_.rows[j.row].key());
                }));
    shown.finish();
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] std::uint64_t accesses() const { return accesses_; }
  [[nodiscard]] std::size_t missing() const { return plan_.rows.size() - finished_; }  // rows that an interrupt left undone

 private:
  point_result simulate(job j) const {
    const row_spec& r = plan_.rows[j.row];
    const bound_row bound = find_row(all_, r);
    point_spec spec;
    spec.pair = bound.pair;
    spec.body = body_of(*bound.workload, r, plan_.seed);
    spec.model = plan_.model;
    spec.caches = plan_.caches;
    spec.order = plan_.schedules[j.schedule];
    spec.warm_up = warm_up();
    spec.operations = options_.operations;
    // What a workload keeps for the process (a recording that was read) is read here, and not in the run's memory.
    (void)bound.pair->parallelism(spec.body);
    return run_point(spec);
  }
  [[nodiscard]] std::uint64_t warm_up() const { return options_.warm_up != 0 ? options_.warm_up : (options_.operations + 3) / 4; }

  [[nodiscard]] row_points begin(std::size_t row) const {
    row_points p;
    p.row = plan_.rows[row];
    p.machine_name = plan_.model.name;
    p.protocol = options_.protocol;
    p.caches = options_.caches;
    p.clock_ghz = plan_.model.clock_ghz;
    p.warm_up = warm_up();
    p.operations = options_.operations;
    p.seed = plan_.seed;
    p.oracle = find_row(all_, p.row).variant->can.oracle;
    p.schedules = options_.schedules;
    return p;
  }
  void finish(const row_points& p) {
    ++finished_;
    json record = simulated_record(p);
    if (const auto compared = observed_.judge(result_from(record), p)) record["agreement"] = to_json(*compared);
    folder_.file().append(record);
    folder_.results().push_back(result_from(record));
    if (options_.as_json) {
      fmt::print("{}\n", record.dump(-1, ' ', false, json::error_handler_t::replace));
      std::fflush(stdout);
    }
  }

  const registry& all_;
  const simulation_plan& plan_;
  const sim_options& options_;
  const overlay& observed_;
  session_folder& folder_;
  double seconds_ = 0;
  std::uint64_t accesses_ = 0;
  std::size_t finished_ = 0;
};

}  // namespace

int run_session(const registry& all, sim_options o, const volatile int& interrupt) {
  if (o.schedules.empty()) o.schedules = {"timed"};
  const auto earlier = find_earlier(o, session_kind::sim);
  simulation_plan plan = plan_of(all, o, settled(o, earlier));
  o.request.seed = plan.seed;
  const overlay observed(o.overlays);
  if (o.plan_only) {
    fmt::print("{}", plan_lines(plan, o));
    return exit_fine;
  }
  session_folder folder(o, earlier, "sim", plan.seed, config_of(o, plan.model, plan.seed));
  const fs::path& directory = folder.directory();
  std::vector<result>& results = folder.results();
  std::set<std::string> there;
  for (const auto& r : results) there.insert(r.row);
  for (const auto& s : plan.skipped) folder.skip(skipped_simulated(s.strategy, s.workload, s.threads, s.reason));
  std::erase_if(plan.rows, [&](const row_spec& r) {
    row_points p;
    p.row = r, p.machine_name = plan.model.name, p.protocol = o.protocol, p.caches = o.caches;
    return there.contains(row_key(p));
  });
  const bool talks = !o.quiet && !o.as_json;
  if (talks) {
    fmt::print("Simulated: {} under {} ({}), machine {}, {}, {} caches, {} operations per core, seed {}\nResults: {}\n",
               counted(plan.rows.size(), "row"), counted(plan.schedules.size(), "schedule"), fmt::join(o.schedules, ", "),
               plan.model.name, o.protocol, o.caches, o.operations, plan.seed, directory.string());
    std::fflush(stdout);
  }
  const auto total = plan.rows.size() * plan.schedules.size();
  progress shown(stderr, progress::detect(stderr, !talks), total, 0.3 * static_cast<double>(total));
  execution run(all, plan, o, observed, folder);
  run.run(shown, interrupt);
  const bool interrupted = run.missing() != 0;
  if (talks && interrupted) {
    fmt::print("\nStopped with {} to go. Next: tally sim --resume --out {}\n", counted(run.missing(), "row"), directory.string());
  } else if (talks) {
    fmt::print("\n{}", summary_text(results, o.request.baseline, cpu_topology().cores()));
    const std::string verdicts = agreement_summary(results, plan.model.name, plan.model.transfer / plan.model.clock_ghz);
    const bool none = verdicts.empty() && !o.overlays.empty();
    fmt::print("{}{}", none ? "No row that was simulated was observed in what --overlay names.\n\n" : verdicts,
               skipped_words(plan.skipped));
    fmt::print("{} million accesses simulated in {}.\nNot modelled: {}.\nRows: {}\nNext: tally plot {}\n",
               (run.accesses() + 500'000) / 1'000'000, spoken_duration(run.seconds()), fmt::join(not_modelled(), "; "),
               (directory / "rows.jsonl").string(), directory.string());
  }
  return exit_code_of(results, interrupted);
}

const std::vector<std::string>& not_modelled() {
  static const std::vector<std::string> all{"store buffers and reordering (the interleaving is sequentially consistent)",
                                            "prefetching and overlapping misses",
                                            "hyper-threads, TLBs, the network's load",
                                            "instructions between accesses",
                                            "the system allocator's own memory",
                                            "memory that no named field covers"};
  return all;
}

}  // namespace tally::sim
