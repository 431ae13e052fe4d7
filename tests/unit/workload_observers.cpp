// observers' oracle: what is alive is found, what is dead is not (where heaps free at once), and callbacks are as many as deaths.
#include "workloads/observers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/engine/bind.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "strategies/shared_ptr.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_observers {
namespace {

using tally::testing::outcome;
using tally::testing::run_steps;
using tally::workloads::observers;
using plain = tally::strategies::plain_heap<tally::native>;
using atomic = tally::strategies::atomic_heap<tally::native>;
using epochs = tally::strategies::atomic_heap<tally::native, {.slot = tally::slot_kind::epoch}>;
using unique = tally::strategies::atomic_heap<tally::native, {.unique = tally::strategies::unique_path::on}>;
using biased = tally::strategies::biased_heap<tally::native>;
using shared_ptr = tally::strategies::shared_ptr_heap<tally::native>;
using deferred = tally::strategies::deferred_heap<tally::native>;
using mark_sweep = tally::strategies::mark_sweep_heap<tally::native>;
using collected = tally::strategies::plain_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using gil = tally::strategies::gil_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using settings = std::map<std::string, std::string>;

double metric(const outcome& r, std::string_view name) {
  for (const auto& m : r.metrics) {
    if (m.name == name) return m.value;
  }
  return -1;
}

TEST(observers, counting_finds_what_lives_and_nothing_else) {
  for (const char* window : {"1", "30"}) {
    for (const char* subject : {"0", "0.2", "1"}) {
      for (const char* observer : {"0.3", "1"}) {
        const settings set{{"window", window}, {"subject", subject}, {"observer", observer}};
        for (const auto& r : {run_steps<plain, observers>({.set = set, .steps = 5000}),
                              run_steps<atomic, observers>({.set = set, .lanes = 2, .steps = 5000}),
                              run_steps<shared_ptr, observers>({.set = set, .lanes = 2, .steps = 5000}),
                              run_steps<collected, observers>({.set = set, .steps = 5000})}) {
          EXPECT_EQ(r.verdict(), "") << window << subject << observer;
          EXPECT_EQ(metric(r, "stale_share"), 0);
        }
      }
    }
  }
}

TEST(observers, tracing_may_find_what_nobody_holds_and_never_misses_what_lives) {
  EXPECT_EQ((run_steps<mark_sweep, observers>({.lanes = 2, .steps = 20000}).verdict()), "");
  EXPECT_EQ((run_steps<deferred, observers>({.lanes = 2, .steps = 20000}).verdict()), "");
  EXPECT_GT(metric(run_steps<mark_sweep, observers>({.steps = 5000}), "stale_share"), 0);
}

TEST(observers, each_is_told_once_of_its_subjects_death) {
  for (const char* subject : {"0.01", "0.3"}) {
    const settings set{{"callbacks", "on"}, {"window", "5"}, {"subject", subject}};
    for (const auto& r :
         {run_steps<collected, observers>({.set = set, .steps = 5000}), run_steps<plain, observers>({.set = set, .steps = 5000}),
          run_steps<unique, observers>({.set = set, .lanes = 3, .steps = 5000}),
          run_steps<biased, observers>({.set = set, .lanes = 3, .steps = 5000}),
          run_steps<gil, observers>({.set = set, .lanes = 3, .steps = 5000})}) {
      EXPECT_EQ(r.verdict(), "") << subject;
      EXPECT_GT(metric(r, "observers_told"), 50);
    }
  }
}

TEST(observers, a_heap_without_callbacks_is_refused_with_the_reason) {
  const tally::parameters on(observers::info, {{"callbacks", "on"}});
  EXPECT_THAT((tally::bind_cell<epochs, observers>().unmet_for(on)), ::testing::HasSubstr("callbacks=on"));
  EXPECT_EQ((tally::bind_cell<gil, observers>().unmet_for(on)), "");
  EXPECT_THROW((run_steps<epochs, observers>({.set = {{"callbacks", "on"}}})), tally::usage_error);
}

// One that now and then does not find what lives, and one that does not tell.
template <int Fault>
struct wrong_heap : collected {
  using collected::collected;
  struct context : collected::context {
    explicit context(wrong_heap& h) : collected::context(h) {}
    template <class W>
    auto upgrade(const W& w) {
      auto found = collected::context::upgrade(w);
      if (Fault == 0 && found && ++calls % 100 == 0) {
        this->drop(found);
        return decltype(found){};
      }
      return found;
    }
    template <class O, class T>
    void observe(const O& o, const T& t) {
      if (Fault != 1 || ++calls % 100 != 0) collected::context::observe(o, t);
    }
    std::uint64_t calls = 0;
  };
};

TEST(observers, heaps_that_are_wrong_are_caught) {
  const settings on{{"callbacks", "on"}};
  EXPECT_THAT((run_steps<wrong_heap<0>, observers>({.set = on, .steps = 5000}).check), ::testing::HasSubstr("did not find"));
  EXPECT_THAT((run_steps<wrong_heap<1>, observers>({.set = on, .steps = 5000}).check), ::testing::HasSubstr("not told"));
}

TEST(observers, callbacks_out_of_order_are_noticed) {
  observers::told heard;
  observers::observer<collected> first, second;
  first.stamp.store(1), second.stamp.store(2);
  first.tells = second.tells = &heard;
  int nobody = 0;
  second.notify(nobody), first.notify(nobody);
  EXPECT_EQ(heard.out_of_order, 0U);
  second.notify(nobody);
  EXPECT_EQ(heard.out_of_order, 1U);
  EXPECT_EQ(heard.count, 3U);
}

}  // namespace
}  // namespace unit_workload_observers
