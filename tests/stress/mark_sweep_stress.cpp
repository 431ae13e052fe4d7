// Threads that allocate, publish and collect at the same time, in a heap so small that memory is used again at once. Every object
// carries a canary: one that was freed early, or handed out twice, shows.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"
#include "strategies/mark_sweep.hpp"
#include "tests/conform/support.hpp"

namespace stress_mark_sweep_stress {
namespace {

using tally::make;
using tally::native;
using heap = tally::strategies::mark_sweep_heap<native>;
using node = tally::conform::node<heap>;

struct table {
  static constexpr int size = 16;
  heap::shared_slot<node> places[size];
  void each_slot(auto&& f) {
    for (auto& p : places) f(p);
  }
};

class mutator {
 public:
  mutator(heap& h, table& t, std::uint64_t seed) : c_(h), table_(t), random_(seed, seed) {}

  void run(int steps) {
    heap::ref<node> held = grown(random_() % 1000, 4);
    std::vector<heap::parcel<node>> away;
    for (int i = 0; i < steps; ++i) {
      const auto id = random_();
      auto& place = table_.places[random_.below(table::size)];
      switch (random_.below(8)) {
        case 0: c_.store(place, grown(id, static_cast<int>(id % 6))); break;
        case 1: check(c_.load(place)); break;
        case 2: check(c_.exchange(place, grown(id, 2))); break;
        case 3: {
          const auto guard = c_.borrow(place);
          if (guard.get() != nullptr) sound(*guard.get());
          break;
        }
        case 4:
          if (auto r = c_.load(place)) {
            away.push_back(c_.pack(r));
            if (away.size() > 20) {
              check(c_.unpack(away[id % 20]));
              away[id % 20] = away.back();
              away.pop_back();
            }
          }
          break;
        case 5: {
          auto w = c_.downgrade(held);
          held = grown(id, 5);
          if (auto r = c_.upgrade(w)) check(r);
          c_.drop(w);
          break;
        }
        case 6:
          if (id % 64 == 0) c_.collect();
          if (id % 16 == 1) c_.blocked([] { std::this_thread::yield(); });
          break;
        default: c_.drop(make<node>(c_, {.slots = static_cast<std::uint32_t>(id % 4000)}, id, 0u));
      }
      check(held);
      c_.poll();
    }
    for (auto p : away) check(c_.unpack(p));
  }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }

 private:
  heap::ref<node> grown(std::uint64_t id, int depth) {
    auto n = make<node>(c_, {}, id);
    if (depth > 0) {
      c_.store(c_.get(n).left, grown(id + 1, depth - 1));
      c_.store(c_.get(n).right, grown(id + 2, depth - 1));
    }
    return n;
  }
  void sound(node& n) {
    if (n.canary.load() != ~n.value.load()) ++wrong_;
    if (node* l = c_.peek(n.left)) {
      if (l->value.load() != n.value.load() + 1) ++wrong_;
      sound(*l);
    }
    if (node* r = c_.peek(n.right)) {
      if (r->value.load() != n.value.load() + 2) ++wrong_;
      sound(*r);
    }
  }
  void check(heap::ref<node> r) {
    if (r) sound(c_.get(r));
  }

  heap::context c_;
  table& table_;
  tally::random_source random_;
  std::uint64_t wrong_ = 0;
};

void storm(int threads, int gc_workers, int steps) {
  tally::heap_config config;
  config.limit_bytes = 3 << 20;
  config.gc_workers = gc_workers;
  heap h(config);
  {
    heap::root<table> shared(h);
    std::thread([&] {
      heap::context c(h);
      shared.store(c, make<table>(c, {}));
    }).join();
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&, i] {
        mutator m(h, *shared.get(), static_cast<std::uint64_t>(i) + 1);
        m.run(steps);
        wrong += m.wrong();
      });
    }
    for (auto& t : all) t.join();
    EXPECT_EQ(wrong.load(), 0u);
    EXPECT_GT(h.collections(), 10u);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
}

// Without a limit a thread whose collection left too little raises the heap's threshold while the others commit blocks by it.
// Objects just above half a block take a whole one, so that the threshold, a multiple of the bytes that live, is always below
// what is committed already, and every collection is in vain.
TEST(MarkSweepStress, ThreeThreadsRaiseTheThresholdOfAHeapWithoutALimitAtOnce) {
  constexpr std::uint32_t slots = static_cast<std::uint32_t>(heap::blocks::block_bytes / 2 / sizeof(void*));
  constexpr std::pair<std::string_view, double> tunables[] = {{"growth", 1.1}, {"least_mib", 1}};
  tally::heap_config config;
  config.tunables = tunables;
  config.tunable_count = std::size(tunables);
  for (int round = 0; round < 20; ++round) {  // memory is never given back, so that a heap grows only once
    heap h(config);
    std::atomic<std::uint64_t> wrong{0};
    std::vector<std::thread> all;
    for (std::uint64_t t = 0; t < 3; ++t) {
      all.emplace_back([&, t] {
        heap::context c(h);
        auto chain = make<node>(c, {}, t);
        for (std::uint64_t i = 1; i <= 200; ++i) {
          const std::uint32_t more = i % 2 == 0 ? slots : 0;
          auto n = make<node>(c, {.slots = more}, t + i, more);
          c.store(c.get(n).left, chain);
          chain = n;
          c.poll();
        }
        std::uint64_t length = 0;
        for (node* n = &c.get(chain); n != nullptr; n = c.peek(n->left), ++length) {
          wrong += n->intact(t + 200 - length) ? 0 : 1;
        }
        wrong += length == 201 ? 0 : 1;
      });
    }
    for (auto& t : all) t.join();
    ASSERT_EQ(wrong.load(), 0u);
    ASSERT_GT(h.collections(), 1u);
    h.settle();
    ASSERT_EQ(h.live(), 0);
  }
}

TEST(MarkSweepStress, TwoThreadsAllocateAndCollectWithOneMarker) { storm(2, 1, 30'000); }
TEST(MarkSweepStress, TwoThreadsAllocateAndCollectWithTwoMarkers) { storm(2, 2, 30'000); }
TEST(MarkSweepStress, FourThreadsWithThreeMarkers) { storm(4, 3, 10'000); }

}  // namespace
}  // namespace stress_mark_sweep_stress
