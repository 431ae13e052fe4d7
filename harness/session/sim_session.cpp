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

#include "harness/base/program.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/measure/presence.hpp"
#include "harness/measure/topology.hpp"
#include "harness/report/listing.hpp"
#include "harness/report/overlay.hpp"
#include "harness/report/sim_summary.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_file.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/progress.hpp"
#include "harness/session/flags.hpp"
#include "harness/sim/sim_record.hpp"

namespace tally::sim {
namespace {

namespace fs = std::filesystem;

struct simulation_plan {
  sim_request request;  // with a machine, and the seed that was drawn
  std::vector<row_spec> rows;
  std::vector<skipped_row> skipped;
  [[nodiscard]] const machine& model() const { return *request.model; }
};

simulation_plan plan_of(const registry& all, sim_request asked) {
  simulation_plan p;
  run_request request;
  static_cast<selection&>(request) = asked;
  suite_info modelled;
  if (asked.suite != nullptr) {
    modelled = *asked.suite;
    std::erase_if(modelled.groups, [](const suite_group& g) { return !g.simulated; });
    for (suite_group& g : modelled.groups) g.cores = 1;
    request.suite = &modelled;
  }
  if (asked.suite == nullptr || !asked.suite->fixed_threads) request.threads.emplace().counts = asked.cores.counts;
  request.modes = {measure_mode::throughput};
  request.pin = "none";
  request.gc_workers.number = 1;
  request.allocators = {allocator_choice()};  // a guest's memory is the machine's
  if (request.suite == nullptr) {
    if (request.workloads.empty()) request.workloads = {"*"};
    if (request.strategies.empty()) request.strategies = {"*"};
  }
  const run_plan plan = make_plan(all, request);
  p.request = std::move(asked);
  p.request.seed = plan.request.seed;
  const unsigned cores = std::min(p.model().cores(), most_cores);
  p.skipped = plan.skipped;
  for (const auto& r : plan.rows) {
    if (r.role == row_role::again) continue;  // the same run twice is the same bytes
    if (r.threads > static_cast<int>(cores)) {
      p.skipped.push_back(
          {r.strategy, r.workload_label, r.threads, "", "", fmt::format("the machine {} has {} cores", p.model().name, cores)});
      continue;
    }
    p.rows.push_back(r);
  }
  if (p.rows.empty()) throw usage_error("every row is skipped: " + reasons_of(p.skipped));
  return p;
}

std::string plan_lines(const simulation_plan& p) {
  std::string out;
  for (const auto& r : p.rows)
    out += fmt::format("{} | {} | {}\n", r.strategy, r.workload_label, counted(static_cast<std::size_t>(r.threads), "core"));
  out += skipped_words(p.skipped);
  out += fmt::format("{}, each under {}: {}\n", counted(p.rows.size(), "row"), counted(p.request.schedules.size(), "schedule"),
                     texts_of(p.request.schedules));
  return out;
}

// Of a row, before any point of it was simulated.
row_points points_of(const row_spec& row, const sim_request& r) {
  row_points p;
  p.row = row;
  p.machine_name = r.model->name;
  p.protocol = value_text(r.coherence);
  p.caches = value_text(r.caches);
  p.clock_ghz = r.model->clock_ghz;
  p.think = r.model->cycles_of(row.think_ns);
  p.warm_up = r.warm_up_operations();
  p.operations = r.operations;
  p.most_accesses = r.most_accesses;
  p.seed = r.seed;
  for (const auto& s : r.schedules) p.schedules.push_back(s.text());
  return p;
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
    const auto jobs = static_cast<std::size_t>(options_.jobs.value_or(static_cast<int>(std::thread::hardware_concurrency())));
    oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, jobs);
    const std::size_t total = plan_.rows.size() * plan_.request.schedules.size();
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
                                              return job{n / plan_.request.schedules.size(), n % plan_.request.schedules.size()};
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
                  if (current.points.size() == plan_.request.schedules.size()) finish(current);
                  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
                  shown.show(j.row * plan_.request.schedules.size() + j.schedule + 1, s, plan_.rows[j.row].key());
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
    spec.body = body_of(*bound.workload, r, plan_.request.seed);
    spec.model = plan_.model();
    spec.caches.coherence = plan_.request.coherence;
    spec.caches.infinite = plan_.request.caches == cache_capacity::infinite;
    spec.order = plan_.request.schedules[j.schedule];
    spec.warm_up = plan_.request.warm_up_operations();
    spec.operations = plan_.request.operations;
    spec.most_accesses = plan_.request.most_accesses;
    spec.think = spec.model.cycles_of(r.think_ns);
    spec.may_grow = bound.variant->can.oracle == oracle_class::never_frees;
    // What a workload keeps for the process (a recording that was read) is read here, and not in the run's memory.
    (void)bound.pair->parallelism(spec.body);
    return run_point(spec);
  }
  [[nodiscard]] row_points begin(std::size_t row) const {
    row_points p = points_of(plan_.rows[row], plan_.request);
    p.oracle = find_row(all_, p.row).variant->can.oracle;
    return p;
  }
  void finish(const row_points& p) {
    ++finished_;
    json record = simulated_record(p);
    result read = result_from(record);
    if (const auto compared = observed_.judge(read, p)) {
      add_agreement(record, *compared);
      read = result_from(record);
    }
    folder_.file().append(record);
    folder_.results().push_back(std::move(read));
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

int run_session(const registry& all, const sim_options& o, const volatile int& interrupt, const run_ending& ending) {
  const auto earlier = find_earlier(o, session_kind::sim);
  sim_request typed = asked_for<sim_request>(o, earlier);
  if (!typed.model) typed.model = load_machine(default_machine);
  simulation_plan plan = plan_of(all, std::move(typed));
  const sim_request& asked = plan.request;
  const overlay observed(o.overlays);
  for (const auto& sentence : observed.damaged()) complain(sentence);
  if (o.plan_only) {
    tell(plan_lines(plan));
    return exit_fine;
  }
  session_folder folder(o, earlier, "sim", asked.seed, config_text(asked, not_modelled()));
  const fs::path& directory = folder.directory();
  std::vector<result>& results = folder.results();
  std::set<std::string> planned;
  for (const auto& r : plan.rows) planned.insert(key_of(points_of(r, asked)).text());
  refuse_foreign_rows(folder, planned);
  std::erase_if(plan.rows, [&](const row_spec& r) { return folder.has(key_of(points_of(r, asked)).text()); });
  for (const auto& s : plan.skipped) folder.skip(skipped_simulated(s.strategy, s.workload, s.threads, s.reason));
  const bool talks = !o.quiet && !o.as_json;
  if (talks) {
    tell(fmt::format("Simulated: {} under {} ({}), machine {}, {}, {} caches, {} operations per core, seed {}\nResults: {}\n",
                     counted(plan.rows.size(), "row"), counted(asked.schedules.size(), "schedule"), texts_of(asked.schedules),
                     asked.model->name, value_text(asked.coherence), value_text(asked.caches), asked.operations, asked.seed,
                     directory.string()));
    std::fflush(stdout);
  }
  const session_presence here;  // runs on this machine hear of it
  const auto total = plan.rows.size() * asked.schedules.size();
  progress shown(stderr, progress::detect(stderr, !talks), total, std::nullopt);
  execution run(all, plan, o, observed, folder);
  run.run(shown, interrupt);
  const bool interrupted = run.missing() != 0;
  if (talks && interrupted) {
    tell(fmt::format("\nStopped with {} to go.\nNext: {}\n", counted(run.missing(), "row"),
                     command("sim", "--resume", "--out", directory.native())));
  } else if (ending.tell) {
    ending.tell(results);
  } else if (talks) {
    tell("\n" + summary_text(results, asked.baseline.text(), cpu_topology().cores()));
    const std::string verdicts = agreement_summary(results, asked.model->name, asked.model->transfer / asked.model->clock_ghz);
    const bool none = verdicts.empty() && !o.overlays.empty();
    tell((none ? "No row that was simulated was observed in what --overlay names.\n\n" : verdicts) + skipped_words(plan.skipped));
    tell(fmt::format("{} million accesses simulated in {}.\nNot modelled: {}.\nRows: {}\nNext: {}\n",
                     (run.accesses() + 500'000) / 1'000'000, spoken_duration(run.seconds()), fmt::join(not_modelled(), "; "),
                     (directory / "rows.jsonl").string(), command("plot", directory.native())));
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
