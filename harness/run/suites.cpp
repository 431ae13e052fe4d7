#include "harness/run/suites.hpp"

#include <fmt/format.h>

#include <set>

#include "harness/base/text.hpp"
#include "harness/run/findings.hpp"

namespace tally {
namespace {

using namespace std::chrono_literals;
using mode = measure_mode;
using names = std::vector<name_spec>;

const names counting{"none", "plain", "atomic", "biased", "deferred", "gil", "rc_arc", "shared_ptr"};
// What the decision map of `tally report` chooses among; plain counts where there is one thread.
const names choices{"atomic", "biased", "deferred", "rc_arc", "mark_sweep"};
const names concurrent{"atomic", "biased", "deferred", "shared_ptr"};
const names everything{"*"};
// Freed one by one: at once, by the owner's queue as one merges it, by an owner's neighbour; and in stops.
// The queue's 96 KiB at 3x are less than bdwgc takes for itself.
const names promptly{"atomic", "rc_arc", "biased", "biased:merge=detached", "deferred", "mark_sweep"};
const names freeing{"atomic", "rc_arc", "biased", "biased:merge=detached", "deferred", "mark_sweep", "bdwgc"};
// Where structures come and go most of a prompt scheme's cost is malloc's: a scheme with a heap of its own is compared with
// counting on a malloc of the same kind, and on its own heap, too.
const std::vector<allocator_choice> mallocs{"system", "mimalloc"};
const names on_all_heaps{"*", "*:heap=block"};
const names with_cycles{"*", "*:cycles=generational", "*:cycles=trial", "*:heap=block,cycles=stop"};
const names collectors{"*:cycles=generational", "*:cycles=trial", "*:heap=block,cycles=stop", "deferred", "mark_sweep", "bdwgc"};
const names growing{"*:cycles=generational",
                    "plain:cycles=generational,rule=incremental",
                    "gil:cycles=generational,rule=incremental",
                    "*:cycles=trial",
                    "*:heap=block,cycles=stop",
                    "deferred",
                    "mark_sweep",
                    "bdwgc"};

// clang-format off: a table, one group per line
// What is run if nobody says otherwise. Ten processes with half the windows take the time of five, and know twice as much of what differs
// between processes: a 95 % interval is 2.3 standard errors and not 2.8, and the strictest step of a correction over a thousand comparisons
// 7.2 and not 18.5.
constexpr protocol standard{.processes = 10, .windows = 2, .ramp = 10ms, .window = 75ms, .briefs = 3};

// Within 60 s on two cores: some 64 rows of 6 windows, 10 + 100 ms each.
suite_info quick() {
  return {"quick",
          "a core set of rows in less than a minute, to see that everything works; not to be cited",
          {.processes = 2, .windows = 3, .ramp = 10ms, .window = 100ms},
          {
              {"a real program's references, replayed", counting, {"trace:file=json_cycle"}, {}, "1", {mode::throughput}, {}},
              {"copy and drop", {"plain", "atomic", "biased", "deferred", "shared_ptr"}, {"copy_drop"}, {}, "1,2",
               {mode::throughput}, {}},
              {"copy and drop of one shared object", concurrent, {"copy_drop:sharing=shared"}, {}, "2", {mode::throughput}, {}},
              {"the share of shared objects", {"atomic", "biased"}, {"sharing_ladder"}, {"share=0,10,100"}, "2",
               {mode::throughput}, {}},
              {"the share that another thread drops", {"atomic", "biased"}, {"handoff"}, {"foreign=0,0.5,1"}, "2",
               {mode::throughput}, {}},
              {"racy slots", {"atomic", "atomic:slot=epoch", "biased", "deferred", "shared_ptr"}, {"shared_slots:layout=flat"},
               {}, "2", {mode::throughput}, {}},
              {"trees that come and go", {"atomic", "atomic:heap=block", "manual:heap=block", "deferred", "mark_sweep", "bdwgc"},
               {"tree_churn"}, {}, "1", {mode::throughput}, {"2x", "3x"}},
              {"a service", {"atomic", "biased", "mark_sweep"}, {"server"}, {}, "2", {mode::latency, mode::memory}, {}},
          }};
}

std::vector<suite_group> full(const names& traces, const names& threaded) {
  return {
      {"real programs' references, replayed", everything, traces, {}, "1", {mode::throughput}, {}},
      {"the same by threads that share the objects", everything, traces, {"mode=copies"}, "auto", {mode::throughput}, {}},
      {"the same on the threads that were recorded", everything, threaded, {"mode=threads"}, "5", {mode::throughput}, {}},
      {"copy and drop", everything, {"copy_drop"}, {"sharing=private,shared,hot"}, "auto", {mode::throughput}, {}},
      {"the share of shared objects", everything, {"sharing_ladder"}, {"share=0,1,10,50,100"}, "auto", {mode::throughput}, {}},
      {"racy slots", {"*:*"}, {"shared_slots:layout=flat"}, {}, "auto", {mode::throughput}, {}},
      {"the share that another thread drops", everything, {"handoff"}, {"foreign=0,0.1,0.5,1"}, "2", {mode::throughput}, {}},
      {"owners that are blocked or gone", everything, {"handoff"}, {"foreign=1", "owner=blocked,gone"}, "2",
       {mode::throughput}, {}},
      {"how promptly what another thread drops is freed", promptly, {"handoff"}, {"foreign=1", "owner=running,blocked,gone"}, "2",
       {mode::promptness}, {"3x"}},
      {"how promptly trees are freed", freeing, {"tree_churn"}, {}, "2", {mode::promptness}, {"3x"}},
      {"publishing", everything, {"publish"}, {}, "auto", {mode::throughput, mode::latency}, {}},
      {"memory held up by a reader that stalls", {"atomic", "*:slot=epoch", "biased", "deferred", "mark_sweep", "shared_ptr"}, {"publish"},
       {"stall=borrow,load,unpolled"}, "2", {mode::memory}, {}},
      {"memory held up by an owner that is blocked or never polls", {"atomic", "biased", "biased:merge=detached", "deferred"}, {"handoff"},
       {"foreign=1", "owner=blocked,unpolled"}, "2", {mode::memory}, {}},
      {"trees that come and go", on_all_heaps, {"tree_churn"}, {}, "auto", {mode::throughput}, {"1.5x", "2x", "3x", "6x"}, mallocs},
      {"the memory of trees that come and go", everything, {"tree_churn"}, {}, "auto", {mode::memory},
       {"1.5x", "2x", "3x", "6x"}},
      {"chains and graphs", on_all_heaps, {"chain", "graph"}, {}, "auto", {mode::throughput}, {}, mallocs},
      {"cyclic garbage, observers and finalisers", with_cycles, {"cycles", "observers", "finalizers"}, {}, "auto",
       {mode::throughput}, {}},
      {"what becomes of cyclic garbage", everything, {"cycles"}, {"window=1250"}, "1", {mode::memory}, {"3x"}},
      {"structures and calls", everything, {"lru_cache", "call_args", "task_graph"}, {}, "auto", {mode::throughput}, {}},
      {"small Python programs", everything, {"interpreter"}, {"program=fib,call_method,create_instance,mixed"}, "auto",
       {mode::throughput}, {}},
      {"a service", everything, {"server"}, {}, "auto", {mode::throughput, mode::latency, mode::memory}, {}},
      // In scenes of their own: elsewhere these rows would stand among strategies that are compared.
      {.title = "numbers at a quarter of their defaults and at four times them", .strategies = {"*:*tunables"},
       .workloads = {"tree_churn", "handoff", "shared_slots:layout=flat"},
       .sets = {"tree_churn.survivors=0.1", "handoff.bytes=64", "shared_slots.stores=50"}, .threads = "2",
       .modes = {mode::throughput}, .heaps = {}, .simulated = false},
  };
}

// A collection of the whole heap whenever a lane has made 1500 objects: fewer than make the generational collector begin one.
suite_info of_collectors() {
  return {"collectors",
          "what collectors cost and what becomes of memory without one, each over a number",
          {.processes = 10, .windows = 1, .ramp = 20ms, .window = 300ms},
          {
              {"pauses over the size of the heap", collectors, {"cycles"}, {"window=125,1250,12500,125000", "collect_every=1500"}, "1",
               {mode::throughput}, {}},
              {"the same in increments", {"plain:cycles=generational,rule=incremental", "gil:cycles=generational,rule=incremental"}, {"cycles"},
               {"window=125,1250,12500,125000"}, "1", {mode::throughput}, {}},
              {"a heap that grows", growing, {"cycles:turnover=all"},
               {"size=2", "cyclic=0", "window=2500,10000,40000", "collect_every=0,1500"}, "1", {mode::throughput}, {}},
              {"the leak, and what collects it",
               {"plain", "*:cycles=generational", "*:cycles=trial", "*:heap=block,cycles=stop", "deferred", "mark_sweep"}, {"cycles"}, {}, "1",
               {mode::memory}, {}},
              {"finalisers inside a decrement", {"*", "*:cycles=generational", "*:cycles=trial", "*:heap=block,cycles=stop"}, {"finalizers"},
               {"work=none,allocate,revive"}, "auto", {mode::latency}, {}},
          }};
}

// The rows of the decision map of `tally report`, and what disqualifies a strategy beside it. A collector gets three times the payload
// where objects come and go.
suite_info choice() {
  return {"choice",
          "which strategy is cheapest by what is shared and what is handed off: the rows of the decision map (tally report)",
          {.processes = 10, .windows = 1, .ramp = 10ms, .window = 100ms, .briefs = 4},
          {
              {"the share of shared objects", choices, {"sharing_ladder"}, {"share=0,1,10,25,50,100"}, "2", {mode::throughput}, {}},
              {"the share that another thread drops", choices, {"handoff"}, {"foreign=0,0.01,0.1,0.5,1"}, "2", {mode::throughput}, {"3x"}},
              {"owners that are blocked or gone", choices, {"handoff"}, {"foreign=1", "owner=blocked,gone"}, "2", {mode::throughput}, {"3x"}},
              {"one thread", {"atomic", "biased", "deferred", "rc_arc", "mark_sweep", "plain"}, {"sharing_ladder"}, {"share=0"}, "1",
               {mode::throughput}, {}},
              {.title = "the share of shared objects, with work between operations", .strategies = choices, .workloads = {"sharing_ladder"},
               .sets = {"share=0,10,100"}, .threads = "2", .modes = {mode::throughput}, .heaps = {}, .thinks = "100,1000"},
              {.title = "the share that another thread drops, with work between operations", .strategies = choices, .workloads = {"handoff"},
               .sets = {"foreign=0,0.1,1"}, .threads = "2", .modes = {mode::throughput}, .heaps = {"3x"}, .thinks = "100,1000"},
              {.title = "from how much work on contention stops to matter", .strategies = {"none", "atomic", "biased", "deferred"},
               .workloads = {"copy_drop"}, .sets = {"sharing=private,shared"}, .threads = "2", .modes = {mode::throughput}, .heaps = {},
               .thinks = "0,10,100,1000,10000"},
              {"memory held back", choices, {"handoff", "tree_churn"}, {}, "2", {mode::memory}, {"3x"}},
              {"memory held back by a service", choices, {"server"}, {}, "2", {mode::memory}, {}},
              {"cyclic garbage", choices, {"cycles"}, {"window=1250"}, "1", {mode::memory}, {"3x"}},
          }};
}

// What scripts/aa_check runs twenty times; measured as the default suite is, whose intervals it is about.
suite_info core() {
  return {"core",
          "a few rows on one thread and on two, in a minute: does the baseline differ from itself (scripts/aa_check)",
          standard,
          {
              {"uncontended", {"atomic", "biased"}, {"copy_drop", "tree_churn"}, {}, "1", {mode::throughput}, {}},
              {"two threads, each with its own", {"atomic", "biased"}, {"copy_drop", "tree_churn"}, {}, "2", {mode::throughput}, {}},
              {"one object for both", {"atomic", "biased"}, {"copy_drop:sharing=shared"}, {}, "2", {mode::throughput}, {}},
              {"half of what is made is handed off", {"atomic", "biased"}, {"handoff"}, {"foreign=0.5"}, "2", {mode::throughput}, {}},
              {"a service", {"atomic", "biased"}, {"server"}, {}, "2", {mode::throughput}, {}},
          }};
}

// From the lock to free threading, a step at a time; scripts/tally_plots/plots/ladder.py has the same rungs in their order.
suite_info of_the_ladder() {
  const std::vector<set_spec> programs{
      "program=fib,call_function,call_method,create_instance,attr_private,list_private,constants,mixed,attr_shared"};
  const auto with = [](std::vector<set_spec> sets, std::initializer_list<const char*> more) {
    for (const char* m : more) sets.emplace_back(m);
    return sets;
  };
  const names rungs{"gil", "gil:counts=atomic", "atomic", "atomic:immortal=yes", "biased", "biased:stack=deferred",
                                       "biased:stack=deferred,edges=thread", "none"};
  return {"ladder",
          "the steps from one lock with plain counts to free threading, each in small Python programs",
          {.processes = 10, .windows = 1, .ramp = 10ms, .window = 100ms, .briefs = 4},
          {
              {"rungs, and no counts at all", rungs, {"interpreter"}, programs, "1,2", {mode::throughput}, {}},
              {"biased counts alone", {"biased"}, {"interpreter"}, with(programs, {"immortal=no"}), "1,2", {mode::throughput}, {}},
              {"rungs where the one thread has made its program", rungs, {"interpreter"}, with(programs, {"thread=main"}), "1",
               {mode::throughput}, {}},
              {"biased counts alone there", {"biased"}, {"interpreter"}, with(programs, {"immortal=no", "thread=main"}), "1",
               {mode::throughput}, {}},
          }};
}

std::vector<suite_info> make() {
  return {quick(),
          {"default",
           "every strategy and workload, with intervals",
           standard,
           full({"trace:file=json_cycle", "trace:file=lru_cache_threads"}, {"trace:file=lru_cache_threads"})},
          {"rigorous",
           "the default suite and all recordings, in more and longer windows, for results to be published",
           {.processes = 10, .windows = 5, .ramp = 20ms, .window = 500ms, .briefs = 5},
           full({"trace:file=json_cycle", "trace:file=deepcopy_pickle", "trace:file=tokenize_pipeline",
                 "trace:file=lru_cache_threads", "trace:file=threadpool_wordcount"},
                {"trace:file=tokenize_pipeline", "trace:file=lru_cache_threads", "trace:file=threadpool_wordcount"})},
          of_collectors(),
          choice(),
          core(),
          of_the_ladder()};
}

const std::vector<suite_info>& suites() {
  static const std::vector<suite_info> all = make();
  return all;
}

// clang-format on
}  // namespace

std::span<const suite_info> all_suites() { return suites(); }

const suite_info& suite_named(std::string_view name) {
  if (name.starts_with(findings_suite_name)) return findings_suite(name);
  std::vector<std::string> known;
  for (const auto& s : suites()) {
    if (s.name == name) return s;
    known.push_back(s.name);
  }
  throw usage_error(no_such("--suite", name, "suite", known));
}

std::string protocol::text() const {
  std::string out = fmt::format("{} processes, ", processes);
  if (briefs != 1) out += fmt::format("{} windows of {} or ", windows * briefs, duration_text(window / briefs));
  return out + (briefs != 1
                    ? fmt::format("{} of {}", windows, duration_text(window))
                    : fmt::format("{} of {}", counted(static_cast<std::size_t>(windows), "window"), duration_text(window)));
}

std::vector<int> automatic_threads(const topology& machine) {
  std::set<int> counts{machine.cores(), static_cast<int>(machine.cpus.size())};
  for (int n = 1; n < machine.cores(); n *= 2) counts.insert(n);
  return {counts.begin(), counts.end()};
}

const protocol& standard_protocol() { return standard; }

}  // namespace tally
