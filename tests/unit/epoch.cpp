#include "harness/counting/epoch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "strategies/atomic.hpp"
#include "strategies/rc_arc.hpp"

namespace unit_epoch {
namespace {

using namespace tally;

template <class H>
struct node {
  explicit node(std::uint64_t v = 0) : value(v), check(~v) {}
  ~node() { check = 0; }
  [[nodiscard]] bool intact() const { return check == ~value; }
  typename H::template shared_slot<node> place;
  typename H::template slot<node> next;
  std::uint64_t value, check;
  void each_slot(auto&& f) { f(place), f(next); }
};

// What is retired belongs to the heap until settle(), which runs here with no context left.
template <class H>
struct settled : H {
  using H::H;
  ~settled() { this->settle(); }
};

template <class H>
class Epoch : public ::testing::Test {};
using heaps = ::testing::Types<
    strategies::atomic_heap<native, strategies::atomic_options{.slot = slot_kind::epoch}>,
    strategies::atomic_heap<native, strategies::atomic_options{.unique = strategies::unique_path::on, .slot = slot_kind::epoch}>,
    strategies::rc_arc_heap<native, strategies::rc_arc_options{.slot = slot_kind::epoch}>>;
TYPED_TEST_SUITE(Epoch, heaps);

TYPED_TEST(Epoch, AGuardKeepsItsObjectWholeWhateverWritersDo) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context reader(h), writer(h);
  auto holder = make<node<H>>(writer, {}, 1u);
  auto& place = writer.get(holder).place;
  writer.store(place, make<node<H>>(writer, {}, 2u));
  {
    const auto seen = reader.borrow(place);
    ASSERT_EQ(seen.get()->value, 2u);
    for (int i = 0; i < 1000; ++i) {  // far more than it takes to advance, if the guard allowed it
      writer.store(place, make<node<H>>(writer, {}, 3u));
      writer.poll();
      writer.quiesce();
    }
    EXPECT_TRUE(seen.get()->intact());
    EXPECT_EQ(h.live(), 1002);  // all that was replaced meanwhile is held back
  }
  writer.quiesce();
  EXPECT_EQ(h.live(), 2);
  writer.drop(holder);
  writer.quiesce();
  EXPECT_EQ(h.live(), 0);
}

TYPED_TEST(Epoch, GuardsNestAndTheOutermostCounts) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context reader(h), writer(h);
  auto holder = make<node<H>>(writer, {}, 1u);
  auto& place = writer.get(holder).place;
  writer.store(place, make<node<H>>(writer, {}, 2u));
  {
    const auto outer = reader.borrow(place);
    {
      const auto inner = reader.borrow(place);
      EXPECT_EQ(inner.get(), outer.get());
    }
    auto owned = reader.load(place);
    writer.store(place, {});
    reader.drop(owned);  // the last one, by the reader itself, in its guard
    writer.quiesce();
    EXPECT_TRUE(outer.get()->intact());
    EXPECT_EQ(reader.borrow(place).get(), nullptr);
    EXPECT_TRUE(outer.get()->intact());
  }
  reader.quiesce();
  EXPECT_EQ(h.live(), 1);
  writer.drop(holder);
}

TYPED_TEST(Epoch, AReadInsideAGuardNeitherEndsNorRenewsIt) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context reader(h), writer(h);
  auto holder = make<node<H>>(writer, {}, 1u);
  auto& place = writer.get(holder).place;
  writer.store(place, make<node<H>>(writer, {}, 2u));
  {
    const auto guard = reader.borrow(place);
    reader.drop(reader.load(place));
    writer.store(place, make<node<H>>(writer, {}, 3u));
    for (int i = 0; i < 3; ++i) {  // one step of the epoch, and then a read that finds it
      writer.quiesce();
      EXPECT_TRUE(guard.get()->intact());
      EXPECT_EQ(h.live(), 3);
      reader.drop(reader.load(place));
    }
  }
  writer.quiesce();
  EXPECT_EQ(h.live(), 2);
  writer.drop(holder);
}

TYPED_TEST(Epoch, AnObjectThatWasNeverPublishedIsFreedAtOnce) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context reader(h), writer(h);
  auto holder = make<node<H>>(writer, {}, 1u);
  const auto guard = reader.borrow(writer.get(holder).place);
  writer.drop(make<node<H>>(writer, {}, 2u));
  writer.drop(writer.unpack(writer.pack(make<node<H>>(writer, {}, 2u))));
  EXPECT_EQ(h.live(), 1);
  writer.drop(holder);
  EXPECT_EQ(h.live(), 0);
}

TYPED_TEST(Epoch, WhatADetachedContextRetiredIsAdoptedByAnother) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context stays(h);
  auto holder = make<node<H>>(stays, {}, 1u);
  auto& place = stays.get(holder).place;
  std::thread([&] {
    typename H::context c(h);
    for (int i = 0; i < 10; ++i) c.store(place, make<node<H>>(c, {}, 2u));
  }).join();
  EXPECT_GT(h.live(), 2);
  stays.quiesce();
  EXPECT_EQ(h.live(), 2);
  stays.drop(holder);
}

TYPED_TEST(Epoch, SettleFreesAllThatWasRetiredWithWhatItKeptAlive) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  {
    typename H::context c(h);
    auto holder = make<node<H>>(c, {}, 1u);
    for (int i = 0; i < 40; ++i) {
      auto published = make<node<H>>(c, {}, 2u);
      auto chain = make<node<H>>(c, {}, 3u);
      auto deeper = make<node<H>>(c, {}, 4u);
      c.store(c.get(chain).place, deeper);  // a published object below one below a published one
      c.store(c.get(published).next, chain);
      c.store(c.get(holder).place, published);
    }
    c.drop(holder);
    EXPECT_GT(h.live(), 0);
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

TYPED_TEST(Epoch, PollingAloneFreesWhatWasRetired) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context c(h);
  auto holder = make<node<H>>(c, {}, 1u);
  c.store(c.get(holder).place, make<node<H>>(c, {}, 2u));
  c.store(c.get(holder).place, {});
  EXPECT_EQ(h.live(), 2);
  for (std::uint32_t i = 0; i < 4 * epoch_member<native>::attempt_every; ++i) c.poll();
  EXPECT_EQ(h.live(), 1);
  c.drop(holder);
}

TYPED_TEST(Epoch, WhatIsHeldBackIsBoundedWhileNobodySitsInAGuard) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  typename H::context c(h), idle(h);
  auto holder = make<node<H>>(c, {}, 1u);
  std::int64_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    c.store(c.get(holder).place, make<node<H>>(c, {}, 2u));
    most = std::max(most, h.live());
  }
  EXPECT_LE(most, 3 * static_cast<std::int64_t>(epoch_member<native>::attempt_every) + 3);
  c.drop(holder);
}

TYPED_TEST(Epoch, ReadersBorrowersAndWritersRaceWithoutLosingOrFreeingEarly) {
  using H = TypeParam;
  settled<H> h(heap_config{});
  std::atomic<bool> broken{false};
  {
    typename H::context main(h);
    typename H::template root<node<H>> top(h);
    top.store(main, make<node<H>>(main, {}, 1u));
    main.store(top.get()->place, make<node<H>>(main, {}, 2u));
    main.blocked([&] {
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
          typename H::context c(h);
          auto& place = top.get()->place;
          for (int i = 0; i < 40'000; ++i) {
            if (t == 0 || i % 16 == 0) {
              c.store(place, make<node<H>>(c, {}, static_cast<std::uint64_t>(i)));
            } else if (i % 2 == 0) {
              const auto seen = c.borrow(place);
              if (!seen.get()->intact()) broken = true;
            } else {
              auto r = c.load(place);
              if (!c.get(r).intact()) broken = true;
              auto fresh = make<node<H>>(c, {}, 7u);
              if (i % 32 == 1 && !c.compare_exchange(place, r, fresh)) {
                c.drop(fresh);
              } else if (i % 32 != 1) {
                c.drop(fresh);
              }
              c.drop(r);
            }
            c.poll();
          }
        });
      }
      for (auto& t : threads) t.join();
    });
    top.store(main, {});
  }
  EXPECT_FALSE(broken);
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

TEST(EpochDomain, AdvancesPastIdleMembersAndStopsBehindAnOldAnnouncement) {
  epoch_domain<native> d;
  epoch_member<native> a(d), b(d);
  const auto start = d.now();
  EXPECT_TRUE(d.try_advance());
  a.enter();
  EXPECT_TRUE(d.try_advance());  // a has announced the present epoch
  EXPECT_FALSE(d.try_advance());
  b.enter();
  a.leave();
  EXPECT_TRUE(d.try_advance());
  EXPECT_FALSE(d.try_advance());
  b.leave();
  EXPECT_EQ(d.now(), start + 3);
}

TEST(EpochDomain, RecordsAreReusedByLaterMembers) {
  epoch_domain<native> d;
  const epoch_domain<native>::record* first = nullptr;
  dead_list<native> none;
  for (int i = 0; i < 100; ++i) {
    auto& r = d.attach();
    if (first == nullptr) first = &r;
    EXPECT_EQ(&r, first);
    d.detach(r, none);
  }
}

}  // namespace
}  // namespace unit_epoch
