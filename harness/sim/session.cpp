#include "harness/sim/session.hpp"

#include <fmt/format.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "harness/measure/topology.hpp"
#include "harness/run/binary.hpp"
#include "harness/run/listing.hpp"
#include "harness/run/names.hpp"
#include "harness/run/place.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/progress.hpp"
#include "harness/run/results_file.hpp"
#include "harness/run/session.hpp"
#include "harness/sim/record.hpp"
#include "harness/sim/summary.hpp"

namespace tally::sim {
namespace {

namespace fs = std::filesystem;

struct simulation_plan {
  std::vector<row_spec> rows;
  std::vector<skipped_row> skipped;
  std::uint64_t seed = 0;
  machine model;
  memory_options caches;
  std::vector<schedule> schedules;
};

simulation_plan plan_of(const registry& all, const session_options& o) {
  simulation_plan p;
  p.model = load_machine(o.machine);
  if (o.protocol != "mesi" && o.protocol != "moesi") throw usage_error(fmt::format("--protocol {}: mesi or moesi", o.protocol));
  p.caches.coherence = o.protocol == "moesi" ? protocol::moesi : protocol::mesi;
  if (o.caches != "infinite" && o.caches != "finite") throw usage_error(fmt::format("--caches {}: infinite or finite", o.caches));
  p.caches.infinite = o.caches == "infinite";
  for (const auto& s : o.schedules) p.schedules.push_back(parse_schedule(s));
  run_request request = o.request;
  request.modes = {"throughput"};
  request.pin = "none";
  request.gc_workers = "1";
  if (request.workloads.empty()) request.workloads = {"*"};
  if (request.strategies.empty()) request.strategies = {"*"};
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

std::string plan_lines(const simulation_plan& p, const session_options& o) {
  std::string out;
  for (const auto& r : p.rows) out += fmt::format("{} | {} | {}\n", r.strategy, r.workload_label, counted(static_cast<std::size_t>(r.threads), "core"));
  run_plan as_plan;
  as_plan.skipped = p.skipped;
  if (!p.skipped.empty()) out += fmt::format("Skipped:\n{}\n", skipped_text(as_plan));
  out += fmt::format("{}, each under {}: {}\n", counted(p.rows.size(), "row"), counted(p.schedules.size(), "schedule"),
                     fmt::join(o.schedules, ", "));
  return out;
}

void write_config(const fs::path& directory, const simulation_plan& p, const session_options& o) {
  json figures = json::array();
  for (const auto& f : p.model.figures) figures.push_back({f.key, f.value, f.source});
  const json config{{"schema", schema_number}, {"started", utc("{:%Y-%m-%dT%H:%M:%SZ}")}, {"suite", "sim"},
                    {"request", to_json(o.request)},
                    {"simulation", {{"machine", p.model.name}, {"figures", figures}, {"protocol", o.protocol}, {"caches", o.caches},
                                    {"schedules", o.schedules}, {"operations", o.operations}, {"warm_up", o.warm_up},
                                    {"not_modelled", not_modelled()}}},
                    {"seed", p.seed}, {"binary", binary_identity()}};
  write_whole(directory / "config.json", config.dump(2) + "\n");
}

// One row under one schedule.
struct job {
  std::size_t row, schedule;
};

class execution {
 public:
  execution(const registry& all, const simulation_plan& p, const session_options& o, results_file& file, std::vector<json>& records)
      : all_(all), plan_(p), options_(o), file_(file), records_(records) {}

  void run(progress& shown) {
    const auto start = std::chrono::steady_clock::now();
    const auto jobs = static_cast<std::size_t>(options_.jobs != 0 ? options_.jobs
                                                                  : static_cast<int>(std::thread::hardware_concurrency()));
    oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, jobs);
    const std::size_t total = plan_.rows.size() * plan_.schedules.size();
    std::size_t next = 0;
    row_points current;
    // Rows are written in the plan's order, whatever finishes first.
    oneapi::tbb::parallel_pipeline(
        2 * jobs,
        oneapi::tbb::make_filter<void, job>(oneapi::tbb::filter_mode::serial_in_order,
                                            [&](oneapi::tbb::flow_control& stop) {
                                              if (next == total) {
                                                stop.stop();
                                                return job{};
                                              }
                                              const std::size_t n = next++;
                                              return job{n / plan_.schedules.size(), n % plan_.schedules.size()};
                                            }) &
            oneapi::tbb::make_filter<job, std::pair<job, point_result>>(
                oneapi::tbb::filter_mode::parallel, [&](job j) { return std::pair(j, simulate(j)); }) &
            oneapi::tbb::make_filter<std::pair<job, point_result>, void>(
                oneapi::tbb::filter_mode::serial_in_order, [&](std::pair<job, point_result> done) {
                  if (done.first.schedule == 0) current = begin(done.first.row);
                  accesses_ += done.second.accesses;
                  current.points.push_back(std::move(done.second));
                  if (current.points.size() == plan_.schedules.size()) finish(current);
                  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
                  shown.show(done.first.row * plan_.schedules.size() + done.first.schedule + 1, s, plan_.rows[done.first.row].key());
                }));
    shown.finish();
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] std::uint64_t accesses() const { return accesses_; }

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
    records_.push_back(simulated_record(p));
    file_.append(records_.back());
    if (options_.as_json) {
      fmt::print("{}\n", records_.back().dump(-1, ' ', false, json::error_handler_t::replace));
      std::fflush(stdout);
    }
  }

  const registry& all_;
  const simulation_plan& plan_;
  const session_options& options_;
  results_file& file_;
  std::vector<json>& records_;
  double seconds_ = 0;
  std::uint64_t accesses_ = 0;
};

}  // namespace

int run_session(const registry& all, session_options o) {
  if (o.schedules.empty()) o.schedules = {"timed"};
  simulation_plan plan = plan_of(all, o);
  o.request.seed = plan.seed;
  if (o.plan_only) {
    fmt::print("{}", plan_lines(plan, o));
    return exit_fine;
  }
  fs::path directory = o.out.empty() ? fresh_directory("sim", plan.seed) : fs::path(o.out);
  if (!o.out.empty() && fs::exists(directory / "rows.jsonl")) throw usage_error(fmt::format("--out {}: there is a run already", o.out));
  make_directory("--out", directory);
  write_config(directory, plan, o);
  point_latest(directory);
  results_file file(directory / "rows.jsonl");
  std::vector<json> records;
  for (const auto& s : plan.skipped) {
    records.push_back(skipped_simulated(s.strategy, s.workload, s.threads, s.reason));
    file.append(records.back());
  }
  const bool talks = !o.quiet && !o.as_json;
  if (talks) {
    fmt::print("Simulated: {} under {} ({}), machine {}, {}, {} caches, {} operations a core, seed {}\nResults: {}\n",
               counted(plan.rows.size(), "row"), counted(plan.schedules.size(), "schedule"), fmt::join(o.schedules, ", "),
               plan.model.name, o.protocol, o.caches, o.operations, plan.seed, directory.string());
    std::fflush(stdout);
  }
  const auto total = plan.rows.size() * plan.schedules.size();
  progress shown(stderr, progress::detect(stderr, !talks), total, 0.3 * static_cast<double>(total));
  execution run(all, plan, o, file, records);
  run.run(shown);
  if (talks) {
    fmt::print("\n{}", summary_text(records, o.request.baseline, cpu_topology().cores()));
    run_plan as_plan;
    as_plan.skipped = plan.skipped;
    if (!plan.skipped.empty()) fmt::print("Skipped:\n{}\n", skipped_text(as_plan));
    fmt::print("{} million accesses simulated in {}.\nNot modelled: {}.\nRows: {}\nNext: scripts/plot.py {}\n",
               (run.accesses() + 500'000) / 1'000'000, spoken_duration(run.seconds()), fmt::join(not_modelled(), "; "),
               (directory / "rows.jsonl").string(), directory.string());
  }
  const bool failed = std::ranges::any_of(records, [](const json& r) { return r.at("status") == "error"; });
  return failed ? exit_harness : exit_fine;
}

const std::vector<std::string>& not_modelled() {
  static const std::vector<std::string> all{
      "store buffers and reordering (the interleaving is sequentially consistent)",
      "prefetching and overlapping misses",
      "hyper-threads, TLBs, the network's load",
      "instructions between accesses",
      "the system allocator's own memory",
      "memory that no named field covers"};
  return all;
}

}  // namespace tally::sim
