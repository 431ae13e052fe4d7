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
#include "harness/report/think_summary.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/estimates.hpp"
#include "harness/results/record.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/runner.hpp"
#include "harness/session/flags.hpp"
#include "harness/session/second_look.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

std::string opening(const run_plan& plan, const fs::path& directory, std::size_t done) {
  std::string out = fmt::format("{}: {} in {}, seed {}\n", plan.suite == "selection" ? "Selection" : "Suite " + plan.suite,
                                counted(plan.rows.size(), "row"), plan.windows_text(), plan.request.seed);
  const double share = 1 - static_cast<double>(done) / static_cast<double>(plan.windows());
  out += fmt::format("Takes {}", plan.takes_text(share));
  if (done != 0) out += fmt::format("; {} of {} windows are there already", done, plan.windows());
  const auto most = std::ranges::max_element(plan.rows, {}, &row_spec::threads);
  out +=
      most->cpus.empty() ? "; threads are not pinned" : fmt::format("; threads run on processors {}", fmt::join(most->cpus, ","));
  if (kinds_used(most->cpus) > 1) out += ", which are cores of different kinds";
  out += fmt::format("\nResults: {}\n", directory.string());
  if (*built_as().planted != '\0')
    out += fmt::format("Not to be used: this build slows a strategy on purpose ({})\n", built_as().planted);
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
std::string next_step(const run_plan& plan, const run_outcome& outcome, const run_end& ended, std::size_t errors, bool busy,
                      const fs::path& directory) {
  if (outcome.interrupted) {
    return fmt::format("Stopped with {}{} to go. Next: {}\n", plan.stop.open() ? "about " : "",
                       counted(outcome.missing, "window"), resuming(directory));
  }
  if (errors != 0) {
    return fmt::format(
        "Next: look at the failed rows (\"status\":\"error\" in rows.jsonl); without those lines, {} measures them again\n",
        resuming(directory));
  }
  if (busy) return fmt::format("Next: the same on a quieter machine: {}\n", command("run", "--from", directory.native()));
  if (plan.smoke() && plan.stop.budget) {
    const auto enough = std::chrono::seconds(std::lround(std::ceil(citable_processes * ended.seconds / ended.processes)));
    return fmt::format("Next: {} for intervals\n",
                       command("run", "--from", directory.native(), "--budget", time_budget{enough}.text()));
  }
  if (plan.smoke() && plan.suite == "selection") {
    const std::string more = std::to_string(citable_processes);
    return fmt::format("Next: {} for intervals\n", command("run", "--from", directory.native(), "--processes", more));
  }
  const std::string draw = command("plot", directory.native()) + " for pictures\n";
  if (!plan.smoke()) return "Next: " + draw;
  return fmt::format("Next: {} for intervals (--plan tells how long), {}", command("run", "--suite", "default"), draw);
}

std::string closing(const run_plan& plan, const run_outcome& outcome, const run_end& ended, const std::vector<result>& results,
                    const fs::path& directory) {
  const std::vector<std::string> order = keys_of(plan);
  const std::vector<scene_group> scenes = group_scenes(results, order);
  const estimator statistics(!plan.smoke());
  const std::vector<estimate> estimates = statistics.all(scenes);
  write_estimates(directory, estimates);
  std::string out = summary_text(scenes, estimates, statistics, {plan.request.baseline.text(), !plan.smoke()});
  out += think_summary(scenes, statistics);
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
  out += end_text(plan.stop, ended);
  out += changes_summary(results);
  if (plan.smoke()) {
    out += fmt::format("Smoke run of {}: not citable, no intervals.\n",
                       plan.processes == 1 ? "1 process" : fmt::format("{} processes", plan.processes));
  }
  out += fmt::format("Rows: {}\n", (directory / "rows.jsonl").string());
  return out + next_step(plan, outcome, ended, errors, doubtful * 10 > measured, directory);
}

// Asks after each process whether the plan's rule wants another one, and tells what is still too wide.
class process_counter {
 public:
  // `noted`: by earlier sessions, which measured `windows`. What ended the run once stands: what is missing of it is measured, no more.
  process_counter(const run_plan& plan, const std::optional<run_end>& noted, const std::vector<result>& results,
                  std::size_t windows, progress& shown)
      : plan_(plan), results_(results), shown_(shown), windows_before_(windows), order_(keys_of(plan)) {
    if (noted && noted->why) end_.why = noted->why;
    // A run that was killed noted nothing: as long as was predicted.
    const double per_window = plan.process_seconds() / static_cast<double>(plan.windows_of(1));
    before_ = noted ? noted->seconds : per_window * static_cast<double>(windows);
  }

  bool another(int processes, double seconds) {
    if (end_.why) return processes < plan_.processes;
    measure_widths();
    const stop_decision said = decide(plan_.stop, processes, before_ + seconds, end_.widths);
    end_.why = said.why;
    if (plan_.stop.open() && !said.why) tell_progress(processes, before_ + seconds, said.expected);
    return !said.why;
  }
  [[nodiscard]] run_end ended(const run_outcome& outcome) {
    measure_widths();
    end_.processes = outcome.processes;
    end_.seconds = before_ + outcome.seconds;
    return end_;
  }

 private:
  void measure_widths() {
    if (plan_.stop.until) end_.widths = ratio_widths(results_, order_);
  }
  void tell_progress(int processes, double seconds, int expected) {
    shown_.expect(plan_.windows_of(expected) - std::min(plan_.windows_of(expected), windows_before_));
    const std::string done = processes == 1 ? "1 process" : fmt::format("{} processes", processes);
    if (plan_.stop.until && processes >= citable_processes) {
      shown_.say(fmt::format("{}: {}", done, width_text(plan_.stop, end_.widths)));
    }
    if (plan_.stop.budget && expected < citable_processes && !warned_) {
      warned_ = true;
      shown_.say(fmt::format("{} took {}: {} fit into {}, a smoke run; {} would take {}", done, spoken_duration(seconds),
                             expected, spoken_duration(plan_.stop.budget->seconds()), citable_processes,
                             spoken_duration(citable_processes * seconds / processes)));
    }
  }

  const run_plan& plan_;
  const std::vector<result>& results_;
  progress& shown_;
  std::size_t windows_before_;
  double before_ = 0;  // seconds
  std::vector<std::string> order_;
  run_end end_;
  bool warned_ = false;
};

std::set<window_key> done_in(const std::vector<result>& results) {
  std::set<window_key> done;
  for (const auto& r : results) {
    if (r.status != row_status::skipped) done.insert(key_of(r));
  }
  return done;
}

// `before`: the processes that have been. True: it was interrupted.
bool look_again(const run_plan& again, int before, const run_options& o, session_folder& folder, const volatile int& interrupt) {
  const auto more = static_cast<std::size_t>(again.processes - before);
  if (again.rows.empty() || more == 0) return false;
  if (!o.quiet) {
    tell(fmt::format("A second look at {} that these windows leave open, in {} more process{}\n",
                     counted(again.rows.size(), "row"), more, more == 1 ? "" : "es"));
  }
  progress shown(stderr, progress::detect(stderr, o.quiet), again.windows_of(static_cast<int>(more)),
                 static_cast<double>(more) * again.process_seconds());
  const auto another = [&](int processes, double) { return processes < again.processes; };
  return execute(again, done_in(folder.results()), o.timeout_s, folder.file(), folder.results(), shown, another, interrupt)
      .interrupted;
}

}  // namespace

int run_session(const registry& all, const run_options& o, const volatile int& interrupt, const run_ending& ending) {
  const auto earlier = find_earlier(o, session_kind::run);
  run_plan plan = make_plan(all, asked_for<run_request>(o, earlier), cpu_topology(), allocator_loads);
  if (o.plan_only) {
    tell(plan_text(plan));
    return exit_fine;
  }
  session_folder folder(o, earlier, plan.suite, plan.request.seed, config_text(plan));
  std::vector<result>& results = folder.results();
  for (const auto& s : plan.skipped) folder.skip(skipped_record(s));
  const std::vector<std::string> keys = keys_of(plan);
  refuse_foreign_rows(folder, {keys.begin(), keys.end()});
  const std::set<window_key> done = done_in(results);
  const fs::path& directory = folder.directory();
  const std::optional<run_end> noted = o.resume ? noted_end(directory) : std::nullopt;
  if (noted && noted->why) plan.processes = noted->processes;
  if (!o.quiet) tell(opening(plan, directory, done.size()));
  std::fflush(stdout);
  const std::size_t left = plan.windows() - std::min(plan.windows(), done.size());
  progress shown(stderr, progress::detect(stderr, o.quiet), left, plan.predicted_seconds());
  if (plan.stop.open()) shown.expect(left);
  process_counter counter(plan, noted, results, done.size(), shown);
  run_outcome outcome;
  try {
    if (done.size() != plan.windows()) remove_estimates(directory);
    const auto another = [&](int processes, double seconds) { return counter.another(processes, seconds); };
    outcome = execute(plan, done, o.timeout_s, folder.file(), results, shown, another, interrupt);
    if (ending.undecided && !outcome.interrupted) {
      outcome.interrupted = look_again(second_look(plan, ending.undecided(results)), plan.processes, o, folder, interrupt);
    }
  } catch (const std::exception& e) {  // the disk, memory, no more processes
    shown.finish();
    throw results_error(fmt::format("{}; {} of {} windows are kept, {} goes on", reason_of(e),
                                    results.size() - plan.skipped.size(), plan.windows(), resuming(directory)));
  }
  const run_end ended = counter.ended(outcome);
  note_end(directory, plan.stop, ended);
  if (!outcome.interrupted || plan.stop.open()) plan.processes = std::max(1, outcome.processes);
  const std::string words = closing(plan, outcome, ended, results, directory);
  if (ending.tell) {
    ending.tell(results);
  } else if (!o.quiet) {
    tell("\n" + words);
  }
  return exit_code_of(results, outcome.interrupted);
}

}  // namespace tally
