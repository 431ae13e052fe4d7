// handoff's oracle, and that the owner is what it is said to be when its objects are dropped.
#include "workloads/handoff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/errors.hpp"
#include "strategies/atomic.hpp"
#include "strategies/plain.hpp"
#include "tests/support/faulty.hpp"
#include "tests/support/run_steps.hpp"

namespace unit_workload_handoff {
namespace {

using tally::testing::run_steps;
using tally::workloads::handoff;
using atomic = tally::strategies::atomic_heap<tally::native>;
using plain = tally::strategies::plain_heap<tally::native>;
using settings = std::map<std::string, std::string>;

TEST(Handoff, IsExactForEveryOwnerFractionAndNumberOfLanes) {
  for (const char* owner : {"running", "blocked", "gone"}) {
    for (const char* foreign : {"0", "0.3", "1"}) {
      for (const int lanes : {2, 3, 4, 5}) {
        for (const char* channel : {"4", "1024"}) {
          const settings set{{"owner", owner}, {"foreign", foreign}, {"channel", channel}, {"batch", "50"}};
          const auto r = run_steps<atomic, handoff>({.set = set, .lanes = lanes, .steps = 700});
          EXPECT_EQ(r.verdict(), "") << owner << " " << foreign << " " << lanes;
          EXPECT_LE(r.counted, 700 * lanes);
        }
      }
    }
  }
}

TEST(Handoff, CopiesBeforeTheHandOffChangeNoCount) {
  for (const char* foreign : {"0", "0.5", "1"}) {
    const settings set{{"foreign", foreign}, {"copies", "3"}};
    EXPECT_EQ((run_steps<atomic, handoff>({.set = set, .lanes = 2, .steps = 700}).verdict()), "") << foreign;
  }
  EXPECT_NE(handoff::second_owner(tally::parameters(handoff::info, {{"copies", "1"}})), "");
  EXPECT_EQ(handoff::second_owner(tally::parameters(handoff::info, {})), "");
}

double figure(const tally::testing::outcome& r, std::string_view name) {
  for (const auto& m : r.metrics) {
    if (m.name == name) return m.value;
  }
  return -1;
}

TEST(Handoff, HandsOverNoneHalfOrAll) {
  const auto handed = [](const char* foreign) {
    return figure(run_steps<atomic, handoff>({.set = {{"foreign", foreign}}, .lanes = 2, .steps = 1000}), "handed_over");
  };
  EXPECT_EQ(handed("0"), 0);
  EXPECT_NEAR(handed("0.5"), 0.5, 0.1);
  EXPECT_GE(handed("1"), 0.99);  // one object may still be waiting for room
}

// A heap that remembers how many of its contexts are running, and how many were while objects died.
class watching_heap : public tally::counting_heap<watching_heap, tally::native> {
 public:
  using tally::counting_heap<watching_heap, tally::native>::counting_heap;
  std::atomic<int> running{0};
  std::atomic<int> most_at_a_foreign_death{0};
  std::atomic<long> foreign_deaths{0};

  class context;
  struct header {
    tally::object_word<tally::native> word;
    std::atomic<std::uint32_t> count{1};
    std::uint32_t unused = 0;
    context* maker = nullptr;
    std::uint64_t unused_too = 0;
  };
  class context : public tally::counting_context<context, watching_heap, header> {
   public:
    explicit context(watching_heap& h) : tally::counting_context<context, watching_heap, header>(h) { ++h.running; }
    ~context() { --this->heap_.running; }
    void init(header& h) { h.maker = this; }
    void increment(header& h) { ++h.count; }
    bool decrement(header& h) {
      if (--h.count != 0) return false;
      if (h.maker != this) {
        ++this->heap_.foreign_deaths;
        this->heap_.most_at_a_foreign_death = std::max(this->heap_.most_at_a_foreign_death.load(), this->heap_.running.load());
      }
      return true;
    }
    template <class F>
    void blocked(F&& f) {
      --this->heap_.running;
      f();
      ++this->heap_.running;
    }
  };
  template <class T>
  using ref = typename context::template ref<T>;
  template <class T>
  using slot = typename context::template slot<T>;
  template <class T>
  using parcel = typename context::template parcel<T>;
  template <class T>
  using root = tally::counted_root<watching_heap, T>;
};

// A pair of lanes, driven by hand, so that nothing but the workload decides when an object dies. `away`: the producer's context
// goes as engine/attached.hpp makes it go.
TEST(Handoff, WhenOthersDropItsObjectsABlockedOrGoneOwnerIsNotRunning) {
  for (const char* owner : {"blocked", "gone"}) {
    const tally::parameters params(handoff::info, {{"owner", owner}, {"foreign", "1"}, {"batch", "20"}});
    watching_heap heap(tally::heap_config{});
    handoff::program<watching_heap> p(heap, {params, 2, 1});
    std::atomic<bool> stop{false};
    std::atomic<int> left{2};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        std::optional<watching_heap::context> c(std::in_place, heap);
        handoff::program<watching_heap>::lane l(p, *c, {i, 2, 1, &stop});
        for (int s = 0; s < 200; ++s) tally::step_attached(heap, c, p, l);
        --left;
        if (i == 1) {
          // Nothing is left to be dropped: 200 objects were made, and 200 received.
          EXPECT_EQ(l.received, 200u);
        }
        p.leave(*c, l);
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(heap.foreign_deaths, 200) << owner;
    EXPECT_EQ(heap.most_at_a_foreign_death, 1) << owner << ": only the consumer was running";
    EXPECT_EQ(heap.live(), 0);
  }
}

// The same pair on one thread and one context: for heaps that are wrong and not thread-safe.
template <class H>
std::string on_one_thread(int steps) {
  const tally::parameters params(handoff::info, {{"foreign", "1"}});
  H heap(tally::heap_config{});
  handoff::program<H> p(heap, {params, 2, 1});
  std::string verdict;
  {
    typename H::context c(heap);
    std::atomic<bool> stop{true};  // nobody is there to wait for
    typename handoff::program<H>::lane producer(p, c, {0, 2, 1, &stop}), consumer(p, c, {1, 2, 1, &stop});
    for (int i = 0; i < steps; ++i) {
      p.step(c, producer);
      p.step(c, producer);
      p.step(c, consumer);
    }
    p.leave(c, producer);
    p.leave(c, consumer);
    verdict = p.check(c);
    if (verdict.empty() && heap.live() != p.expected()) verdict = "live";
    p.teardown(c);
    if (verdict.empty() && heap.live() != 0) verdict = "left";
  }
  return verdict;
}

TEST(Handoff, DrainsItsChannelsAndCatchesAHeapThatForgetsDrops) {
  EXPECT_EQ(on_one_thread<tally::testing::sound_heap>(300), "");
  EXPECT_EQ(on_one_thread<tally::testing::leaky_heap>(300), "live");
}

// Drops the newest object once too often while it is under way.
TEST(Handoff, CatchesAnObjectThatDiedOnItsWayAndOneThatWasLost) {
  using heap_type = tally::testing::hasty_heap;
  const tally::parameters params(handoff::info, {{"foreign", "1"}});
  for (const bool dead : {true, false}) {
    heap_type heap(tally::heap_config{});
    handoff::program<heap_type> p(heap, {params, 2, 1});
    heap_type::context c(heap);
    std::atomic<bool> stop{true};
    handoff::program<heap_type>::lane producer(p, c, {0, 2, 1, &stop}), consumer(p, c, {1, 2, 1, &stop});
    for (int i = 0; i < 3; ++i) p.step(c, producer);
    handoff::program<heap_type>::parcel stolen{};
    ASSERT_TRUE(producer.channel.try_pop(stolen));
    c.drop(c.unpack(stolen));
    if (dead) {
      producer.channel.try_push(stolen);  // comes last, and wiped
    }
    for (int i = 0; i < 3; ++i) p.step(c, consumer);
    p.leave(c, producer);
    p.leave(c, consumer);
    EXPECT_THAT(p.check(c), ::testing::HasSubstr("dead, damaged or out of order")) << dead;
  }
}

TEST(Handoff, PayloadBytesBoundsTheObjectsUnderWay) {
  const tally::parameters params(handoff::info, {{"foreign", "1"}, {"channel", "64"}, {"bytes", "0"}});
  tally::testing::sound_heap heap(tally::heap_config{});
  using program = handoff::program<tally::testing::sound_heap>;
  const tally::run_env env{params, 2, 1};
  program p(heap, env);
  tally::testing::sound_heap::context c(heap);
  std::atomic<bool> stop{true};
  program::lane producer(p, c, {0, 2, 1, &stop});
  for (int i = 0; i < 500; ++i) p.step(c, producer);
  EXPECT_EQ(heap.most_payload, 65 * 16) << "a full channel and one that waits for room";
  EXPECT_EQ(program::payload_bytes(env), 66u * 16) << "and one that the consumer holds";
  p.leave(c, producer);
  p.teardown(c);
}

TEST(Handoff, SaysWhatItNeeds) {
  const tally::parameters params(handoff::info);
  EXPECT_EQ(handoff::unmet<plain>(), "needs two threads");
  EXPECT_EQ(handoff::unmet<atomic>(), "");
  EXPECT_EQ(handoff::unmet_lanes<atomic>(params, 1), "needs two lanes");
  EXPECT_EQ(handoff::unmet_lanes<atomic>(params, 2), "");
  EXPECT_THROW((run_steps<atomic, handoff>({.set = {{"owner", "asleep"}}, .lanes = 2})), tally::usage_error);
  EXPECT_THROW((run_steps<atomic, handoff>({.lanes = 1})), tally::usage_error);
  const tally::parameters blocked(handoff::info, {{"owner", "blocked"}});
  EXPECT_EQ((handoff::program<atomic>::parallelism({params, 4, 1})), 4);
  EXPECT_EQ((handoff::program<atomic>::parallelism({blocked, 4, 1})), 2);
}

}  // namespace
}  // namespace unit_workload_handoff
