// How much memory travelling refs and weak refs take: cells come back to who leased them, whoever empties them, so that a
// hand-off that goes one way for ever needs no more than the refs that are on their way at once. Each bound is shown to be one
// that cells can break: with the step that brings them back done wrongly, what is leased grows with the hand-offs.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string_view>
#include <thread>
#include <type_traits>

#include "strategies/deferred.hpp"
#include "strategies/mark_sweep.hpp"

namespace unit_cells {
namespace {

using tally::make;
using tally::native;

// The native policy, and what is allocated from it. With `Wrong`, a cell goes to who emptied it.
template <bool Wrong>
struct counting : native {
  static inline std::atomic<std::size_t> allocations{0};
  static void* alloc(std::size_t bytes) { return ++allocations, native::alloc(bytes); }
  static constexpr bool mutant(std::string_view step) { return Wrong && step == "parcels: a cell goes to who emptied it"; }
};

template <class M>
constexpr std::size_t in_chunk = tally::parcel_cells<M>::pool::cells_in_chunk;
// A pool asks for a chunk when all of its cells are in use.
template <class M>
constexpr std::size_t chunks_for(std::size_t in_use) {
  return in_use / in_chunk<M> + 1;
}

constexpr std::size_t hand_offs = 1'000'000;
// What is leased without bound when cells do not come back: a chunk for as many hand-offs as it has cells.
template <class M>
constexpr std::size_t unbounded = hand_offs / in_chunk<M>;

void* object(std::uintptr_t n) { return reinterpret_cast<void*>(n * 16); }

// One pool fills for ever, the other empties, `in_flight` later. How many chunks that took.
template <template <class> class Cells, bool Wrong>
std::size_t one_way(std::size_t in_flight) {
  using cells = Cells<counting<Wrong>>;
  constexpr bool weak = std::is_same_v<cells, tally::weak_cells<counting<Wrong>>>;
  cells all;
  auto& sender = all.attach();
  auto& receiver = all.attach();
  const std::size_t before = counting<Wrong>::allocations;
  std::deque<typename cells::cell*> way;
  for (std::size_t i = 1; i <= hand_offs; ++i) {
    if constexpr (weak) {
      way.push_back(cells::make(sender, object(i)));
    } else {
      way.push_back(sender.fill(object(i)));
    }
    if (way.size() <= in_flight) continue;
    if constexpr (weak) {
      cells::drop(receiver, way.front());
    } else {
      EXPECT_EQ(receiver.empty(way.front()), object(i - in_flight));
    }
    way.pop_front();
  }
  const std::size_t chunks = counting<Wrong>::allocations - before;
  all.detach(sender);
  all.detach(receiver);
  return chunks;
}

TEST(Cells, AOneWayHandOffOfParcelsLeasesWhatIsInFlightAndNoMore) {
  for (const std::size_t in_flight : {0, 1, 254, 255, 1000}) {
    EXPECT_LE((one_way<tally::parcel_cells, false>(in_flight)), chunks_for<native>(in_flight + 1)) << in_flight;
  }
  EXPECT_GE((one_way<tally::parcel_cells, true>(1)), unbounded<native>);
}

TEST(Cells, AOneWayHandOffOfWeakRefsLeasesWhatIsInFlightAndNoMore) {
  for (const std::size_t in_flight : {0, 1, 254, 255, 1000}) {
    EXPECT_LE((one_way<tally::weak_cells, false>(in_flight)), chunks_for<native>(in_flight + 1)) << in_flight;
  }
  EXPECT_GE((one_way<tally::weak_cells, true>(1)), unbounded<native>);
}

// Senders and receivers that attach anew for each hundred refs. Any pool may be any context's, and have cells of as many refs as
// were ever in flight.
template <class M>
std::size_t with_contexts_that_come_and_go() {
  using cells = tally::parcel_cells<M>;
  cells all;
  std::deque<typename cells::cell*> way;
  const std::size_t before = M::allocations;
  for (std::size_t i = 0; i < hand_offs; i += 100) {
    typename cells::lease sender(all), receiver(all);
    for (std::size_t k = 0; k < 100; ++k) {
      way.push_back(sender->fill(object(i + k + 1)));
      if (way.size() > 1000) (void)receiver->empty(way.front()), way.pop_front();
    }
  }
  return M::allocations - before;
}

TEST(Cells, ContextsThatComeAndGoUseTheCellsOfThoseBeforeThem) {
  constexpr std::size_t pools = 2;
  EXPECT_LE(with_contexts_that_come_and_go<counting<false>>(), pools * (1 + chunks_for<native>(1001)));
  EXPECT_GE(with_contexts_that_come_and_go<counting<true>>(), unbounded<native>);
}

struct number {
  std::uint64_t n = 0;
  void each_slot(auto&&) {}
};

// Two threads: one packs and sends, the other receives and unpacks (or drops). Returns what that allocated through the policy,
// with the heap and its contexts.
template <class H, bool Weak>
std::size_t heap_one_way(std::size_t in_flight) {
  using M = typename H::memory;
  const std::size_t before = M::allocations;
  {
    const auto heap = std::make_unique<H>(tally::heap_config{});
    using travelling = std::conditional_t<Weak, typename H::template weak<number>, typename H::template parcel<number>>;
    native::channel<travelling> way(in_flight);
    std::thread receiver([&] {
      typename H::context c(*heap);
      for (std::size_t i = 0; i < hand_offs; ++i) {
        travelling t{};
        c.blocked([&] { native::wait_until([&] { return way.try_pop(t); }); });
        if constexpr (Weak) {
          c.drop(t);
        } else {
          c.drop(c.unpack(t));
        }
        c.poll();
      }
    });
    std::thread sender([&] {
      typename H::context c(*heap);
      const auto held = make<number>(c, {}, 1u);
      for (std::size_t i = 0; i < hand_offs; ++i) {
        travelling t{};
        if constexpr (Weak) {
          t = c.downgrade(held);
        } else {
          t = c.pack(c.copy(held));
        }
        c.blocked([&] { native::wait_until([&] { return way.try_push(t); }); });
        c.poll();
      }
      c.drop(held);
    });
    sender.join();
    receiver.join();
    heap->settle();
    EXPECT_EQ(heap->live(), 0);
    EXPECT_EQ(heap->weak_cells_in_use(), 0u);
  }
  return M::allocations - before;
}

constexpr std::size_t channel = 256;
// Pools for parcels and for weak refs, of two contexts and the heap; and chunks: each lane has one ref beside the channel's.
constexpr std::size_t few = 2 * 3 + chunks_for<native>(channel + 2);

TEST(Cells, TheParcelsAndWeakRefsOfMarkSweepAreBounded) {
  using heap = tally::strategies::mark_sweep_heap<counting<false>>;
  EXPECT_LE((heap_one_way<heap, false>(channel)), few);
  EXPECT_LE((heap_one_way<heap, true>(channel)), few);
  using wrong = tally::strategies::mark_sweep_heap<counting<true>>;
  EXPECT_GE((heap_one_way<wrong, false>(channel)), unbounded<native>);
  EXPECT_GE((heap_one_way<wrong, true>(channel)), unbounded<native>);
}

// Its parcels are entries in two logs, which stops empty; a log is allocated anew when it grows.
TEST(Cells, TheParcelsAndWeakRefsOfDeferredAreBounded) {
  using heap = tally::strategies::deferred_heap<counting<false>>;
  constexpr std::size_t logs = 3, growths = 4;  // two contexts' and the heap's
  EXPECT_LE((heap_one_way<heap, false>(channel)), few + logs * growths);
  EXPECT_LE((heap_one_way<heap, true>(channel)), few + logs * growths);
  using wrong = tally::strategies::deferred_heap<counting<true>>;
  EXPECT_GE((heap_one_way<wrong, true>(channel)), unbounded<native>);
}

template <class H>
struct watcher {
  typename H::template weak_slot<number> seen;
  void each_slot(auto&& f) { f(seen); }
};

// Weak refs in slots of objects that die: nobody drops them but a stop. As many are in use as there are objects in the heap.
template <class H>
std::size_t weak_refs_of_the_dead() {
  using M = typename H::memory;
  constexpr std::size_t limit = 1 << 20;
  const std::size_t before = M::allocations;
  {
    const auto heap = std::make_unique<H>(tally::heap_config{.limit_bytes = limit});
    std::thread([&] {
      typename H::context c(*heap);
      const auto held = make<number>(c, {}, 1u);
      for (std::size_t i = 0; i < hand_offs; ++i) {
        const auto w = make<watcher<H>>(c, {});
        c.store(c.get(w).seen, c.downgrade(held));
        c.drop(w);
        c.poll();
      }
      c.drop(held);
    }).join();
    heap->settle();
    EXPECT_EQ(heap->weak_cells_in_use(), 0u);
  }
  return M::allocations - before;
}

TEST(Cells, WeakRefsThatDieWithTheirObjectsComeBackToWhoMadeThem) {
  constexpr std::size_t most = (1 << 20) / tally::block_heap_sizes::least_cell;
  constexpr std::size_t others = 30;  // pools and logs
  EXPECT_LE(weak_refs_of_the_dead<tally::strategies::mark_sweep_heap<counting<false>>>(), chunks_for<native>(most) + others);
  EXPECT_LE(weak_refs_of_the_dead<tally::strategies::deferred_heap<counting<false>>>(), chunks_for<native>(most) + others);
  EXPECT_GE(weak_refs_of_the_dead<tally::strategies::mark_sweep_heap<counting<true>>>(), unbounded<native>);
  EXPECT_GE(weak_refs_of_the_dead<tally::strategies::deferred_heap<counting<true>>>(), unbounded<native>);
}

}  // namespace
}  // namespace unit_cells
