// Object programs on heaps: what happens when, what is refused while it runs, and who holds what.
#include "harness/watch/object_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/errors.hpp"
#include "harness/watch/holders.hpp"
#include "harness/watch/watched_adapter.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "strategies/shared_ptr.hpp"

namespace tally::unit_object_machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using lines = std::vector<std::string>;
using strategies::deferred_heap, strategies::gil_heap, strategies::mark_sweep_heap, strategies::plain_heap,
    strategies::shared_ptr_heap;
using python = gil_heap<native, {.cycles = cycle_kind::generational}>;

// "STEP EVENT", and "STEP freed N" where that is asked for.
template <class H>
lines run(std::string_view text, bool freed = false, double rule = 1) {
  const object_program p = parse_program(text, "p");
  const std::pair<std::string_view, double> tunable{"rule", rule};
  heap_config config;
  config.tunables = &tunable;
  config.tunable_count = 1;
  watched_adapter<H> heap(config);
  object_machine machine(p, heap, "it");
  lines all;
  for (std::uint64_t before = 0; machine.step();) {
    const std::string step = std::to_string(machine.steps()) + " ";
    for (const auto& e : machine.events()) all.push_back(step + e);
    const std::uint64_t n = heap.freed();
    if (freed && n != before) all.push_back(step + "freed " + std::to_string(n - before));
    before = n;
  }
  EXPECT_EQ(machine.steps(), p.steps);
  return all;
}

template <class H>
std::string refusal(std::string_view text) {
  try {
    (void)run<H>(text);
  } catch (const usage_error& e) {
    return e.what();
  }
  return "accepted";
}

constexpr std::string_view cycle = "new a 1\nnew b 1\nset a.0 b\nset b.0 a\ndel a\ndel b\ncollect\n";

// Random program 9366 of those that are compared with CPython: the second `new a` ends the first, whose child revives itself into
// `a`, and so lets the new object go, which the statement holds until the old one is whole gone.
TEST(object_machine, an_assignment_holds_the_new_value_until_the_old_one_is_gone) {
  EXPECT_EQ(run<python>("new a 2\nnew b 0 revive a\nset a.0 b\ndel b\nnew c 0\nweak w c\nset a.1 c\ndel c\nnew a 0 note\n"),
            (lines{"9 revive b", "9 weak w", "9 final a"}));
}

// Two observers of one object, so that they are told together; a cycle with a finaliser; and what revives itself.
constexpr std::string_view ends =
    "new a 1\nweak v a\nweak w a\ndel a\nnew b 1 note\nset b.0 b\ndel b\ncollect\nnew c 0 revive d\ndel c\ncount d\ndel "
    "d\nstate\n";

TEST(object_machine, ends_are_the_same_for_all_collectors) {
  const lines python_says{"4 weak w",      "4 weak v",    "8 final b",    "8 collection 2 1",
                          "8 collected 1", "10 revive c", "11 count d 1", "13 state alive 0 generations 0 0"};
  EXPECT_EQ(run<python>(ends), python_says);
  EXPECT_EQ((run<strategies::biased_heap<native, {.heap = object_source::block, .cycles = cycle_kind::stop}>>(ends)),
            python_says);
  EXPECT_EQ((run<gil_heap<native, {.cycles = cycle_kind::trial}>>(ends)), python_says);
}

TEST(object_machine, a_cycle_stays_where_nothing_collects) {
  EXPECT_THAT(run<plain_heap<native>>(cycle, true), ElementsAre("7 collected 0"));
  EXPECT_THAT(run<python>(cycle, true), ElementsAre("7 collection 2 2", "7 collected 2", "7 freed 2"));
  EXPECT_THAT((run<plain_heap<native, {.cycles = cycle_kind::trial}>>(cycle, true)),
              ElementsAre("7 collection 2 2", "7 collected 2", "7 freed 2"));
  EXPECT_THAT(run<deferred_heap<native>>(cycle, true), ElementsAre("7 collected 2", "7 freed 2"));
  EXPECT_THAT(run<mark_sweep_heap<native>>(cycle, true), ElementsAre("7 collected 2", "7 freed 2"));
}

TEST(object_machine, through_null_and_through_a_leaf_nothing_is_done) {
  constexpr auto text =
      "new x 1\nleaf l\nset n.0 x\nset l.0 x\nget x n.0\nget x l.0\nweak w l\nup y w\nweak w n\nclear l.0\ncount x\ncount w";
  EXPECT_THAT(run<python>(text), ElementsAre("11 count x 1", "12 count w 0"));
  EXPECT_THAT(run<plain_heap<native>>(text), ElementsAre("11 count x 1", "12 count w 0"));
}

TEST(object_machine, references_are_counted_with_or_without_the_strategy) {
  constexpr auto text = "new x 1\ncount x\nlet y x\nset x.0 y\ncount x\ndel y\ncount x\ncount z";
  const auto expected = ElementsAre("2 count x 1", "5 count x 3", "7 count x 2", "8 count z 0");
  EXPECT_THAT(run<python>(text), expected);
  EXPECT_THAT(run<plain_heap<native>>(text), expected);
  EXPECT_THAT(run<mark_sweep_heap<native>>(text), expected);
}

TEST(object_machine, finalisers_and_callbacks_come_in_pythons_order) {
  constexpr auto text =
      "collect 0\nnew a 1 note\nweak v a\nweak w a\ndel a\nnew b 1 revive k\nset b.0 b\ndel b\ncollect\ncount k\nclear k.0\ndel "
      "k\nstate";
  EXPECT_THAT(run<python>(text),
              ElementsAre("1 collection 0 0", "1 collected 0", "5 final a", "5 weak w", "5 weak v", "9 revive b",
                          "9 collection 2 0", "9 collected 0", "10 count k 2", "13 state alive 0 generations 0 0"));
}

TEST(object_machine, the_interpreter_allocates_too) {
  // Counted are the threshold's arguments, x, the weak reference's arguments and the weak reference: one more than the threshold.
  constexpr auto text = "collect 0\nthreshold 3 10 10\nnew x 0\nweak w x\ndel x";
  EXPECT_THAT(run<python>(text, false, 1), ::testing::Contains("4 collection 0 0"));
  constexpr auto within = "collect 0\nthreshold 4 10 10\nnew x 0\nweak w x\ndel x";
  EXPECT_THAT(run<python>(within, false, 1), ElementsAre("1 collection 0 0", "1 collected 0", "5 weak w"));
}

TEST(object_machine, who_names_variables_slots_and_weak_references_with_a_way_there) {
  constexpr auto text =
      "new a 2\nnew b 1\nset a.1 b\nset b.0 b\nlet c b\nweak w b\nnew g 1\nset g.0 g\nset g.0 b\ndel c\nwho b\nwho n";
  EXPECT_THAT(run<python>(text),
              ElementsAre("11 who b: b (variable)", "11 who b: a.1 (slot 1 of a#1)", "11 who b: b.0 (slot 0 of b#2)",
                          "11 who b: g.0 (slot 0 of g#4)", "11 who b: w (weak reference w#3)", "12 who n: null"));
  constexpr auto garbage = "new a 1\nnew b 1\nnew x 0\nset a.0 b\nset b.0 a\nnew c 2\nset c.0 c\nset c.1 x\ndel c\nwho x";
  EXPECT_THAT(run<plain_heap<native>>(garbage), ElementsAre("10 who x: x (variable)", "10 who x: garbage (slot 1 of c#4)"));
  EXPECT_THAT(run<mark_sweep_heap<native>>(garbage), ElementsAre("10 who x: x (variable)"));
}

TEST(object_machine, what_the_strategy_lacks_is_refused_with_its_line) {
  EXPECT_EQ(refusal<mark_sweep_heap<native>>("new x 1\nnew y 2 note\n"),
            "p:2: new y 2 note: it runs no finalisers; what ends an object with its last reference does (plain, atomic, rc_arc, "
            "biased, gil; not slot=epoch)");
}

TEST(object_machine, a_slot_that_this_object_lacks_is_refused_where_it_is_used) {
  EXPECT_EQ(refusal<plain_heap<native>>("new x 3\nnew x 1\nclear x.2\n"),
            "p:3: clear x.2: x holds an object with 1 slot in step 3, which count from 0");
}

TEST(object_machine, garbage_without_end_and_chains_without_end_are_refused) {
  EXPECT_THAT(refusal<plain_heap<native>>("repeat 1000000\nnew x 1000\nset x.0 x\nend\n"),
              HasSubstr("p:2: new x 1000: the program's objects take more than 256 MiB under it in step "));
  EXPECT_THAT(refusal<shared_ptr_heap<native>>("repeat 30000\nnew a 1\nset a.0 b\nlet b a\nend\n"),
              HasSubstr("p:2: new a 1: it frees recursively, and more than 25000 objects"));
}

TEST(object_machine, a_long_chain_dies_without_recursion) {
  constexpr auto text = "repeat 200000\nnew a 1\nset a.0 b\nlet b a\nend\ndel a\ndel b\nstate";
  for (const double rule : {0, 1, 2, 3}) {
    EXPECT_THAT(run<python>(text, false, rule).back(), HasSubstr("600003 state alive 0"));
  }
  EXPECT_EQ(run<plain_heap<native>>(text).back(), "600003 state alive 0 generations 0 0");
  EXPECT_EQ(refusal<shared_ptr_heap<native>>("repeat 24000\nnew a 1\nset a.0 b\nlet b a\nend\ndel a\ndel b\n"), "accepted");
}

}  // namespace
}  // namespace tally::unit_object_machine
