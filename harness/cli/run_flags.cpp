#include "harness/cli/run_flags.hpp"

#include <fstream>
#include <string>

#include "harness/base/text.hpp"
#include "harness/run/choices.hpp"

namespace tally::cli {

std::vector<CLI::Option*> add_run_flags(CLI::App& sub, run_options& o) {
  run_request& r = o.request;
  const char* what = "What to measure";
  std::vector<CLI::Option*> asked{
      sub.add_option("--suite", r.suite, "quick, default or rigorous; default if nothing is selected"),
      sub.add_option("--strategy", r.strategies, "names, globs or variants: biased:merge=detached, 'atomic:*'"),
      sub.add_option("--workload", r.workloads, "names, globs, with parameters: trace:file=PATH"),
      sub.add_option("--set", r.sets, "a workload's parameter: name=v1,v2 or name=1..64*2, of one workload.name=v"),
      sub.add_option("--threads", r.threads, "auto (1, 2, 4 ... cores, then hyper-threads), 1,2,8 or 1..8*2"),
      sub.add_option("--mode", r.modes, "throughput, latency, memory, observed")->delimiter(','),
      sub.add_option("--counters", r.counters, "groups of hardware counters (tally list counters), or .group files")
          ->delimiter(','),
      sub.add_flag("--observe", r.observe, "also rows that count line hand-offs between threads, without a PMU"),
      sub.add_option("--heap", r.heaps, "limits for strategies that take one: 2x,3x of the payload, or 64M")->delimiter(','),
      sub.add_option("--baseline", r.baseline, "what the others are compared with; measured twice")->capture_default_str(),
  };
  for (auto* option : asked) option->group(what)->allow_extra_args(false);

  const char* how = "How";
  std::vector<CLI::Option*> asked_how{
      sub.add_option("--duration", r.duration, "of a window: 100ms, 2s"),
      sub.add_option("--processes", r.processes, "worker processes, one after the other; intervals need 5")
          ->check(CLI::Range(1, 1000)),
      sub.add_option("--repeat", r.blocks, "blocks in a process: windows of each row")->check(CLI::Range(1, 1000)),
      sub.add_option("--pin", r.pin, "cores, spread, smt, none, or processors: 0,2,4-7")->capture_default_str(),
      sub.add_option("--allocator", r.allocator, "system, mimalloc, jemalloc, or several: system,mimalloc"),
      sub.add_option("--gc-workers", r.gc_workers, "of a parallel collector: threads (as many), or a number")
          ->capture_default_str(),
      sub.add_option("--seed", r.seed, "for the order and the workloads' draws; drawn and recorded if not given"),
  };
  for (auto* option : asked_how) option->group(how);
  sub.add_option("--timeout", o.timeout_s, "seconds after which a worker that does not answer is stopped")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str()
      ->group(how);

  const char* where = "Results";
  sub.add_option("--out", o.out, "the directory; results/<UTC>-<suite>-<id> if not given")->group(where);
  sub.add_option("--from", o.from, "the same run again, as DIR has it; other flags change it")->group(where);
  sub.add_flag("--resume", o.resume, "go on with the run in --out, or the latest")->group(where);
  sub.add_flag("--plan", o.plan_only, "only tell: rows, time, what is skipped and why")->group(where);
  sub.add_flag("--quiet", o.quiet, "no progress, no summary; the exit code tells")->group(where);

  asked.insert(asked.end(), asked_how.begin(), asked_how.end());
  for (auto* option : asked) {  // a flag given twice: lists grow, for others the last one counts
    if (option->get_expected_max() == 1) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  sub.get_option("--allocator")->join(',');
  return asked;
}

void take_flags(CLI::App& sub, std::istream& text, const std::string& origin) {
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_config(text);
  } catch (const CLI::Error&) {
    throw usage_error(origin + ": can't be read");
  }
  if (text.bad()) throw usage_error(origin + ": can't be read");  // a directory opens like a file
  std::vector<std::string> known;
  for (const auto* option : sub.get_options()) known.push_back(option->get_lnames().front());
  for (const auto& item : items) {
    CLI::Option* option = sub.get_option_no_throw("--" + item.fullname());
    if (option == nullptr) throw unknown_name(no_such(origin + ":", item.fullname(), "flag", known));
    if (option->count() != 0) continue;
    for (const auto& value : item.inputs) option->add_result(value);
    option->run_callback();
  }
}

void take_flags_from(CLI::App& sub, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw usage_error("--config " + path + ": can't be read");
  take_flags(sub, file, "--config " + path);
}

}  // namespace tally::cli
