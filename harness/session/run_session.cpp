#include "harness/session/run_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/program.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/engine/lane.hpp"
#include "harness/measure/environment.hpp"
#include "harness/report/changes_summary.hpp"
#include "harness/report/counters_report.hpp"
#include "harness/report/handoffs_report.hpp"
#include "harness/report/listing.hpp"
#include "harness/report/run_summary.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/estimates.hpp"
#include "harness/results/record.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/runner.hpp"
#include "harness/session/flags.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

std::string processes_of(const run_plan& plan) {
  return plan.processes == 1 ? "1 process" : fmt::format("{} processes", plan.processes);
}

std::string opening(const run_plan& plan, const fs::path& directory, std::size_t done) {
  std::string out = fmt::format("{}: {} in {} of {}, windows of {:g} ms, seed {}\n",
                                plan.suite == "selection" ? "Selection" : "Suite " + plan.suite, counted(plan.rows.size(), "row"),
                                processes_of(plan), counted(static_cast<std::size_t>(plan.blocks), "block"),
                                static_cast<double>(plan.window_ns) * 1e-6, plan.request.seed);
  const double share = 1 - static_cast<double>(done) / static_cast<double>(plan.windows());
  out += fmt::format("Takes at least {}", spoken_duration(plan.predicted_seconds() * share));
  if (done != 0) out += fmt::format("; {} of {} windows are there already", done, plan.windows());
  const auto most = std::ranges::max_element(plan.rows, {}, &row_spec::threads);
  out +=
      most->cpus.empty() ? "; threads are not pinned" : fmt::format("; threads run on processors {}", fmt::join(most->cpus, ","));
  if (kinds_used(most->cpus) > 1) out += ", which are cores of different kinds";
  out += fmt::format("\nResults: {}\n", directory.string());
  if (plan.smoke()) out += fmt::format("Smoke run (fewer than {} processes): not citable\n", citable_processes);
  return out;
}

std::vector<std::string> keys_of(const run_plan& plan) {
  std::vector<std::string> keys;
  for (const auto& r : plan.rows) keys.push_back(r.key());
  return keys;
}

std::string resuming(const fs::path& directory) { return command("run", "--resume", "--out", directory.native()); }

// What to do next, the most needed thing first.
std::string next_step(const run_plan& plan, const run_outcome& outcome, std::size_t errors, bool busy,
                      const fs::path& directory) {
  if (outcome.interrupted) {
    return fmt::format("Stopped with {} to go. Next: {}\n", counted(outcome.missing, "window"), resuming(directory));
  }
  if (errors != 0) {
    return fmt::format(
        "Next: look at the failed rows (\"status\":\"error\" in rows.jsonl); without those lines, {} measures them again\n",
        resuming(directory));
  }
  if (busy) return fmt::format("Next: the same on a quieter machine: {}\n", command("run", "--from", directory.native()));
  if (plan.smoke() && plan.suite == "selection") {
    const std::string more = std::to_string(citable_processes);
    return fmt::format("Next: {} for intervals\n", command("run", "--from", directory.native(), "--processes", more));
  }
  const std::string draw = command("plot", directory.native()) + " for pictures\n";
  if (!plan.smoke()) return "Next: " + draw;
  return fmt::format("Next: {} for intervals (--plan tells how long), {}", command("run", "--suite", "default"), draw);
}

std::string closing(const run_plan& plan, const run_outcome& outcome, const std::vector<result>& results,
                    const fs::path& directory) {
  const std::vector<std::string> order = keys_of(plan);
  const std::vector<scene_group> scenes = group_scenes(results, order);
  const estimator statistics(plan.request.seed, !plan.smoke());
  const std::vector<estimate> estimates = statistics.all(scenes);
  write_estimates(directory, estimates);
  std::string out = summary_text(scenes, estimates, statistics, {plan.request.baseline.text(), !plan.smoke()});
  out += counters_summary(results, order);
  out += handoffs_summary(results, order);
  out += skipped_words(plan.skipped);
  std::size_t errors = 0, doubtful = 0, measured = 0;
  for (const auto& r : results) {
    errors += r.status == row_status::error ? 1 : 0;
    measured += r.has_metrics() ? 1 : 0;
    doubtful += r.doubtful ? 1 : 0;
  }
  out += fmt::format("{} measured in {}", counted(measured, "window"), spoken_duration(outcome.seconds));
  if (errors != 0) out += fmt::format(", {} failed", errors);
  if (doubtful != 0) out += fmt::format(", {} doubtful (the machine was busy, or threads did not overlap)", doubtful);
  out += ".\n";
  out += changes_summary(results);
  if (plan.smoke()) out += fmt::format("Smoke run of {}: not citable, no intervals.\n", processes_of(plan));
  out += fmt::format("Rows: {}\n", (directory / "rows.jsonl").string());
  return out + next_step(plan, outcome, errors, doubtful * 10 > measured, directory);
}

}  // namespace

int run_session(const registry& all, const run_options& o, const volatile int& interrupt, const run_ending& ending) {
  const auto earlier = find_earlier(o, session_kind::run);
  const run_plan plan = make_plan(all, asked_for<run_request>(o, earlier), cpu_topology(), allocator_loads);
  if (o.plan_only) {
    tell(plan_text(plan));
    return exit_fine;
  }
  session_folder folder(o, earlier, plan.suite, plan.request.seed, config_text(plan));
  std::vector<result>& results = folder.results();
  for (const auto& s : plan.skipped) folder.skip(skipped_record(s));
  const std::vector<std::string> keys = keys_of(plan);
  refuse_foreign_rows(folder, {keys.begin(), keys.end()});
  std::set<window_key> done;
  for (const auto& r : results) {
    if (r.status != row_status::skipped) done.insert(key_of(r));
  }

  const fs::path& directory = folder.directory();
  if (!o.quiet) tell(opening(plan, directory, done.size()));
  std::fflush(stdout);
  progress shown(stderr, progress::detect(stderr, o.quiet), plan.windows() - done.size(), plan.predicted_seconds());
  run_outcome outcome;
  try {
    if (done.size() != plan.windows()) remove_estimates(directory);
    outcome = execute(plan, done, o.timeout_s, folder.file(), results, shown, interrupt);
  } catch (const std::exception& e) {  // the disk, memory, no more processes
    shown.finish();
    throw results_error(fmt::format("{}; {} of {} windows are kept, {} goes on", reason_of(e),
                                    results.size() - plan.skipped.size(), plan.windows(), resuming(directory)));
  }
  const std::string words = closing(plan, outcome, results, directory);
  if (ending) {
    ending(results);
  } else if (!o.quiet) {
    tell("\n" + words);
  }
  return exit_code_of(results, outcome.interrupted);
}

}  // namespace tally
