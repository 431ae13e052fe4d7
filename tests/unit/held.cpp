// What a heap holds besides live objects: each cause exactly what was made to be held, and nothing once it is let go.
#include "harness/contract/held.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <vector>

#include "harness/engine/usage.hpp"
#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/deferred.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "strategies/plain.hpp"
#include "strategies/rc_arc.hpp"

namespace unit_held {
namespace {

using namespace tally;
namespace s = strategies;

template <class H>
struct node {
  typename H::template slot<node> next;
  void each_slot(auto&& f) { f(next); }
};
template <class H>
struct cell_of_one {
  typename H::template shared_slot<node<H>> place;
  void each_slot(auto&& f) { f(place); }
};
template <class H>
constexpr std::int64_t bytes_of(std::size_t behind = 0) {
  return static_cast<std::int64_t>(live_counter::rounded(sizeof(typename H::context::header) + sizeof(node<H>) + behind));
}

template <class H>
class WeakRefs : public ::testing::Test {};
using on_malloc = ::testing::Types<s::plain_heap<native>, s::atomic_heap<native>,
                                   s::atomic_heap<native, s::atomic_options{.unique = s::unique_path::on}>,
                                   s::biased_heap<native>, s::rc_arc_heap<native>, s::gil_heap<native>>;
TYPED_TEST_SUITE(WeakRefs, on_malloc);

// A parent and its child, of several sizes: the parent dies where it is dropped, the child as a member of the cascade's list.
TYPED_TEST(WeakRefs, HoldTheBlocksOfTheDeadUntilTheLastOfThemGoes) {
  using H = TypeParam;
  H h(heap_config{});
  typename H::context c(h);
  std::vector<typename H::template weak<node<H>>> all;
  std::vector<std::int64_t> blocks;
  std::vector<typename H::template ref<node<H>>> parents;
  std::int64_t expected = 0;
  for (std::uint32_t i = 0; i < 20; ++i) {
    auto parent = make<node<H>>(c, {.bytes = 100 * i}), child = make<node<H>>(c, {.bytes = 10 * i});
    for (const auto& r : {parent, child}) {
      blocks.push_back(static_cast<std::int64_t>(::malloc_usable_size(r.at)));
      expected += blocks.back();
      all.push_back(c.downgrade(r));
    }
    c.store(c.get(parent).next, child);
    parents.push_back(parent);
  }
  EXPECT_EQ(h.held().of(held_cause::weak), 0) << "they live";
  EXPECT_EQ(h.held().taken, h.live_bytes());
  for (auto& r : parents) c.drop(r);
  EXPECT_EQ(h.live_bytes(), 0);
  EXPECT_EQ(h.held().of(held_cause::weak), expected);
  EXPECT_EQ(h.held().taken, expected);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto second = c.copy(all[i]);
    c.drop(all[i]);
    EXPECT_EQ(h.held().of(held_cause::weak), expected) << "another weak ref is left";
    c.drop(second);
    expected -= blocks[i];
    EXPECT_EQ(h.held().of(held_cause::weak), expected);
  }
  EXPECT_EQ(h.held().taken, 0);
}

TEST(Held, WhoDropsTheLastWeakRefNeedNotBeWhoFoundTheObjectDead) {
  using H = s::atomic_heap<native>;
  H h(heap_config{});
  typename H::context stays(h);
  H::weak<node<H>> w;
  std::int64_t block = 0;
  {
    H::context leaves(h);
    auto r = make<node<H>>(leaves, {});
    block = static_cast<std::int64_t>(::malloc_usable_size(r.at));
    w = leaves.downgrade(r);
    leaves.drop(r);
  }
  EXPECT_EQ(h.held().of(held_cause::weak), block);
  stays.drop(w);
  EXPECT_EQ(h.held().of(held_cause::weak), 0);
}

TEST(Held, CellsOfABlockHeapAreHeldAsWholesAndTheRestIsHeadroom) {
  using H = s::atomic_heap<native, s::atomic_options{.heap = object_source::block}>;
  H h(heap_config{});
  H::context c(h);
  EXPECT_TRUE(h.held().told);
  auto small = make<node<H>>(c, {.bytes = 40}), large = make<node<H>>(c, {.bytes = 40'000});
  const auto cell = static_cast<std::int64_t>(
      block_heap_sizes::cell_bytes[block_heap_sizes::class_of(static_cast<std::size_t>(bytes_of<H>(40)))]);
  const auto w = c.downgrade(small), v = c.downgrade(large);
  c.drop(small);
  EXPECT_EQ(h.held().of(held_cause::weak), cell);
  c.drop(large);
  EXPECT_EQ(h.held().of(held_cause::weak), cell + 2 * static_cast<std::int64_t>(block_heap_sizes::block_bytes));
  const auto kept = make<node<H>>(c, {});
  const held_memory now = h.held();
  EXPECT_EQ(now.taken, static_cast<std::int64_t>(h.committed_bytes()));
  EXPECT_EQ(now.of(held_cause::headroom), now.taken - now.of(held_cause::weak) - bytes_of<H>());
  c.drop(w), c.drop(v), c.drop(kept);
  EXPECT_EQ(h.held().of(held_cause::headroom), h.held().taken);
}

TEST(Held, AContainerIsHeldWithWhatItHasBeforeItsHeader) {
  using H = s::plain_heap<native, s::plain_options{.cycles = cycle_kind::generational}>;
  H h(heap_config{});
  {
    H::context c(h);
    auto r = make<node<H>>(c, {});
    const auto w = c.downgrade(r);
    c.drop(r);
    EXPECT_EQ(h.held().of(held_cause::weak),
              static_cast<std::int64_t>(::malloc_usable_size(reinterpret_cast<std::byte*>(r.at) - H::container_bytes)));
    c.drop(w);
    EXPECT_EQ(h.held().of(held_cause::weak), 0);
  }
}

constexpr int stores = 1000;

// Replaces what is in a shared slot again and again, while `reader` does as it does; returns what was held then, of which cause.
template <class H>
std::int64_t replaced(H& h, typename H::context& c, typename H::template ref<cell_of_one<H>>& holder, held_cause cause) {
  for (int i = 0; i < stores; ++i) {
    c.store(c.get(holder).place, make<node<H>>(c, {}));
    c.poll();
  }
  c.quiesce();
  return h.held().of(cause);
}

TEST(Held, AReaderInAnEpochHoldsAllThatIsRetiredMeanwhile) {
  using H = s::atomic_heap<native, s::atomic_options{.slot = slot_kind::epoch}>;
  H h(heap_config{});
  H::context reader(h);
  {
    H::context writer(h);
    auto holder = make<cell_of_one<H>>(writer, {});
    writer.store(writer.get(holder).place, make<node<H>>(writer, {}));
    {
      const auto guard = reader.borrow(writer.get(holder).place);
      EXPECT_EQ(replaced<H>(h, writer, holder, held_cause::retired), stores * bytes_of<H>());
      EXPECT_EQ(h.held().taken, h.live_bytes()) << "what is retired is not freed";
    }
    writer.quiesce();
    EXPECT_EQ(h.held().of(held_cause::retired), 0);
    const auto guard = reader.borrow(writer.get(holder).place);
    EXPECT_EQ(replaced<H>(h, writer, holder, held_cause::retired), stores * bytes_of<H>());
    writer.drop(holder);
  }
  EXPECT_EQ(h.held().of(held_cause::retired), (stores + 1) * bytes_of<H>()) << "its last context is gone";
  reader.quiesce();  // adopts them
  EXPECT_EQ(h.held().of(held_cause::retired), 0);
  EXPECT_EQ(h.live(), 0);
}

template <class H>
void counted_loads_hold_one() {
  H h(heap_config{});
  typename H::context reader(h), writer(h);
  auto holder = make<cell_of_one<H>>(writer, {});
  writer.store(writer.get(holder).place, make<node<H>>(writer, {}));
  auto seen = reader.load(writer.get(holder).place);
  EXPECT_EQ(replaced<H>(h, writer, holder, held_cause::retired), 0);
  EXPECT_EQ(h.live(), 3) << "the holder, what is in it, and what the reader has";
  EXPECT_EQ(h.held().taken, h.live_bytes());
  reader.drop(seen);
  writer.drop(holder);
  reader.quiesce();
  writer.quiesce();
  EXPECT_EQ(h.live(), 0);
}

TEST(Held, AReaderWithACountedLoadHoldsThatObjectAlone) {
  counted_loads_hold_one<s::atomic_heap<native>>();
  counted_loads_hold_one<s::atomic_heap<native, s::atomic_options{.slot = slot_kind::epoch}>>();
}

template <s::biased_merge Merge>
void a_blocked_owner(std::int64_t held_per_object) {
  using H = s::biased_heap<native, s::biased_options{.merge = Merge}>;
  H h(heap_config{});
  typename H::context owner(h), other(h);
  std::vector<typename H::template parcel<node<H>>> batch;
  for (int i = 0; i < 100; ++i) batch.push_back(owner.pack(make<node<H>>(owner, {})));
  owner.blocked([&] {
    for (const auto& p : batch) other.drop(other.unpack(p));
    EXPECT_EQ(h.held().of(held_cause::queued), 100 * held_per_object);
    EXPECT_EQ(h.live_bytes(), 100 * held_per_object) << "what is queued is not freed";
  });
  owner.poll();
  EXPECT_EQ(h.held().of(held_cause::queued), 0);
  EXPECT_EQ(h.live(), 0);
}

TEST(Held, ABlockedOwnersQueueHoldsTheWholeBatchUnlessItIsMergedForIt) {
  a_blocked_owner<s::biased_merge::queue>(bytes_of<s::biased_heap<native>>());
  a_blocked_owner<s::biased_merge::detached>(0);
}

TEST(Held, AnOwnerThatIsGoneLeavesNothingQueued) {
  using H = s::biased_heap<native>;
  H h(heap_config{});
  H::context other(h);
  {
    H::context owner(h);
    for (int i = 0; i < 10; ++i) other.drop(make<node<H>>(owner, {}));
    EXPECT_EQ(h.held().of(held_cause::queued), 10 * bytes_of<H>());
  }
  EXPECT_EQ(h.held().of(held_cause::queued), 0);
  EXPECT_EQ(h.live(), 0);
}

TEST(Held, DeferredHoldsLogsAndWhatNoStopHasLookedAt) {
  using H = s::deferred_heap<native>;
  static constexpr std::pair<std::string_view, double> few[] = {{"entries", 16}};
  H h({.tunables = few, .tunable_count = 1});
  constexpr std::int64_t entry = sizeof(std::uintptr_t), at_first = (16 + 16 / 4) * entry;
  {
    H::context c(h);
    EXPECT_EQ(h.held().of(held_cause::logged), 2 * at_first) << "the context's, and what contexts leave";
    std::vector<H::parcel<node<H>>> parcels;
    constexpr int objects = 100;  // of one run of cells: no safepoint looks at the log meanwhile
    for (int i = 0; i < objects; ++i) parcels.push_back(c.pack(make<node<H>>(c, {})));
    const held_memory made = h.held();
    EXPECT_GE(made.of(held_cause::undecided), objects * static_cast<std::int64_t>(sizeof(H::header) + sizeof(node<H>)));
    EXPECT_GE(made.of(held_cause::logged), at_first + objects * entry);
    EXPECT_EQ(made.taken, static_cast<std::int64_t>(h.committed_bytes()) + made.of(held_cause::logged));
    EXPECT_EQ(made.of(held_cause::headroom), static_cast<std::int64_t>(h.committed_bytes()) - h.live_bytes());
    c.quiesce();
    EXPECT_EQ(h.held().of(held_cause::undecided), 0);
    EXPECT_EQ(h.live(), objects);
    for (const auto& p : parcels) c.drop(c.unpack(p));
  }
  h.settle();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.held().of(held_cause::headroom), static_cast<std::int64_t>(h.committed_bytes()));
}

TEST(Held, MarkSweepHoldsItsWholeHeap) {
  using H = s::mark_sweep_heap<native>;
  H h(heap_config{});
  {
    H::context c(h);
    for (int i = 0; i < 1000; ++i) c.drop(make<node<H>>(c, {}));
    const held_memory now = h.held();
    EXPECT_GE(now.of(held_cause::undecided), 1000 * static_cast<std::int64_t>(sizeof(H::header) + sizeof(node<H>)));
    EXPECT_EQ(now.taken, static_cast<std::int64_t>(h.committed_bytes()));
    EXPECT_EQ(now.of(held_cause::headroom), now.taken - h.live_bytes());
  }
  h.settle();
  EXPECT_EQ(h.held().of(held_cause::undecided), 0);
  EXPECT_EQ(h.held().of(held_cause::headroom), h.held().taken);
}

TEST(Held, MallocSaysHowMuchItKeepsFree) {
  if (malloc_free_bytes() == 0) GTEST_SKIP() << "a malloc without figures (a sanitizer's)";
  constexpr std::size_t some = 1 << 16, many = 200;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 2 * many; ++i) blocks.push_back(std::malloc(some));
  const std::uint64_t before = malloc_free_bytes();
  for (std::size_t i = 0; i < 2 * many; i += 2)
    std::free(blocks[i]);  // between others that stay: none of it goes back to the kernel
  EXPECT_GE(malloc_free_bytes(), before + many * some);
  for (std::size_t i = 1; i < 2 * many; i += 2) std::free(blocks[i]);
}

}  // namespace
}  // namespace unit_held
