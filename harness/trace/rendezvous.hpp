// How the lanes of a replay wait for each other: until all have made their objects from before, for another lane's progress, and
// between two passes. Every wait is in a blocked region; every wait ends when the replay is abandoned (a heap is full).
//
// Progress is one counter a lane, in a cache line of its own, which moves only where the plan says that another lane waits for
// it: some hundred stores in a million operations. Counters never go back: a pass is added to what is waited for.
#pragma once

#include <cstdint>
#include <memory>

#include "harness/memory/policy.hpp"

namespace tally::recorded {

template <class M>
class rendezvous {
 public:
  explicit rendezvous(int lanes) : lanes_(lanes), progress_(new progress_word[static_cast<std::size_t>(lanes)]) {}

  // This lane's objects are there.
  void enter() { entered_.fetch_add(1, std::memory_order_release); }  // pairs with the acquire in wait_entered()
  template <class Context>
  void wait_entered(Context& c) {
    // acquire: pairs with the release in enter(), so that the other lanes' objects are seen
    wait(c, [&] { return entered_.load(std::memory_order_acquire) == lanes_; });
  }

  void post(int lane, std::uint64_t count) {
    word(lane).store(count, std::memory_order_release);  // pairs with the acquire in wait_for()
  }
  // False: the replay was abandoned.
  template <class Context>
  bool wait_for(Context& c, int lane, std::uint64_t count) {
    // acquire: pairs with the release in post(), so that what the other lane made is seen
    return wait(c, [&] { return word(lane).load(std::memory_order_acquire) >= count; });
  }

  // The lanes meet between passes. The last to arrive decides for all: nobody goes on once a lane has been told to stop. A lane
  // that leaves arrives and does not wait. `round_` is twice the number of meetings, plus one when it is over.
  std::uint64_t arrive() {
    const std::uint64_t round = round_.load(std::memory_order_relaxed);  // can't move before this lane has arrived
    // acq_rel: what each lane did before it arrived is seen by the last, who passes it on
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == lanes_) {
      arrived_.store(0, std::memory_order_relaxed);                     // relaxed: the next to touch it has seen the round move
      const bool over = stop_.load(std::memory_order_relaxed) != 0;     // relaxed: ordered by the arrivals
      round_.store(round + (over ? 1 : 2), std::memory_order_release);  // pairs with the acquire in meet()
    }
    return round;
  }
  // False: it is over.
  template <class Context>
  bool meet(Context& c) {
    const std::uint64_t round = arrive();
    const bool moved = wait(c, [&] { return round_.load(std::memory_order_acquire) != round; });
    return moved && (round_.load(std::memory_order_relaxed) & 1) == 0;  // relaxed: it has been acquired
  }
  void stop() { stop_.store(1, std::memory_order_relaxed); }  // relaxed: arrive() orders it

  // A lane failed: nobody waits for it, and the recording's balance can't be had.
  void abandon() { abandoned_.store(1, std::memory_order_relaxed); }  // relaxed: it says no more than this
  [[nodiscard]] bool abandoned() const { return abandoned_.load(std::memory_order_relaxed) != 0; }

 private:
  struct alignas(64) progress_word {
    atomic<M, std::uint64_t, "wait"> count;
  };
  auto& word(int lane) { return progress_[static_cast<std::size_t>(lane)].count; }

  template <class Context, class Predicate>
  bool wait(Context& c, Predicate come) {
    if (come()) return true;
    c.blocked([&] { M::wait_until([&] { return come() || abandoned(); }); });
    return come();
  }

  int lanes_;
  std::unique_ptr<progress_word[]> progress_;
  atomic<M, int, "wait"> entered_, arrived_, stop_, abandoned_;
  atomic<M, std::uint64_t, "wait"> round_;
};

}  // namespace tally::recorded
