// The flags of the subcommands that measure, and of watch: the one list. From it come their parsers and help (cli/flag_parsing.hpp), files of
// flags, shell completion, and the request in config.json, which --from and --resume read (config_file.hpp). A flag belongs to
// each subcommand whose options have the member that it sets; what is kept of a session are the members of its request.
#pragma once

#include <array>
#include <concepts>
#include <tuple>
#include <type_traits>

#include "harness/session/flag_values.hpp"
#include "harness/session/run_session.hpp"
#include "harness/session/sim_session.hpp"
#include "harness/session/watch_session.hpp"

namespace tally {

enum class flag_group { what, how, results };
inline constexpr std::array<const char*, 3> flag_group_titles{"What", "How", "Results"};
static_assert(flag_group_titles.size() == static_cast<std::size_t>(flag_group::results) + 1);

template <class Owner, class Value>
struct flag_row {
  using owner = Owner;
  using value = Value;
  const char* name;
  Value Owner::* member;
  flag_group group;
  const char* help;  // {tally}: as with_program() says
  number_range range = {};

  // Whether it is kept with the results.
  static constexpr bool requested = std::derived_from<Owner, selection>;
};

namespace flags {

using enum flag_group;
using sim::sim_options;
using sim::sim_request;

inline constexpr double most_operations = 1e9;

// clang-format off: a table
inline constexpr std::tuple all{
    flag_row{"suite", &selection::suite, what, "quick, core, default, rigorous, collectors, choice or ladder; default if nothing is selected"},
    flag_row{"strategy", &selection::strategies, what, "names, globs or variants: biased:merge=detached, 'atomic:*'; 'deferred:*tunables' varies its numbers"},
    flag_row{"workload", &selection::workloads, what, "names, globs, with parameters: trace:file=PATH"},
    flag_row{"set", &selection::sets, what, "a workload's parameter: name=v1,v2 or name=1..64*2, of one workload.name=v"},
    flag_row{"threads", &run_request::threads, what, "auto (1, 2, 4 ... cores, then hyper-threads), 1,2,8 or 1..8*2"},
    flag_row{"cores", &sim_request::cores, what, "virtual cores: 1,2,8 or 1..128*2; at most 128"},
    flag_row{"think", &selection::thinks, what, "work between operations, in ns: 0,50,200 or 10..10000*10; none if not given"},
    flag_row{"mode", &run_request::modes, what, "throughput, latency, memory, observed, promptness"},
    flag_row{"rate", &run_request::rates, what, "of latency rows, operations per second of all threads: 20000, 1.5M, or 50% of a closed loop's; closed"},
    flag_row{"arrivals", &run_request::arrivals, what, "at a rate: constant (evenly spaced) or poisson; constant if not given"},
    flag_row{"counters", &run_request::counters, what, "groups of hardware counters ({tally} list counters), or .group files"},
    flag_row{"observe", &run_request::observe, what, "also rows that count line hand-offs between threads, without a PMU"},
    flag_row{"heap", &selection::heaps, what, "limits for strategies that take one: 2x,3x of the payload, or 64M"},
    flag_row{"baseline", &selection::baseline, what, "what the others are compared with; a run measures it twice"},

    flag_row{"duration", &run_request::duration, how, "of a window: 100ms, 2s"},
    flag_row{"processes", &run_request::processes, how, "worker processes, one after the other; intervals need 5", {1, 1000}},
    flag_row{"repeat", &run_request::blocks, how, "blocks in a process: windows of each row", {1, 1000}},
    flag_row{"until", &run_request::until, how, "2%: go on until each ratio to the baseline is known so well; --processes are the least, 30 the most"},
    flag_row{"budget", &run_request::budget, how, "5m: as many processes as fit; with --until, whichever ends first"},
    flag_row{"pin", &run_request::pin, how, "cores, spread, smt, none, or processors: 0,2,4-7"},
    flag_row{"allocator", &run_request::allocators, how, "system, mimalloc, jemalloc, or several: system,mimalloc"},
    flag_row{"gc-workers", &run_request::gc_workers, how, "of a parallel collector: threads (as many), or a number"},
    flag_row{"machine", &sim_request::model, how, "a machine's name, or a file with its figures; epyc-7773x-2s if not given"},
    flag_row{"protocol", &sim_request::coherence, how, "mesi or moesi"},
    flag_row{"caches", &sim_request::caches, how, "infinite (coherence alone) or finite (the machine's geometry)"},
    flag_row{"schedule", &sim_request::schedules, how, "timed, rr:k, random:p; the first is the point, all of them the band"},
    flag_row{"ops", &sim_request::operations, how, "operations per core in the window", {1, most_operations}},
    flag_row{"warm-up", &sim_request::warm_up, how, "operations per core before it; a quarter of --ops if not given", {1, most_operations}},
    flag_row{"most-accesses", &sim_request::most_accesses, how, "of a point, up to which its window doubles until it has settled", {0, 1e12}},
    flag_row{"seed", &selection::seed, how, "of the workloads' draws and of the order; a run draws and keeps one if none is given"},
    flag_row{"timeout", &run_options::timeout_s, how, "seconds after which a worker that does not answer is stopped", {1, 86400}},
    flag_row{"jobs", &sim_options::jobs, how, "points simulated at once; as many as processors if not given", {1, 64}},
    flag_row{"calibrate", &sim_options::calibrate, how, "only measure this machine, and write it to a file for --machine"},

    flag_row{"strategy", &watch_options::strategies, what, "names, globs or variants; atomic,deferred,mark_sweep if not given"},
    flag_row{"events", &watch_options::events, how, "a line an event, of one strategy: to be compared with what Python does"},
    flag_row{"steps", &watch_options::steps, how, "the most that a program may take", {1, static_cast<double>(most_steps)}},

    flag_row{"out", &session_flags::out, results, "the directory; results/<UTC>-<suite or sim>-<id> if not given"},
    flag_row{"overlay", &sim_options::overlays, results, "observed rows ({tally} run --observe) to be judged against, as often as there are directories"},
    flag_row{"from", &session_flags::from, results, "the same again, as that directory has it; other flags change it"},
    flag_row{"resume", &session_flags::resume, results, "go on with what is in --out, or the latest"},
    flag_row{"plan", &session_flags::plan_only, results, "only tell: rows, time, what is skipped and why"},
    flag_row{"json", &sim_options::as_json, results, "print the records, a line each, instead of the summary"},
    flag_row{"quiet", &session_flags::quiet, results, "no progress, no summary; the exit code tells"},
};
// clang-format on

}  // namespace flags

// Calls f(row) for each flag that sets a member of Options, in the table's order.
template <class Options, class F>
void each_flag(F&& f) {
  std::apply(
      [&](const auto&... row) {
        const auto visit = [&](const auto& r) {
          if constexpr (std::derived_from<Options, typename std::remove_cvref_t<decltype(r)>::owner>) f(r);
        };
        (visit(row), ...);
      },
      flags::all);
}

// The request of an earlier session with the flags that were typed now.
template <class Request, class Options>
[[nodiscard]] Request overlaid(Request there, const Options& typed) {
  each_flag<Request>([&](const auto& row) {
    if (typed.given.contains(row.name)) there.*row.member = typed.*row.member;
  });
  return there;
}

// The first flag in which they differ, as "--threads 1 (it was 2)"; empty if none.
template <class Request>
[[nodiscard]] std::string first_difference(const Request& asked, const Request& there) {
  std::string difference;
  each_flag<Request>([&](const auto& row) {
    if (!difference.empty() || asked.*row.member == there.*row.member) return;
    const std::string is = value_text(asked.*row.member), was = value_text(there.*row.member);
    difference = fmt::format("--{} {} (it was {})", row.name, is,
                             was.empty() ? "not given"
                             : is == was ? "another of that name"
                                         : was);
  });
  return difference;
}

// What is asked for: what was typed, with an earlier session's request around it. Throws usage_error where --resume is given and
// they differ.
template <class Request, class Options>
[[nodiscard]] Request asked_for(const Options& typed, const std::optional<earlier_session>& earlier) {
  if (!earlier) return typed;
  Request there;
  read_request(earlier->config.request, there);
  Request asked = overlaid(there, typed);
  if (typed.resume) earlier->refuse(first_difference(asked, there));
  return asked;
}

}  // namespace tally
