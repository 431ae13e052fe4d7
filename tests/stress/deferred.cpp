// deferred with several threads: racy slots, parcels and weak refs through channels, blocked regions, threads that come and go,
// and logs so small that the world is stopped all the time. Every object has a canary that its destructor destroys.
#include "strategies/deferred.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "harness/base/random.hpp"

namespace stress_deferred {
namespace {

using tally::make;
using tally::native;
using heap = tally::strategies::deferred_heap<native>;

#ifdef __SANITIZE_THREAD__
constexpr int operations = 8'000;
#else
constexpr int operations = 60'000;
#endif
constexpr std::uint64_t sound = 0x5a'fe'5a'fe'5a'fe'5a'fe;

template <class H>
struct node_of {
  explicit node_of(std::uint64_t n) : number(n), canary(sound ^ n) {}
  ~node_of() { canary = ~canary; }
  [[nodiscard]] bool intact() const { return canary == (sound ^ number); }
  typename H::template slot<node_of> next;
  typename H::template shared_slot<node_of> racy[2];
  typename H::template weak_slot<node_of> friendly;  // used by the thread that made the node, before it gives it away
  const std::uint64_t number;
  std::uint64_t canary;
  void each_slot(auto&& f) { f(next), f(racy[0]), f(racy[1]), f(friendly); }
};
using node = node_of<heap>;
using ref = heap::ref<node>;
using weak = heap::weak<node>;

TEST(DeferredStress, WhatRacySlotsChannelsAndStacksHoldIsNeverFreedAndAllElseIs) {
  static constexpr std::pair<std::string_view, double> few[] = {{"entries", 256}, {"kilobytes", 16}};
  heap h({.tunables = few, .tunable_count = 2});
  constexpr int threads = 3, generations = 3;
  constexpr std::uint32_t places = 8;
  std::vector<std::unique_ptr<heap::root<node>>> roots;
  for (std::uint32_t i = 0; i < places; ++i) roots.push_back(std::make_unique<heap::root<node>>(h));
  {
    heap::context c(h);
    for (auto& r : roots) r->store(c, make<node>(c, {}, 0u));
  }
  native::channel<heap::parcel<node>> channel(128);
  native::channel<weak> weak_channel(128);
  std::atomic<std::uint64_t> broken{0}, exchanged{0}, unpacked{0}, found{0}, not_found{0};

  const auto work = [&](std::uint64_t seed) {
    heap::context c(h);
    tally::random_source random{99, seed};
    ref mine{}, seen{}, watcher = make<node>(c, {}, random());
    std::uint64_t bad = 0, swaps = 0, out = 0, alive = 0, dead = 0;
    const auto upgrade = [&](weak w) {
      const ref r = c.upgrade(w);
      if (r) bad += !c.get(r).intact(), seen = r;
      ++(r ? alive : dead);
    };
    for (int i = 0; i < operations; ++i) {
      auto& place = roots[random.below(places)]->get()->racy[random.below(2)];
      switch (random.below(11)) {
        case 0:
        case 1: {  // a chain of ours becomes everybody's
          ref head = make<node>(c, {}, random());
          for (int k = 0; k < 3; ++k) {
            ref more = make<node>(c, {}, random());
            c.store(c.get(more).next, head);
            head = more;
          }
          c.store(place, head);
          break;
        }
        case 2: {
          ref old = c.exchange(place, make<node>(c, {}, random()));
          if (old) bad += !c.get(old).intact(), mine = old, ++swaps;
          break;
        }
        case 3: {
          ref now = c.load(place);
          if (c.compare_exchange(place, now, make<node>(c, {}, random()))) ++swaps;
          if (now) bad += !c.get(now).intact(), seen = now;
          break;
        }
        case 4: {
          auto guard = c.borrow(place);
          if (guard.get() != nullptr) bad += !guard.get()->intact();
          break;
        }
        case 5: {
          ref r = seen ? c.copy(seen) : make<node>(c, {}, random());
          const auto p = c.pack(r);
          bool sent = false;
          c.blocked([&] { sent = channel.try_push(p); });
          if (!sent) c.drop(c.unpack(p));
          break;
        }
        case 6: {
          heap::parcel<node> p{};
          bool got = false;
          c.blocked([&] { got = channel.try_pop(p); });
          if (!got) break;
          bad += !c.peek(p).intact();
          seen = c.unpack(p);
          ++out;
          break;
        }
        case 7: {  // of something young, or old, or not even held
          const weak w = c.downgrade(random.below(2) != 0 && seen ? seen : make<node>(c, {}, random()));
          bool sent = false;
          c.blocked([&] { sent = weak_channel.try_push(w); });
          if (!sent) c.drop(w);
          break;
        }
        case 8: {  // most are kept for later
          weak w{};
          bool got = false;
          c.blocked([&] { got = weak_channel.try_pop(w); });
          if (!got) break;
          upgrade(w);
          if (random.below(4) != 0) c.blocked([&] { got = !weak_channel.try_push(w); });
          if (got) c.drop(w);
          break;
        }
        case 9: {  // in a slot of an object of any age
          if (random.below(16) == 0) watcher = make<node>(c, {}, random());
          const weak w = c.load(c.get(watcher).friendly);
          if (w) upgrade(w), c.drop(w);
          c.store(c.get(watcher).friendly, seen ? c.downgrade(seen) : weak{});
          break;
        }
        default: {  // down a chain, holding only the last one
          ref at = c.load(place);
          while (at) {
            bad += !c.get(at).intact();
            seen = at;
            at = c.load(c.get(at).next);
          }
          if (random.below(64) == 0) c.quiesce();
        }
      }
      if (mine) bad += !c.get(mine).intact();
      if (seen) bad += !c.get(seen).intact();
      if (random.below(8) == 0) seen = {};
      c.poll();
    }
    broken += bad, exchanged += swaps, unpacked += out, found += alive, not_found += dead;
  };
  for (std::uint64_t g = 0; g < generations; ++g) {
    std::vector<std::thread> pool;
    for (std::uint64_t t = 0; t < threads; ++t) pool.emplace_back(work, g * threads + t);
    for (auto& t : pool) t.join();
  }
  EXPECT_EQ(broken.load(), 0u);
  EXPECT_GT(exchanged.load(), 0u);
  EXPECT_GT(unpacked.load(), 0u);
  EXPECT_GT(found.load(), 0u);
  EXPECT_GT(not_found.load(), 0u);
  EXPECT_GT(h.reconciles(), 100u);
  {
    heap::context c(h);
    heap::parcel<node> p{};
    while (channel.try_pop(p)) c.drop(c.unpack(p));
    weak w{};
    while (weak_channel.try_pop(w)) c.drop(w);
    for (auto& r : roots) {
      c.store(r->get()->racy[0], {});
      c.store(r->get()->racy[1], {});
    }
  }
  h.settle();
  EXPECT_EQ(h.live(), static_cast<std::int64_t>(places));
  {
    heap::context c(h);
    for (auto& r : roots) r->store(c, {});
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
  EXPECT_EQ(h.weak_cells_in_use(), 0u);
}

}  // namespace
}  // namespace stress_deferred
