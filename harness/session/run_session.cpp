#include "harness/session/run_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/files.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/lane.hpp"
#include "harness/measure/environment.hpp"
#include "harness/report/counters_report.hpp"
#include "harness/report/handoffs_report.hpp"
#include "harness/report/listing.hpp"
#include "harness/report/run_summary.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/record.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/runner.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

// A results file belongs to one binary on one machine.
void refuse_strangers(const fs::path& directory, const json& config) {
  const auto& there = config.at("binary");
  const auto& here = binary_identity();
  if (there.at("executable") != here.at("executable")) {
    throw usage_error(fmt::format("--resume {}: it was measured with another binary (git {}, {}; this is git {}, {}); --from "
                                  "makes the same run anew",
                                  directory.string(), there.at("git").get<std::string>(),
                                  there.at("executable").get<std::string>(), here.at("git").get<std::string>(),
                                  here.at("executable").get<std::string>()));
  }
  if (config.at("machine") != environment().machine_id) {
    throw usage_error(fmt::format("--resume {}: it was measured on another machine ({}; this is {}); --from makes the same run "
                                  "anew",
                                  directory.string(), config.at("machine").get<std::string>(), environment().machine_id));
  }
}

void write_config(const fs::path& directory, const run_plan& plan) {
  json rows = json::array();
  for (const auto& r : plan.rows) rows.push_back(r.key());
  const json config{{"schema", schema_number}, {"started", utc("{:%Y-%m-%dT%H:%M:%SZ}")}, {"suite", plan.suite},
                    {"request", to_json(plan.request)}, {"processes", plan.processes}, {"blocks", plan.blocks},
                    {"window_ns", plan.window_ns}, {"smoke", plan.smoke()}, {"machine", environment().machine_id},
                    {"binary", binary_identity()}, {"rows", rows}};
  write_whole(directory / "config.json", config_text(config));
}

std::string processes_of(const run_plan& plan) {
  return plan.processes == 1 ? "1 process" : fmt::format("{} processes", plan.processes);
}

std::string opening(const run_plan& plan, const fs::path& directory, std::size_t done) {
  std::string out = fmt::format("{}: {} in {} of {}, windows of {:g} ms, seed {}\n",
                                plan.suite == "selection" ? "Selection" : "Suite " + plan.suite,
                                counted(plan.rows.size(), "row"),
                                processes_of(plan),
                                counted(static_cast<std::size_t>(plan.blocks), "block"),
                                static_cast<double>(plan.window_ns) * 1e-6, plan.request.seed);
  const double share = 1 - static_cast<double>(done) / static_cast<double>(plan.windows());
  out += fmt::format("Takes about {}", spoken_duration(plan.predicted_seconds() * share));
  if (done != 0) out += fmt::format("; {} of {} windows are there already", done, plan.windows());
  const auto most = std::ranges::max_element(plan.rows, {}, &row_spec::threads);
  out += most->cpus.empty() ? "; threads are not pinned"
                            : fmt::format("; threads run on processors {}", fmt::join(most->cpus, ","));
  out += fmt::format("\nResults: {}\n", directory.string());
  if (plan.smoke()) out += fmt::format("Smoke run (fewer than {} processes): not citable\n", citable_processes);
  return out;
}

std::string closing(const run_plan& plan, const run_outcome& outcome, const std::vector<json>& records,
                    const fs::path& directory) {
  summary_options telling{plan.request.baseline, !plan.smoke(), plan.request.seed, {}};
  for (const auto& r : plan.rows) telling.order.push_back(r.key());
  std::string out = summary_text(records, telling);
  out += counters_summary(records, telling.order);
  out += handoffs_summary(records, telling.order);
  if (!plan.skipped.empty()) out += fmt::format("Skipped:\n{}\n", skipped_text(plan));
  std::size_t errors = 0, doubtful = 0, results = 0;
  for (const auto& r : records) {
    errors += r.at("status") == "error" ? 1 : 0;
    results += r.contains("metrics") ? 1 : 0;
    doubtful += r.contains("quality") && r.at("quality").value("doubtful", false) ? 1 : 0;
  }
  out += fmt::format("{} measured in {}", counted(results, "window"), spoken_duration(outcome.seconds));
  if (errors != 0) out += fmt::format(", {} failed", errors);
  if (doubtful != 0) out += fmt::format(", {} doubtful (the machine was busy, or threads did not overlap)", doubtful);
  out += ".\n";
  if (plan.smoke()) {
    out += fmt::format("Smoke run of {}: not citable, no intervals.\n", processes_of(plan));
  }
  out += fmt::format("Rows: {}\n", (directory / "rows.jsonl").string());
  // What to do next, the most needed thing first.
  if (outcome.interrupted) {
    out += fmt::format("Stopped with {} to go. Next: tally run --resume --out {}\n", counted(outcome.missing, "window"),
                       directory.string());
  } else if (errors != 0) {
    out += "Next: look at the failed rows (\"status\":\"error\" in rows.jsonl)\n";
  } else if (doubtful * 10 > results) {
    out += fmt::format("Next: the same on a quieter machine: tally run --from {}\n", directory.string());
  } else if (plan.smoke()) {
    out += plan.suite == "selection"
               ? fmt::format("Next: tally run --from {} --processes {} for intervals\n", directory.string(), citable_processes)
               : "Next: tally run --suite default for intervals (--plan tells how long), tally plot for pictures\n";
  } else {
    out += "Next: tally plot for pictures\n";
  }
  return out;
}

// An earlier run's request with the flags that were typed now.
run_request overlaid(const run_request& there, const session_options& o) {
  json base = to_json(there);
  const json typed = to_json(o.request);
  for (const auto& flag : o.given) base[flag] = typed.at(flag);
  return request_from(base);
}

// Where the run is kept and what of it is there already.
struct place {
  fs::path directory;
  json config;            // of the run that is resumed
  bool resumed = false;
};

place find_place(session_options& o) {
  place p;
  if (!o.resume) {
    p.directory = o.out;
    if (!o.out.empty() && fs::exists(p.directory / "rows.jsonl")) {
      throw usage_error(fmt::format("--out {}: there is a run already; --resume goes on with it", o.out));
    }
    return p;
  }
  p.resumed = true;
  p.directory = o.out.empty() ? results_home / "latest" : fs::path(o.out);
  std::error_code error;
  if (o.out.empty() && fs::is_symlink(p.directory)) p.directory = results_home / fs::read_symlink(p.directory, error);
  p.config = read_config("--resume", p.directory);
  const run_request there = request_from(p.config.at("request"));
  if (const auto d = first_difference(overlaid(there, o), there); !d.empty()) {
    throw usage_error(fmt::format("--resume {}: {}; --from makes a new run of it", p.directory.string(), d));
  }
  o.request = there;
  refuse_strangers(p.directory, p.config);
  return p;
}

}  // namespace

int run_session(const registry& all, session_options o, const volatile int& interrupt) {
  if (o.resume && !o.from.empty()) throw usage_error(fmt::format("--from {}: not together with --resume", o.from));
  if (!o.from.empty()) o.request = overlaid(request_from(read_config("--from", o.from).at("request")), o);
  place where = find_place(o);
  run_plan plan = make_plan(all, o.request, cpu_topology(), allocator_loads);
  if (o.plan_only) {
    fmt::print("{}", plan_text(plan));
    return exit_fine;
  }

  std::vector<json> records;
  std::set<window_key> done, told;  // windows, and rows that were skipped
  if (where.resumed) {
    if (fs::exists(where.directory / "rows.jsonl")) {
      loaded_results loaded = load_results(where.directory / "rows.jsonl");
      if (!loaded.message.empty()) std::fputs(fmt::format("tally: {}\n", loaded.message).c_str(), stderr);
      for (auto& r : loaded.records) records.push_back(lightened(std::move(r)));
    }
    for (const auto& r : records) (r.at("status") == "skipped" ? told : done).insert(key_of(r));
  } else {
    if (where.directory.empty()) where.directory = fresh_directory(plan.suite, plan.request.seed);
    make_directory("--out", where.directory);
    write_config(where.directory, plan);
    point_latest(where.directory);
  }
  results_file file(where.directory / "rows.jsonl");
  for (const auto& s : plan.skipped) {
    json record = skipped_record(s);
    if (told.contains(key_of(record))) continue;
    file.append(record);
    records.push_back(std::move(record));
  }
  std::erase_if(done, [&](const window_key& k) {
    return std::ranges::none_of(plan.rows, [&](const row_spec& r) { return r.key() == std::get<0>(k); });
  });

  if (!o.quiet) fmt::print("{}", opening(plan, where.directory, done.size()));
  std::fflush(stdout);
  progress shown(stderr, progress::detect(stderr, o.quiet), plan.windows() - done.size(), plan.predicted_seconds());
  run_outcome outcome;
  try {
    outcome = execute(all, plan, done, o.timeout_s, file, records, shown, interrupt);
  } catch (const std::exception& e) {  // the disk, memory, no more processes
    shown.finish();
    throw results_error(fmt::format("{}; {} of {} windows are kept, tally run --resume --out {} goes on", reason_of(e),
                                    records.size() - plan.skipped.size(), plan.windows(), where.directory.string()));
  }
  if (!o.quiet) fmt::print("\n{}", closing(plan, outcome, records, where.directory));
  if (outcome.interrupted) return exit_interrupted;
  const bool failed = std::ranges::any_of(records, [](const json& r) { return r.at("status") == "error"; });
  return failed ? exit_harness : exit_fine;
}

}  // namespace tally
