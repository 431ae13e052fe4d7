// The model runtime: every program's result and its oracle, the counts per operation, and that damage is noticed.
#include "workloads/interpreter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/base/errors.hpp"
#include "harness/interpreter/assembler.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"
#include "tests/unit/recording_policy.hpp"

namespace unit_workload_interpreter {
namespace {

using tally::testing::run_steps;
using tally::workloads::interpreter;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;
using biased = tally::strategies::biased_heap<tally::native>;
template <tally::strategies::biased_options O>
using biased_with = tally::strategies::biased_heap<tally::native, O>;
using tally::recording;
namespace strategies = tally::strategies;
using settings = std::map<std::string, std::string>;

TEST(Interpreter, EveryProgramGivesBackItsResultAndLeavesNothing) {
  for (const auto& p : tally::bytecode::programs()) {
    for (const char* rounds : {"1", "3", "300"}) {
      const settings set{{"program", std::string(p.name)}, {"rounds", rounds}};
      if (!p.shares) {
        EXPECT_EQ((run_steps<plain, interpreter>({.set = set, .steps = 5}).verdict()), "") << p.name;
      }
      for (const int lanes : {1, 2, 3}) {
        EXPECT_EQ((run_steps<atomic, interpreter>({.set = set, .lanes = lanes, .steps = 5}).verdict()), "") << p.name;
      }
    }
  }
}

template <class H>
void immortals_change_no_result() {
  for (const auto& p : tally::bytecode::programs()) {
    for (const char* immortal : {"yes", "no"}) {
      const settings set{{"program", std::string(p.name)}, {"immortal", immortal}};
      EXPECT_EQ((run_steps<H, interpreter>({.set = set, .lanes = 2, .steps = 5}).verdict()), "") << p.name << immortal;
    }
  }
}
TEST(Interpreter, ImmortalConstantsChangeNoResult) {
  using namespace tally::strategies;
  immortals_change_no_result<biased>();
  immortals_change_no_result<atomic_heap<tally::native, atomic_options{.immortal = immortality::yes}>>();
  immortals_change_no_result<gil_heap<tally::native, gil_options{.immortal = immortality::yes}>>();
  immortals_change_no_result<
      gil_heap<tally::native, gil_options{.cycles = tally::cycle_kind::generational, .immortal = immortality::yes}>>();
}

TEST(Interpreter, BorrowedLoadsChangeNoResult) {
  using strategies::biased_edges, strategies::biased_stack;
  for (const auto& p : tally::bytecode::programs()) {
    const settings set{{"program", std::string(p.name)}, {"loads", "borrowed"}, {"rounds", "300"}};
    if (!p.shares) {
      EXPECT_EQ((run_steps<plain, interpreter>({.set = set, .steps = 5}).verdict()), "") << p.name;
    }
    for (const int lanes : {1, 3}) {
      EXPECT_EQ((run_steps<atomic, interpreter>({.set = set, .lanes = lanes, .steps = 5}).verdict()), "") << p.name;
      EXPECT_EQ((run_steps<biased, interpreter>({.set = set, .lanes = lanes, .steps = 5}).verdict()), "") << p.name;
      EXPECT_EQ((run_steps<biased_with<{.stack = biased_stack::deferred, .edges = biased_edges::thread}>, interpreter>(
                     {.set = set, .lanes = lanes, .steps = 5})
                     .verdict()),
                "")
          << p.name;
    }
  }
}

TEST(Interpreter, DeferredFunctionsAndTypesChangeNoResult) {
  using strategies::biased_edges, strategies::biased_stack;
  for (const auto& p : tally::bytecode::programs()) {
    const settings set{{"program", std::string(p.name)}};
    EXPECT_EQ(
        (run_steps<biased_with<{.stack = biased_stack::deferred}>, interpreter>({.set = set, .lanes = 2, .steps = 5}).verdict()),
        "")
        << p.name;
    EXPECT_EQ((run_steps<biased_with<{.stack = biased_stack::deferred, .edges = biased_edges::thread}>, interpreter>(
                   {.set = set, .lanes = 3, .steps = 5})
                   .verdict()),
              "")
        << p.name;
    EXPECT_EQ(
        (run_steps<biased_with<{.stack = biased_stack::immortal}>, interpreter>({.set = set, .lanes = 2, .steps = 5}).verdict()),
        "")
        << p.name;
  }
}

// How often a step writes a count in which all threads count, by a thread that has made none of what all threads share, or all of it.
template <strategies::biased_options O>
int shared_writes(const char* program, const char* thread = "worker") {
  using heap = strategies::biased_heap<recording, O>;
  const tally::parameters params(interpreter::info, {{"program", program}, {"thread", thread}});
  heap h(tally::heap_config{});
  interpreter::program<heap> p(h, {params, 1, 1});
  typename heap::context maker(h);
  p.setup(maker);
  int writes = 0;
  {
    typename heap::context c(h);
    typename interpreter::program<heap>::lane l(p, c, {});
    recording::clear();
    p.step(c, l);
    writes = recording::seen["shared"].rmws;
    p.leave(c, l);
  }
  EXPECT_EQ(p.check(maker), "");
  p.teardown(maker);
  EXPECT_EQ(h.live(), 0) << program;
  return writes;
}

TEST(Interpreter, EachRungOfTheLadderTakesAwayWhatThreadsContendFor) {
  using strategies::biased_edges, strategies::biased_stack;
  constexpr strategies::biased_options deferred{.stack = biased_stack::deferred};
  constexpr strategies::biased_options by_thread{.stack = biased_stack::deferred, .edges = biased_edges::thread};
  // A call takes and drops its function and its code.
  for (const char* program : {"fib", "call_function", "call_method"}) {
    EXPECT_GE(shared_writes<strategies::biased_options{}>(program), 64 * 4) << program;
    EXPECT_LE(shared_writes<deferred>(program), 8) << program;  // the frame of main itself
  }
  // An instance takes and drops its class; a function its code and the module.
  for (const char* program : {"create_instance", "create_closure"}) {
    EXPECT_GE(shared_writes<deferred>(program), 64 * 2) << program;
    EXPECT_LE(shared_writes<by_thread>(program), 8) << program;
  }
}

// A main thread owns its program: what a foreigner pays above it does not.
TEST(Interpreter, WhoHasMadeItsProgramCountsPlainly) {
  for (const auto& p : tally::bytecode::programs()) {
    EXPECT_EQ(
        (run_steps<biased, interpreter>({.set = {{"program", std::string(p.name)}, {"thread", "main"}}, .steps = 5}).verdict()),
        "")
        << p.name;
  }
  for (const char* program : {"fib", "call_function", "call_method", "create_instance", "create_closure", "mixed"}) {
    EXPECT_LE((shared_writes<strategies::biased_options{}>(program, "main")), 8) << program;
  }
  const tally::parameters main(interpreter::info, {{"thread", "main"}});
  EXPECT_NE(interpreter::unmet_lanes<biased>(main, 2), "");
  EXPECT_EQ(interpreter::unmet_lanes<biased>(main, 1), "");
}

// What one round more costs, where integers are too large to be shared. The sums were added up by hand, instruction by instruction, from
// what CPython 3.12 does; that copies and makes are as many as drops shows that they are right as a whole.
struct round_counts {
  const char* program;
  long copies, makes, with_borrowed_loads;  // copies, where a load of a local is one only if the value is kept
};
// clang-format off: a table
constexpr round_counts by_hand[]{
    // The loop makes its integer, and a sum is one, too. Every load is a copy, and so is what an item or attribute gives.
    {"list_private", 7, 2, 4},
    {"dict_private", 7, 2, 4},
    {"attr_private", 5, 2, 2},
    {"float_private", 2, 2, 1},
    {"list_shared", 4, 2, 3},
    {"attr_shared", 3, 2, 2},
    {"call_function", 5, 2, 3},     // global, argument, code; a local and a constant
    {"call_method", 9, 2, 5},       // a local, its method, code; self three times, its attribute twice, a constant
    {"create_instance", 15, 3, 9},  // the type twice, __init__, self three times, arguments twice, code, None; then p.y and the sum
    {"create_closure", 12, 5, 10},   // a cell, a tuple, a function with five references to the module's; code twice
    {"create_function", 10, 2, 8},
    {"constants", 6, 2, 5},
    {"create_pyobject", 4, 3, 3},
    {"create_dict", 4, 4, 3},       // a dictionary and its array
    {"thread_local_read", 12, 2, 6},
    {"module_function", 7, 3, 3},
    {"mixed", 49, 8, 36},        // thirteen of eighteen loads are looked at and not kept
};
// clang-format on

std::pair<long, long> counts(const std::string& program, int rounds, const char* loads) {
  using heap = tally::testing::sound_heap;
  const tally::parameters params(interpreter::info, {{"program", program}, {"rounds", std::to_string(rounds)}, {"loads", loads}});
  heap h(tally::heap_config{});
  interpreter::program<heap> p(h, {params, 1, 1});
  heap::context c(h);
  p.setup(c);
  interpreter::program<heap>::lane l(p, c, {});
  const long drops = h.drops, makes = h.makes;
  EXPECT_EQ(p.step(c, l), static_cast<std::uint64_t>(rounds));
  const std::pair<long, long> spent{h.drops - drops, h.makes - makes};
  p.leave(c, l);
  EXPECT_EQ(p.check(c), "");
  p.teardown(c);
  return spent;
}

TEST(Interpreter, ARoundCopiesAndMakesAsOftenAsCPythonDoes) {
  for (const auto& [program, copies, makes, with_borrowed_loads] : by_hand) {
    for (const auto& [loads, expected] : {std::pair("counted", copies), std::pair("borrowed", with_borrowed_loads)}) {
      const auto [fewer_drops, fewer_makes] = counts(program, 600, loads);
      const auto [drops, all_makes] = counts(program, 700, loads);
      EXPECT_EQ(all_makes - fewer_makes, 100 * makes) << program << ' ' << loads;
      EXPECT_EQ(drops - fewer_drops, 100 * (expected + makes)) << program << ' ' << loads;
    }
  }
}

TEST(Interpreter, FibCountsItsCallsAndMakesNothing) {
  const tally::parameters params(interpreter::info, {{"program", "fib"}});
  using heap = tally::testing::sound_heap;
  heap h(tally::heap_config{});
  interpreter::program<heap> p(h, {params, 1, 1});
  heap::context c(h);
  p.setup(c);
  interpreter::program<heap>::lane l(p, c, {});
  const long makes = h.makes;
  EXPECT_EQ(p.step(c, l), 177u);  // calls for fib(10)
  EXPECT_EQ(h.makes, makes);
  p.leave(c, l);
  p.teardown(c);
  EXPECT_EQ(h.live(), 0);
}

TEST(Interpreter, AHeapThatForgetsDropsIsCaughtInEveryProgram) {
  for (const auto& p : tally::bytecode::programs()) {
    if (p.shares) continue;
    for (const char* loads : {"counted", "borrowed"}) {
      const settings set{{"program", std::string(p.name)}, {"loads", loads}};
      const auto r = run_steps<tally::testing::leaky_heap, interpreter>({.set = set, .steps = 20});
      EXPECT_EQ(r.check, "") << p.name << ' ' << loads;
      EXPECT_TRUE(r.live > r.expected || r.left > r.leaked) << p.name << ' ' << loads;
    }
  }
}

// Whatever a step holds when memory ends is dropped once: what is borrowed is not.
TEST(Interpreter, AStepThatMemoryEndsInLeavesNothing) {
  using heap = tally::testing::sound_heap;
  for (const auto& program : tally::bytecode::programs()) {
    if (program.shares) continue;
    for (const char* loads : {"counted", "borrowed"}) {
      bool ended = true;
      for (long more = 0; ended; more += program.name == "queue_handoff" ? 97 : 1) {  // that one makes thousands first
        const tally::parameters params(interpreter::info,
                                       {{"program", std::string(program.name)}, {"rounds", "3"}, {"loads", loads}});
        heap h(tally::heap_config{});
        interpreter::program<heap> p(h, {params, 1, 1});
        heap::context c(h);
        p.setup(c);
        interpreter::program<heap>::lane l(p, c, {});
        h.most_makes = h.makes + more;
        try {
          p.step(c, l);
          ended = false;
        } catch (const std::bad_alloc&) {}
        h.most_makes = -1;
        p.leave(c, l);
        EXPECT_EQ(p.check(c), "") << program.name << ' ' << loads << ' ' << more;
        EXPECT_EQ(h.live(), p.expected()) << program.name << ' ' << loads << ' ' << more;
        p.teardown(c);
        EXPECT_EQ(h.live(), 0) << program.name << ' ' << loads << ' ' << more;
      }
    }
  }
}

// What dies is wiped: a program finds an object of no kind, or gives back a wrong sum.
TEST(Interpreter, AHeapThatFreesEarlyIsCaughtInEveryProgram) {
  for (const auto& p : tally::bytecode::programs()) {
    if (p.shares) continue;
    for (const char* loads : {"counted", "borrowed"}) {
      const settings set{{"program", std::string(p.name)}, {"loads", loads}};
      const auto r = run_steps<tally::testing::hasty_heap, interpreter>({.set = set, .steps = 400});
      EXPECT_THAT(r.check, ::testing::HasSubstr("met a damaged object or gave back a wrong result")) << p.name << ' ' << loads;
    }
  }
}

TEST(Interpreter, ProgramsHaveNamesOfTheirOwnAndUnknownOnesAreRefused) {
  std::set<std::string_view> names;
  for (const auto& p : tally::bytecode::programs()) EXPECT_TRUE(names.insert(p.name).second) << p.name;
  try {
    (void)tally::bytecode::program_named("list_pirvate");
    FAIL();
  } catch (const tally::usage_error& e) {
    EXPECT_STREQ(e.what(), "--set program=list_pirvate: no such program; did you mean list_private?");
  }
  const tally::parameters shared(interpreter::info, {{"program", "list_shared"}});
  EXPECT_EQ(interpreter::unmet_for<plain>(shared), "program=list_shared needs shared slots");
  EXPECT_EQ(interpreter::unmet_for<atomic>(shared), "");
  EXPECT_THROW((run_steps<plain, interpreter>({.set = {{"program", "list_shared"}}})), tally::usage_error);
}

TEST(Interpreter, AQueueHandsItemsToTheNextLane) {
  const auto r = run_steps<atomic, interpreter>({.set = {{"program", "queue_handoff"}}, .lanes = 3, .steps = 50});
  EXPECT_EQ(r.verdict(), "");
  EXPECT_EQ(r.metrics.at(0).name, "queue_waits");
}

// Under a lock, too, nearly each operation hands an item over: who finds its queue empty lets the other lane run.
TEST(Interpreter, AQueueHandsItemsOverWhereOneLaneRunsAtATime) {
  using gil = strategies::gil_heap<tally::native>;
  const auto r = run_steps<gil, interpreter>({.set = {{"program", "queue_handoff"}}, .lanes = 2, .steps = 500});
  EXPECT_EQ(r.verdict(), "");
  EXPECT_LT(r.metrics.at(0).value, 0.01);
}

TEST(Interpreter, UpdatesOfASharedAttributeAreCounted) {
  const auto r = run_steps<atomic, interpreter>({.set = {{"program", "attr_shared_update"}}, .steps = 50});
  EXPECT_EQ(r.metrics.at(0).name, "lost_updates");
  EXPECT_EQ(r.metrics.at(0).value, 0);  // one lane
}

TEST(Assembler, SaysWhichLineIsWrong) {
  const auto why = [](std::string_view text) -> std::string {
    try {
      (void)tally::bytecode::assembled(text);
    } catch (const std::logic_error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(why("def main(rounds)\n fast rounds; give_back"), "");
  EXPECT_EQ(why("def main(rounds)\n fats rounds"), "fats rounds: no such instruction");
  EXPECT_EQ(why("def main(rounds)\n fast round"), "fast round: its operand is not there");
  EXPECT_EQ(why("def main(rounds)\n jump"), "jump: it has an operand");
  EXPECT_EQ(why("def main(rounds)\n jump out"), "jump out: its operand is not there");
  EXPECT_EQ(why("def main(rounds)\n attribute Point.x"), "attribute Point.x: no such class");
  EXPECT_EQ(why("def main(rounds)\n constant what"), "no constant: what");
  EXPECT_EQ(why("def first(rounds)\n give_back"), "no main");
}

}  // namespace
}  // namespace unit_workload_interpreter
