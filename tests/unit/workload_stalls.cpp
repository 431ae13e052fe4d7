// Workloads in which somebody stalls: what waits for that one is exactly what the others left, and the end of the run releases all.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "harness/base/errors.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/mark_sweep.hpp"
#include "tests/support/run_steps.hpp"
#include "workloads/handoff.hpp"
#include "workloads/publish.hpp"

namespace unit_workload_stalls {
namespace {

using namespace tally;
using tally::testing::run_steps;
using tally::workloads::handoff;
using tally::workloads::publish;
using settings = std::map<std::string, std::string>;
using atomic_counts = strategies::atomic_heap<native>;
using epochs = strategies::atomic_heap<native, strategies::atomic_options{.slot = slot_kind::epoch}>;
using biased = strategies::biased_heap<native>;
using deferred = strategies::deferred_heap<native>;
using mark_sweep = strategies::mark_sweep_heap<native>;

// publish on two lanes, the second of which stalls until `stop` on a thread of its own; `write(context, step)` is the writer.
template <class H, class Write>
void beside_a_stall(const settings& set, Write&& write) {
  const parameters params(publish::info, set);
  H h(heap_config{.mutators = 3});
  publish::program<H> p(h, run_env{params, 2, 1});
  std::atomic<bool> stop{false};
  typename H::context main(h);
  p.setup(main);
  main.blocked([&] {
    std::thread reader([&] {
      typename H::context c(h);
      typename publish::program<H>::lane l(p, c, {1, 2, 1, &stop});
      p.step(c, l);
      EXPECT_EQ(l.stalls, 1U);
      p.leave(c, l);
    });
    std::thread writer([&] {
      typename H::context c(h);
      typename publish::program<H>::lane l(p, c, {0, 2, 1, &stop});
      write(h, c, stop, [&] { p.step(c, l); });
      p.leave(c, l);
    });
    writer.join();
    stop = true;
    reader.join();
  });
  EXPECT_EQ(p.check(main), "");
  p.teardown(main);
  main.quiesce();
  EXPECT_EQ(h.held().of(held_cause::retired), 0);
}

TEST(Stalls, AllVersionsThatAreReplacedWhileAReaderSitsInAnEpochWait) {
  constexpr int versions = 1000;
  beside_a_stall<epochs>({{"stall", "borrow"}, {"stall_ms", "0"}}, [](epochs& h, epochs::context&, auto&, auto&& step) {
    while (h.epochs().try_advance()) std::this_thread::yield();  // until the reader is in its epoch
    for (int i = 0; i < versions; ++i) step();
    const std::size_t one = live_counter::rounded(sizeof(epochs::header) + sizeof(publish::version<epochs>));
    EXPECT_EQ(h.held().of(held_cause::retired), static_cast<std::int64_t>(versions * one));
    EXPECT_EQ(h.live(), versions + 2);
  });
}

TEST(Stalls, AReaderOnARefHoldsOneVersion) {
  beside_a_stall<atomic_counts>({{"stall", "load"}, {"stall_ms", "0"}}, [](atomic_counts& h, auto&, auto&, auto&& step) {
    for (int i = 0; i < 1000; ++i) {
      step();
      EXPECT_LE(h.live(), 3) << "the board, the current version and the reader's";
    }
    EXPECT_EQ(h.held().taken, h.live_bytes());
  });
}

// Whether the stop finds the reader stalled or not yet there: it ends with the run, if not before.
template <class H>
void a_stop_ends(const char* stall) {
  std::atomic<bool> asks{false};
  beside_a_stall<H>({{"stall", stall}, {"stall_ms", "0"}}, [&](H&, typename H::context& c, std::atomic<bool>& stop, auto&& step) {
    std::thread conductor([&] {
      while (!asks) std::this_thread::yield();
      stop = true;
    });
    for (int i = 0; i < 100; ++i) step();
    asks = true;
    c.collect();
    c.blocked([&] { conductor.join(); });
  });
}

TEST(Stalls, TheEndOfTheRunReleasesAStopOfTheWorld) {
  for (const char* stall : {"borrow", "load", "unpolled"}) {
    a_stop_ends<deferred>(stall);
    a_stop_ends<mark_sweep>(stall);
  }
}

TEST(Stalls, EveryKindOfStallIsExactOnLanesThatGoOn) {
  for (const char* stall : {"none", "borrow", "load", "unpolled"}) {
    const settings set{{"stall", stall}, {"stall_ms", "1"}};
    EXPECT_EQ((run_steps<epochs, publish>({.set = set, .lanes = 3, .steps = 20}).verdict()), "") << stall;
    EXPECT_EQ((run_steps<deferred, publish>({.set = set, .lanes = 3, .steps = 20}).verdict()), "") << stall;
    if (std::string_view(stall) == "borrow") continue;
    EXPECT_EQ((run_steps<atomic_counts, publish>({.set = set, .lanes = 2, .steps = 20}).verdict()), "") << stall;
  }
}

TEST(Stalls, NeedBorrowsAndASecondLane) {
  const parameters borrow(publish::info, {{"stall", "borrow"}}), load(publish::info, {{"stall", "load"}});
  EXPECT_NE(publish::unmet_for<atomic_counts>(borrow), "");
  EXPECT_EQ(publish::unmet_for<atomic_counts>(load), "");
  EXPECT_EQ(publish::unmet_for<epochs>(borrow), "");
  EXPECT_NE(publish::unmet_lanes<epochs>(borrow, 1), "");
  EXPECT_EQ(publish::unmet_lanes<epochs>(borrow, 2), "");
  EXPECT_EQ(publish::unmet_lanes<epochs>(parameters(publish::info), 1), "");
}

// A pair of handoff's lanes in turn on one thread; returns what is in the queue after `objects` hand-offs.
std::int64_t queued_after(int objects, const char* owner) {
  const parameters params(handoff::info, {{"foreign", "1"}, {"owner", owner}});
  biased h(heap_config{});
  handoff::program<biased> p(h, run_env{params, 2, 1});
  std::atomic<bool> stop{true};  // nobody is there to wait for
  std::int64_t queued = 0;
  {
    biased::context maker(h), other(h);
    handoff::program<biased>::lane producer(p, maker, {0, 2, 1, &stop}), consumer(p, other, {1, 2, 1, &stop});
    for (int i = 0; i < objects; ++i) {
      EXPECT_FALSE(p.step(maker, producer)) << "the channel takes it";
      EXPECT_TRUE(p.step(other, consumer));
    }
    queued = h.held().of(held_cause::queued);
    p.leave(maker, producer);
    p.leave(other, consumer);
  }
  EXPECT_EQ(p.check(*std::make_unique<biased::context>(h)), "");
  EXPECT_EQ(h.held().of(held_cause::queued), 0) << "who leaves looks at its queue";
  EXPECT_EQ(h.live(), p.expected());
  return queued;
}

TEST(Stalls, AnOwnerThatNeverPollsHasAllThatOthersDroppedInItsQueue) {
  const auto one = static_cast<std::int64_t>(live_counter::rounded(sizeof(biased::header) + sizeof(handoff::item<biased>) + 16));
  EXPECT_EQ(queued_after(500, "unpolled"), 500 * one);
  EXPECT_EQ(queued_after(500, "running"), one) << "what was dropped since it polled";
}

TEST(Stalls, AnOwnerThatNeverPollsDropsWhatTheChannelHasNoRoomFor) {
  for (const int lanes : {2, 3, 4}) {
    const settings set{{"owner", "unpolled"}, {"foreign", "1"}, {"channel", "4"}};
    EXPECT_EQ((run_steps<biased, handoff>({.set = set, .lanes = lanes, .steps = 700}).verdict()), "") << lanes;
    EXPECT_EQ((run_steps<deferred, handoff>({.set = set, .lanes = lanes, .steps = 700}).verdict()), "") << lanes;
  }
}

}  // namespace
}  // namespace unit_workload_stalls
