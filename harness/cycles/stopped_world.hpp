// The books of a collector that stops all threads: no lists, no generations. What can be part of a cycle is found by a walk over
// the heap's cells; a word before the header says which cells hold it.
//
// Threads count what they make and free among themselves, and add it up every 512; a collection is due when the sum is
// beyond the threshold and beyond a quarter of what lived after the last. It comes at the next safepoint that is no make, and
// looks at everything.
//
// Progress: a stop waits for every thread's next safepoint. Source: [CPython], Python/gc_free_threading.c.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "harness/contract/collector.hpp"
#include "harness/cycles/cycle_kind.hpp"
#include "harness/cycles/cycle_listener.hpp"
#include "harness/cycles/gc_head.hpp"
#include "harness/heap/world.hpp"

namespace tally {

template <class M>
class stopped_world {
 public:
  using head = gc_head<M>;
  using list = gc_list<M>;
  static constexpr bool in_stops = true, by_candidates = false;
  static constexpr int oldest = 2;

  // A context's share.
  struct local {
    explicit local(stopped_world& w) : mutator(w.world_) {}
    typename world<M>::mutator mutator;
    std::int64_t made = 0;    // less what was freed, since it was last added to the sum
    bool collecting = false;  // this context runs a collection
  };

  explicit stopped_world(const cycle_rule& r) : rule_(r), threshold_(r.thresholds[0]) {}

  [[nodiscard]] const cycle_rule& rule() const { return rule_; }

  // False: here a collection is never made in a make.
  [[nodiscard]] bool made(local& l) {
    if (++l.made >= share) add_up(l);
    return false;
  }
  void freed(local& l) {
    if (--l.made <= -share) add_up(l);
  }
  static void track(head& h) { h.mark(); }
  static void untrack(head& h) { h.unmark(); }

  // relaxed, here and below: a collection that comes a poll later is as good
  [[nodiscard]] bool is_due() const { return due_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool take_due(const local& l) { return !l.collecting && due_.exchange(false, std::memory_order_relaxed); }
  // What a collection that comes by itself is called: the generation that CPython reports.
  [[nodiscard]] int choose() const { return 0; }

  // One collection at a time, from its first stop to its last end. Who does not wait does nothing while another one runs.
  template <class F>
  void in_turn(local& l, bool waits, F&& f) {
    if (waits) {
      l.mutator.blocked([&] { turn_.lock(); });
    } else if (!turn_.try_lock()) {
      return;
    }
    l.collecting = true;
    f();
    l.collecting = false;
    turn_.unlock();
  }
  template <class F>
  void stop(local& l, F&& f) {
    world_.stop(l.mutator, f);
  }
  // In a stop.
  void survived(std::uint64_t survivors) {
    sum_.store(0, std::memory_order_relaxed);
    due_.store(false, std::memory_order_relaxed);
    survivors_.store(static_cast<std::int64_t>(survivors), std::memory_order_relaxed);
  }

  // What Python's gc module has, for who knows that no other context runs; only the first threshold means something, but that 0 for
  // the second switches the quarter rule off.
  void set_thresholds(const std::array<std::uint64_t, 3>& t) {
    threshold_ = t[0];
    scales_ = t[1] != 0;
  }
  void enable(bool on) { enabled_ = on; }
  [[nodiscard]] bool enabled() const { return enabled_; }
  void listen(cycle_listener* l) { listener_ = l; }
  [[nodiscard]] cycle_listener* listener() const { return listener_; }

  collector_totals totals;  // by whoever has the turn

 private:
  static constexpr std::int64_t share = 512;
  void add_up(local& l) {
    const std::int64_t sum = sum_.fetch_add(l.made, std::memory_order_relaxed) + l.made;
    l.made = 0;
    if (!enabled_ || threshold_ == 0 || sum <= static_cast<std::int64_t>(threshold_)) return;
    if (scales_ && sum <= survivors_.load(std::memory_order_relaxed) / 4) return;
    due_.store(true, std::memory_order_relaxed);
  }

  const cycle_rule& rule_;
  world<M> world_;
  typename M::mutex turn_;
  tally::atomic<M, std::int64_t, "cycles"> sum_, survivors_;
  tally::atomic<M, bool, "cycles"> due_;
  std::uint64_t threshold_;
  bool enabled_ = true, scales_ = true;
  cycle_listener* listener_ = nullptr;
};

}  // namespace tally
