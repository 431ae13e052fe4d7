// deferred with several threads: racy slots, parcels through a channel, blocked regions, threads that come and go, and logs so
// small that the world is stopped all the time. Every object has a canary that its destructor destroys.
#include "strategies/deferred.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "harness/random.hpp"

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
  const std::uint64_t number;
  std::uint64_t canary;
  void each_slot(auto&& f) { f(next), f(racy[0]), f(racy[1]); }
};
using node = node_of<heap>;
using ref = heap::ref<node>;

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
  std::atomic<std::uint64_t> broken{0}, exchanged{0}, unpacked{0};

  const auto work = [&](std::uint64_t seed) {
    heap::context c(h);
    tally::random_source random{99, seed};
    ref mine{}, seen{};
    std::uint64_t bad = 0, swaps = 0, out = 0;
    for (int i = 0; i < operations; ++i) {
      auto& place = roots[random.below(places)]->get()->racy[random.below(2)];
      switch (random.below(8)) {
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
      c.poll();
    }
    broken += bad, exchanged += swaps, unpacked += out;
  };
  for (std::uint64_t g = 0; g < generations; ++g) {
    std::vector<std::thread> pool;
    for (std::uint64_t t = 0; t < threads; ++t) pool.emplace_back(work, g * threads + t);
    for (auto& t : pool) t.join();
  }
  EXPECT_EQ(broken.load(), 0u);
  EXPECT_GT(exchanged.load(), 0u);
  EXPECT_GT(unpacked.load(), 0u);
  EXPECT_GT(h.reconciles(), 100u);
  {
    heap::context c(h);
    heap::parcel<node> p{};
    while (channel.try_pop(p)) c.drop(c.unpack(p));
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
}

}  // namespace
