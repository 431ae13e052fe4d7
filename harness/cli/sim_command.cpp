#include <fmt/format.h>

#include <memory>

#include "harness/cli/cli.hpp"
#ifdef TALLY_SIM
#include "harness/session/sim_session.hpp"
#include "harness/sim/calibrate.hpp"
#else
#include "harness/contract/workload.hpp"
#endif

namespace tally::cli {

static constexpr const char* about = "simulate: cache traffic and scaling on a virtual multicore";

#ifdef TALLY_SIM

void add_sim(CLI::App& app, action& run) {
  auto o = std::make_shared<sim::sim_options>();
  o->schedules = {"timed", "rr:1", "rr:20", "random:0.1"};
  o->machine = "epyc-7773x-2s";
  run_request& r = o->request;
  r.threads = "1,2,4,8,16,32,64,128";
  r.seed = 1;
  CLI::App* sub = app.add_subcommand("sim", about);
  const char* what = "What to simulate";
  std::vector<CLI::Option*> asked{
      sub->add_option("--suite", r.suite, "quick, default or rigorous: the rows of that suite, on --cores"),
      sub->add_option("--strategy", r.strategies, "names, globs or variants: biased:merge=detached, 'atomic:*'"),
      sub->add_option("--workload", r.workloads, "names, globs, with parameters: trace:file=PATH"),
      sub->add_option("--set", r.sets, "a workload's parameter: name=v1,v2 or name=1..64*2, of one workload.name=v"),
      sub->add_option("--cores", r.threads, "virtual cores: 1,2,8 or 1..128*2; at most 128")->capture_default_str(),
      sub->add_option("--heap", r.heaps, "limits for strategies that take one: 2x,3x of the payload, or 64M")->delimiter(','),
      sub->add_option("--baseline", r.baseline, "what the others are compared with")->capture_default_str(),
  };
  for (auto* option : asked) option->group(what)->allow_extra_args(false);
  const char* how = "How";
  std::vector<CLI::Option*> asked_how{
      sub->add_option("--machine", o->machine, "a machine's name, or a file with its figures")->capture_default_str(),
      sub->add_option("--protocol", o->protocol, "mesi or moesi")->capture_default_str(),
      sub->add_option("--caches", o->caches, "infinite (coherence alone) or finite (the machine's geometry)")
          ->capture_default_str(),
      sub->add_option("--schedule", o->schedules, "timed, rr:k, random:p; the first is the point, all of them the band")
          ->delimiter(',')
          ->capture_default_str(),
      sub->add_option("--ops", o->operations, "operations per core in the window")
          ->check(CLI::Range(1, 1'000'000'000))
          ->capture_default_str(),
      sub->add_option("--warm-up", o->warm_up, "operations per core before it; a quarter of --ops if not given")
          ->check(CLI::Range(1, 1'000'000'000)),
      sub->add_option("--seed", r.seed, "of the workloads' draws and of random schedules")->capture_default_str(),
      sub->add_option("--jobs", o->jobs, "points simulated at once; as many as processors if not given")
          ->check(CLI::Range(1, 64)),
  };
  for (auto* option : asked_how) option->group(how);
  auto calibrated = std::make_shared<std::string>();
  sub->add_option("--calibrate", *calibrated, "only measure this machine, and write it to a file for --machine")->group(how);
  const char* where = "Results";
  sub->add_option("--out", o->out, "the directory; results/<UTC>-sim-<id> if not given")->group(where);
  sub->add_option("--overlay", o->overlays,
                  "observed rows (tally run --observe) to be judged against, as often as there are DIRs")
      ->group(where)
      ->type_name("DIR")
      ->allow_extra_args(false);
  sub->add_option("--from", o->from, "the same simulation again, as DIR has it; other flags change it")->group(where);
  sub->add_flag("--resume", o->resume, "go on with the simulation in --out, or the latest")->group(where);
  sub->add_flag("--plan", o->plan_only, "only tell: rows, what is skipped and why")->group(where);
  sub->add_flag("--json", o->as_json, "print the records, a line each, instead of the summary")->group(where);
  sub->add_flag("--quiet", o->quiet, "no progress, no summary; the exit code tells")->group(where);
  asked.insert(asked.end(), asked_how.begin(), asked_how.end());
  for (auto* option : asked) {
    if (option->get_expected_max() == 1) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  sub->callback([o, asked, calibrated, &run] {
    for (const auto* option : asked) {
      if (option->count() > 0) o->given.insert(option->get_lnames().front());
    }
    run = [o, calibrated] {
      if (calibrated->empty()) return sim::run_session(built_in_simulated(), *o, catch_interrupts(true));
      fmt::print("{}", calibrate_into(*calibrated));
      return 0;
    };
  });
}

#else

void add_sim(CLI::App& app, action& run) {
  CLI::App* sub = app.add_subcommand("sim", about);
  sub->prefix_command();
  sub->callback([&run] {
    run = []() -> int {
      throw usage_error(
          "sim: this build has no simulator; configure with -DTALLY_SIM=ON (it needs libboost-context-dev) and build again");
    };
  });
}

#endif

}  // namespace tally::cli
