// deferred: what a stack, a root or another object keeps alive, and nothing else does.
#include "strategies/deferred.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"
#include "tests/unit/deferred_nodes.hpp"

namespace unit_deferred_lives {
namespace {

using namespace unit_deferred;

// Random operations beside a reference model that knows the graph. Stores only go from newer to older objects: no cycles.
TEST_F(Deferred, HoldsExactlyWhatTheReferenceModelSaysAfterRandomOperations) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    tally::random_source random{seed, 0};
    heap h(many_stops());
    constexpr std::size_t root_count = 8;
    std::vector<std::unique_ptr<heap::root<node>>> roots;
    for (std::size_t i = 0; i < root_count; ++i) roots.push_back(std::make_unique<heap::root<node>>(h));
    std::array<std::int64_t, root_count> model_roots{};  // object numbers; 0: none
    std::vector<std::array<std::int64_t, 3>> graph(1);
    {
      heap::context c(h);
      std::array<ref, 16> held{};
      std::array<std::int64_t, 16> model_held{};
      for (int step = 0; step < 20'000; ++step) {
        const auto i = random.below(16), j = random.below(16), side = random.below(3);
        switch (random.below(9)) {
          case 0:
          case 1:
            held[i] = make<node>(c, {}, graph.size());
            model_held[i] = static_cast<std::int64_t>(graph.size());
            graph.push_back({});
            break;
          case 2:
          case 3: {
            if (!held[i] || (held[j] && model_held[j] >= model_held[i])) break;
            node& n = c.get(held[i]);
            ref r = held[j] ? c.copy(held[j]) : ref{};
            if (side == 0) c.store(n.left, r);
            if (side == 1) c.store(n.right, r);
            if (side == 2) c.store(n.racy, r);
            graph[static_cast<std::size_t>(model_held[i])][side] = model_held[j];
            break;
          }
          case 4: {
            if (!held[i]) break;
            node& n = c.get(held[i]);
            held[j] = side == 0 ? c.load(n.left) : side == 1 ? c.load(n.right) : c.load(n.racy);
            model_held[j] = graph[static_cast<std::size_t>(model_held[i])][side];
            break;
          }
          case 5: {
            if (!held[i]) break;
            node& n = c.get(held[i]);
            auto& place = graph[static_cast<std::size_t>(model_held[i])][side];
            const std::int64_t old = std::exchange(place, 0);
            held[j] = side == 0 ? c.take(n.left) : side == 1 ? c.take(n.right) : c.exchange(n.racy, {});
            model_held[j] = old;
            break;
          }
          case 6:
            if (!held[j] || !held[i] || model_held[j] >= model_held[i]) break;
            {
              auto& place = graph[static_cast<std::size_t>(model_held[i])][2];
              const ref expected = c.load(c.get(held[i]).racy);
              ASSERT_FALSE(c.compare_exchange(c.get(held[i]).racy, held[i], held[j]));
              ASSERT_TRUE(c.compare_exchange(c.get(held[i]).racy, expected, held[j]));
              place = model_held[j];
            }
            break;
          case 7:
            roots[i % root_count]->store(c, held[j] ? c.copy(held[j]) : ref{});
            model_roots[i % root_count] = model_held[j];
            break;
          default:
            held[i] = {};
            model_held[i] = 0;
            if (random.below(8) == 0)
              held[i] = c.unpack(c.pack(make<node>(c, {}, graph.size()))), graph.push_back({}),
              model_held[i] = static_cast<std::int64_t>(graph.size()) - 1;
        }
        for (std::size_t k = 0; k < 16; ++k) {
          if (!held[k]) continue;
          ASSERT_EQ(c.get(held[k]).canary, sound);
          ASSERT_EQ(c.get(held[k]).number, static_cast<std::uint64_t>(model_held[k]));
        }
        c.poll();
      }
    }
    h.settle();
    std::set<std::int64_t> reached;
    std::vector<std::int64_t> todo(model_roots.begin(), model_roots.end());
    while (!todo.empty()) {
      const auto n = todo.back();
      todo.pop_back();
      if (n == 0 || !reached.insert(n).second) continue;
      for (const auto child : graph[static_cast<std::size_t>(n)]) todo.push_back(child);
    }
    ASSERT_EQ(h.live(), static_cast<std::int64_t>(reached.size())) << "seed " << seed;
    EXPECT_GT(h.reconciles(), 2u);  // of some 5000 objects; deep stacks, as sanitizers make them, make tables larger
    {
      heap::context c(h);
      for (auto& r : roots) r->store(c, {});
    }
    h.settle();
    ASSERT_EQ(h.live(), 0);
    ASSERT_EQ(h.live_bytes(), 0);
  }
}

TEST_F(Deferred, AnObjectOnAnotherThreadsStackOutlivesItsSlotAndDiesAfterThat) {
  heap h(many_stops());
  heap::root<node> top(h);
  std::atomic<int> phase{0};
  const auto wait_for = [&](int p) { return [&phase, p] { return phase.load() >= p; }; };
  std::thread reader, blocked_reader;
  {
    heap::context c(h);
    top.store(c, make<node>(c, {}, 1));
    c.store(top.get()->racy, make<node>(c, {}, 2));
    const auto read = [&](bool in_blocked) {
      heap::context mine(h);
      ref two = mine.load(top.get()->racy);
      phase.fetch_add(1);
      if (in_blocked) {
        mine.blocked([&] { native::wait_until(wait_for(3)); });
      } else {
        while (phase.load() < 3) mine.poll();
      }
      EXPECT_EQ(mine.get(two).canary, sound);
      EXPECT_EQ(mine.get(two).number, 2u);
      mine.drop(two);
    };
    reader = std::thread(read, false);
    blocked_reader = std::thread(read, true);
    c.blocked([&] { native::wait_until(wait_for(2)); });
    c.store(top.get()->racy, {});
    for (int i = 0; i < 5; ++i) c.quiesce();
    EXPECT_EQ(h.live(), 2);
    phase = 3;
    c.blocked([&] {
      reader.join();
      blocked_reader.join();
    });
  }
  h.settle();
  EXPECT_EQ(h.live(), 1);
  EXPECT_EQ(top.get()->number, 1u);
  {
    heap::context c(h);
    top.store(c, {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

[[gnu::noinline]] void make_many(heap::context& c, std::vector<std::uintptr_t>& complements) {
  for (auto& w : complements) w = ~reinterpret_cast<std::uintptr_t>(&c.get(make<node>(c, {})).canary);
}

TEST_F(Deferred, AnInteriorPointerOnTheStackKeepsAnObjectAndNothingElseDoes) {
  heap h({});
  heap::context c(h);
  constexpr std::size_t n = 500;
  std::vector<std::uintptr_t> complements(n);
  make_many(c, complements);
  {
    volatile std::uintptr_t inside[n];
    for (std::size_t i = 0; i < n; ++i) inside[i] = ~complements[i];
    wipe_stack();
    c.quiesce();
    EXPECT_EQ(h.live(), static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(inside[i]), sound);
      if (i % 2 == 0) inside[i] = 0;
    }
    c.quiesce();
    EXPECT_LE(h.live(), static_cast<std::int64_t>(n / 2 + 4));  // a stale copy of one or two may be about
    EXPECT_GE(h.live(), static_cast<std::int64_t>(n / 2));
    for (auto& w : inside) w = 0;
  }
  wipe_stack();
  c.quiesce();
  EXPECT_LE(h.live(), 4);
}

TEST_F(Deferred, AChainOfAMillionIsFreedWithoutRecursionAndInOneReconcile) {
  heap h({});
  {
    heap::context c(h);
    ref head = make<node>(c, {}, 0);
    for (std::uint64_t i = 1; i < 1'000'000; ++i) {
      ref next = make<node>(c, {}, i);
      c.store(c.get(next).left, head);
      head = next;
    }
    c.quiesce();
    EXPECT_EQ(h.live(), 1'000'000);
  }
  const auto before = h.reconciles();
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.reconciles(), before + 1);
}

TEST_F(Deferred, AThreadMayLeaveObjectsAndGarbageBehind) {
  heap h(many_stops());
  std::vector<heap::parcel<node>> left;
  std::thread([&] {
    heap::context c(h);
    for (std::uint64_t i = 0; i < 1000; ++i) {
      ref a = make<node>(c, {}, i);
      c.store(c.get(a).left, make<node>(c, {}, i));
      if (i % 2 == 0) left.push_back(c.pack(a));
    }
  }).join();
  {
    heap::context first(h);
    std::thread stranger([&] {
      heap::context second(h);
      for (auto& p : left) {
        ref a = second.unpack(p);
        EXPECT_EQ(second.get(a).canary, sound);
        ref b = second.take(second.get(a).left);
        EXPECT_EQ(second.get(b).canary, sound);
        second.store(second.get(a).right, b);
        p = second.pack(a);
        second.poll();
      }
    });
    first.blocked([&] { stranger.join(); });
    wipe_stack();
    first.quiesce();
    EXPECT_EQ(h.live(), 1000);
    for (auto& p : left) {
      ref a = first.unpack(p);
      EXPECT_EQ(first.get(a).canary, sound);
      first.store(first.get(a).right, {});
    }
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
}

}  // namespace
}  // namespace unit_deferred_lives
