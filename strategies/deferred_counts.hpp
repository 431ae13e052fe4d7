// The two counts of `deferred`: how references from the heap are counted without a protocol.
//
// An object has an owner, the context that made it. The owner counts in `local` with plain loads and stores, everybody else in
// `shared` with relaxed fetch_add; the number of references is the sum. Neither part means anything alone: one thread may
// store a reference and another erase it, so either part may be negative while the other makes up for it. In biased counting
// [Choi18] that is what the merge protocol is for. Here nobody asks whether an object is dead while threads run: that is decided
// with the world stopped, when the sum is simply there. So all orders are relaxed: the stop orders everything.
//
// What running threads must do is to leave no candidate unseen: after a decrement that brings its part to zero or below, the
// object is entered in the thread's zero-count table, unless that part's flag says that it is in a table already (the object may
// be entered twice, once for each flag). Hence the invariant: an object without flags has local > 0 and shared >= 0.
// New objects have both parts zero and are in their maker's table.
//
//   local    owner's number, 16 bits | count + 0x4000, 15 bits | flag
//   shared   count, 30 bits, signed | rooted | flag               rooted: a stack refers to it; only within a stop
//
// Both the owner test and the overflow test of a local count are one comparison: (w ^ mine) + 2 < 0x10000 says that the upper
// half is the caller's number and that the lower half does not overflow. On overflow half the range moves to `shared`, which
// is always right, since only the sum counts. A context's number is given to the next one when it detaches, objects included.
#pragma once

#include <cstdint>

#include "harness/object.hpp"

namespace tally::strategies {

template <class M>
struct deferred_header {
  static constexpr std::uint32_t one = 2, zero = 0x8000, low = 0xffff, flag = 1;
  static constexpr std::int32_t shared_one = 4, rooted = 2, shared_flag = 1;
  static constexpr std::int32_t half_range = 0x2000;  // of the local count
  static constexpr std::uint32_t most_owners = 0x7fff;
  static constexpr auto relaxed = std::memory_order_relaxed;

  object_word<M> word;
  tally::atomic<M, std::uint32_t, "count"> local;
  tally::atomic<M, std::int32_t, "shared"> shared;

  // `mine`: the caller's number, shifted by 16. A new object: no reference, flagged, since the caller enters it in its table.
  void init(std::uint32_t mine) { local.store(mine | zero | flag, relaxed); }

  [[gnu::always_inline]] void increment(std::uint32_t mine) {
    const std::uint32_t w = local.load(relaxed);
    if ((w ^ mine) + one < low + 1) [[likely]] {
      local.store(w + one, relaxed);
    } else {
      increment_elsewhere(w, mine);
    }
  }
  // True: the caller must enter the object in its table.
  [[nodiscard]] bool decrement(std::uint32_t mine) {
    const std::uint32_t w = local.load(relaxed), n = (w ^ mine) - one;
    if (n > low - one) [[unlikely]] return decrement_elsewhere(w, mine);
    if (n > (zero | flag) || (n & flag) != 0) {
      local.store(w - one, relaxed);
      return false;
    }
    local.store((w - one) | flag, relaxed);
    return true;
  }

  // All below with the world stopped.

  enum class fate { alive, dead, again, kept };

  // At an entry of a table. again: another entry of this object comes later; kept: no references but from a stack.
  [[nodiscard]] fate settle_entry() {
    const std::uint32_t l = local.load(relaxed);
    const std::int32_t s = shared.load(relaxed);
    if (s != 0) [[unlikely]] return settle_shared_entry(l, s);
    if ((l & low) == (zero | flag)) return fate::dead;
    local.store(l & ~flag, relaxed);
    return fate::alive;
  }
  // One fewer, from a dead object's slot. again: it has an entry of its own still to come.
  [[nodiscard, gnu::always_inline]] fate lose_parent() {
    const std::uint32_t l = local.load(relaxed);
    const std::int32_t s = shared.load(relaxed);
    if (s != 0) [[unlikely]] return lose_shared_parent(l, s);
    if ((l & low) == zero + one) return fate::dead;
    local.store(l - one, relaxed);
    return fate::alive;
  }
  // False: it was marked already.
  bool mark_rooted() {
    const std::int32_t s = shared.load(relaxed);
    shared.store(s | rooted, relaxed);
    return (s & rooted) == 0;
  }
  void unmark_rooted() { shared.store(shared.load(relaxed) & ~rooted, relaxed); }

  // The dead are a list, linked through the counts that they no longer need.
  void set_link(deferred_header* next) {
    const auto at = reinterpret_cast<std::uintptr_t>(next);
    local.store(static_cast<std::uint32_t>(at), relaxed);
    if constexpr (sizeof(at) > 4) shared.store(static_cast<std::int32_t>(at >> 32), relaxed);
  }
  [[nodiscard]] deferred_header* link() const {
    std::uintptr_t at = local.load(relaxed);
    if constexpr (sizeof(at) > 4) at |= static_cast<std::uintptr_t>(static_cast<std::uint32_t>(shared.load(relaxed))) << 32;
    return reinterpret_cast<deferred_header*>(at);
  }

 private:
  static std::int32_t count(std::uint32_t l) {
    return (static_cast<std::int32_t>(l & low) >> 1) - static_cast<std::int32_t>(zero >> 1);
  }
  // As much of n in the local part as leaves it room to move, the rest in the shared one.
  void set(std::uint32_t l, std::int32_t n, std::uint32_t local_flag, std::int32_t shared_bits) {
    const std::int32_t part = n > half_range ? half_range : n < -half_range ? -half_range : n;
    local.store((l & ~low) | (zero + static_cast<std::uint32_t>(part) * one) | local_flag, relaxed);
    shared.store((n - part) * shared_one | shared_bits, relaxed);
  }

  [[gnu::noinline]] fate settle_shared_entry(std::uint32_t l, std::int32_t s) {
    if ((l & flag) != 0 && (s & shared_flag) != 0) {
      shared.store(s & ~shared_flag, relaxed);
      return fate::again;
    }
    const std::int32_t n = count(l) + (s >> 2);
    if (n == 0 && (s & rooted) == 0) return fate::dead;
    set(l, n, n == 0 ? flag : 0, s & rooted);
    return n == 0 ? fate::kept : fate::alive;
  }
  [[gnu::noinline]] fate lose_shared_parent(std::uint32_t l, std::int32_t s) {
    const std::int32_t n = count(l) + (s >> 2) - 1;
    if ((l & flag) != 0 || (s & shared_flag) != 0) {
      set(l, n, l & flag, s & (rooted | shared_flag));
      return fate::again;
    }
    if (n == 0 && (s & rooted) == 0) return fate::dead;
    set(l, n, n == 0 ? flag : 0, s & rooted);
    return n == 0 ? fate::kept : fate::alive;
  }

  [[gnu::noinline]] void increment_elsewhere(std::uint32_t w, std::uint32_t mine) {
    if (((w ^ mine) & ~low) != 0) {
      shared.fetch_add(shared_one, relaxed);
    } else {
      shared.fetch_add(half_range * shared_one, relaxed);
      local.store(w + one - half_range * one, relaxed);
    }
  }
  [[gnu::noinline]] bool decrement_elsewhere(std::uint32_t w, std::uint32_t mine) {
    if (((w ^ mine) & ~low) == 0) {  // so low that it has been flagged long ago
      shared.fetch_sub(half_range * shared_one, relaxed);
      local.store(w - one + half_range * one, relaxed);
      return false;
    }
    const std::int32_t n = shared.fetch_sub(shared_one, relaxed) - shared_one;
    if (n >= shared_one || (n & shared_flag) != 0) return false;
    return (shared.fetch_or(shared_flag, relaxed) & shared_flag) == 0;  // of two threads that get here, one enters it
  }
};

}  // namespace tally::strategies
