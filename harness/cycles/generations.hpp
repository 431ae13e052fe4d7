// CPython's books of what can be part of a cycle: three generations of lists, how many were made since each was last collected,
// and when that is too many.
//
// What is new is young. A collection of generation g takes all that is as young as g or younger; what survives it is a generation
// older. Generation 0 counts what was made and not yet freed since, the older ones count collections of the next younger one; the
// oldest that is beyond its threshold is collected. A full collection comes by itself only when what waits for one is more than a
// quarter of what survived the last: else a growing heap would be looked at in quadratic time. Under rule 3.11 a collection comes
// inside the make that is one too many, before the new object is tracked; later, at the next safepoint.
//
// Under rule incremental generation 0 is as ever, and what is older is in old_spaces.hpp. A collection of generation 1 is an
// increment, and the one that comes by itself; one of generation 2 looks at everything.
//
// Not thread-safe: by one thread at a time, as everything under its lock is. Source: [CPython], Modules/gcmodule.c.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "harness/contract/collector.hpp"
#include "harness/cycles/cycle_kind.hpp"
#include "harness/cycles/cycle_listener.hpp"
#include "harness/cycles/gc_head.hpp"
#include "harness/cycles/old_spaces.hpp"

namespace tally {

template <class M>
class generations {
 public:
  using head = gc_head<M>;
  using list = gc_list<M>;
  static constexpr bool in_stops = false, by_candidates = false;
  static constexpr int oldest = 2;
  struct local {  // a context's share: nothing
    explicit local(generations&) {}
  };

  explicit generations(const cycle_rule& r) : rule_(r) { set_thresholds(r.thresholds); }

  [[nodiscard]] const cycle_rule& rule() const { return rule_; }
  [[nodiscard]] list& of(int generation) {
    if (generation == 0 || !rule_.incremental) return lists_[static_cast<std::size_t>(generation)];
    return generation == 1 ? old_.visited() : old_.pending();
  }

  // One more was made; true: the caller must collect() now, before it tracks it.
  [[nodiscard]] bool made(local&) {
    const std::uint64_t n = young_.load() + 1;
    young_.store(n);
    return n > limit_.load() && too_many();
  }
  void freed(local&) {
    if (const std::uint64_t n = young_.load(); n != 0) [[likely]] {
      young_.store(n - 1);
    } else {
      before_.store(before_.load() - 1);
    }
  }
  void track(head& h) { lists_[0].append(h); }
  static void untrack(head& h) {
    if (h.tracked()) list::remove(h);
  }

  // Asked at safepoints that are no make; true: the caller must collect().
  [[nodiscard]] bool is_due() const { return due_.load(); }
  [[nodiscard]] bool take_due(const local&) {
    if (collecting_) return false;
    due_.store(false);
    return true;
  }
  // The generation to collect; -1: none.
  [[nodiscard]] int choose() const {
    if (rule_.incremental) return enabled_ ? 1 : -1;
    for (int g = oldest; g >= 0; --g) {
      if (count(g) <= thresholds_[static_cast<std::size_t>(g)]) continue;
      if (g == oldest && waiting_ < survivors_ / 4) continue;
      return g;
    }
    return -1;
  }

  // A collection is not interrupted by another: what finalisers make is counted, and that is all.
  [[nodiscard]] bool collecting() const { return collecting_; }
  // Gathers what is to be looked at. visit(head) calls reached(head) with all that an object holds.
  template <class Visit>
  [[nodiscard]] list& begin(int generation, Visit&& visit) {
    collecting_ = true;
    set_limit();
    if (rule_.incremental) return begin_incremental(generation, visit);
    if (generation < oldest) set_count(generation + 1, count(generation + 1) + 1);
    for (int g = 0; g <= generation; ++g) set_count(g, 0);
    for (int g = 0; g < generation; ++g) of(generation).merge(of(g));
    return of(generation);
  }
  void reached(head& h) { old_.reached(h); }
  // `all`: begin()'s, where `survivors` are left.
  void survived(int generation, list& all, std::uint64_t survivors) {
    if (rule_.incremental) return old_.add(all);
    if (generation == oldest) {
      waiting_ = 0;
      survivors_ = survivors + outside_;
      return;
    }
    if (generation == oldest - 1) waiting_ += survivors;
    of(generation + 1).merge(all);
  }
  // What was told, revived, or only emptied in a collection, and is in some list, goes where its survivors are.
  void keep(int generation, head& h) {
    if (rule_.incremental) return old_.add(h);
    of(std::min(generation + 1, oldest)).move_here(h);
  }
  // Nothing more dies of it. What finalisers made in it counts after an increment only.
  void completed(int generation) {
    if (!rule_.incremental) return;
    if (generation != 1) set_count(0, 0);
    if (generation == 0) ++older_[0];
    if (generation == 1 && old_.completed(share())) std::swap(older_[0], older_[1]);
    if (generation == oldest) {
      older_ = {};
      old_.swap();
    }
  }
  void end() {
    collecting_ = false;
    set_limit();
  }

  // What Python's gc module has.
  void set_thresholds(const std::array<std::uint64_t, 3>& t) {
    thresholds_ = t;
    set_limit();
  }
  void enable(bool on) {
    enabled_ = on;
    set_limit();
  }
  [[nodiscard]] bool enabled() const { return enabled_; }
  // From now on no collection looks at what there is now.
  void freeze() {
    for (int g = 0; g <= oldest; ++g) {
      frozen_.merge(lists_[static_cast<std::size_t>(g)]);
      set_count(g, 0);
    }
    old_.move_all(frozen_);
    outside_frozen_ += outside_;
    outside_ = 0;
  }
  void unfreeze() {
    if (rule_.incremental) {
      old_.add(frozen_);
    } else {
      of(oldest).merge(frozen_);
    }
    outside_ += outside_frozen_;
    outside_frozen_ = 0;
  }
  [[nodiscard]] std::uint64_t count(int generation) const {
    return generation == 0 ? young_.load() : older_[static_cast<std::size_t>(generation) - 1];
  }

  // `n` objects of a runtime's own in the oldest generation, which live as long as it does and hold nothing of a program's.
  void add_outside(std::uint64_t n) {
    outside_ += n;
    survivors_ += n;
    before_.store(before_.load() + n);
  }
  void listen(cycle_listener* l) { listener_ = l; }
  [[nodiscard]] cycle_listener* listener() const { return listener_; }

  collector_totals totals;

 private:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  void set_count(int generation, std::uint64_t n) {
    if (generation == 0) {
      before_.store(before_.load() + young_.load() - n);
      young_.store(n);
    } else {
      older_[static_cast<std::size_t>(generation) - 1] = n;
    }
  }
  void set_limit() { limit_.store(enabled_ && !collecting_ && thresholds_[0] != 0 ? thresholds_[0] : never); }
  [[gnu::noinline, gnu::cold]] bool too_many() {
    if (rule_.collects_in_make) return true;
    due_.store(true);
    return false;
  }

  // For old_spaces: with Python's own thresholds a hundredth of what is alive.
  [[nodiscard]] std::uint64_t share() const {
    return (before_.load() + young_.load()) / 10 / std::max(thresholds_[1], std::uint64_t{2});
  }
  template <class Visit>
  list& begin_incremental(int generation, Visit&& visit) {
    const std::uint64_t n = count(0), of_heap = share();
    set_count(0, 0);
    if (generation == 1) return old_.increment(lists_[0], n, of_heap, visit);
    if (generation == oldest) return old_.everything(lists_[0]);
    return lists_[0];
  }

  const cycle_rule& rule_;
  std::array<list, 3> lists_;
  old_spaces<M> old_;
  list frozen_;
  var<M, std::uint64_t, "cycles"> young_;  // generation 0's count
  var<M, std::uint64_t, "cycles"> limit_;  // of it: what is beyond makes a collection
  var<M, bool, "cycles"> due_;
  // How many objects there would be without those that generation 0 counts; below zero, modulo 2^64, where more were freed.
  var<M, std::uint64_t, "cycles"> before_;
  std::array<std::uint64_t, 2> older_{};  // the counts of the others
  std::array<std::uint64_t, 3> thresholds_{};
  std::uint64_t survivors_ = 0;  // of the last full collection
  std::uint64_t waiting_ = 0;    // have survived collections of generation 1 since
  std::uint64_t outside_ = 0, outside_frozen_ = 0;
  bool enabled_ = true, collecting_ = false;
  cycle_listener* listener_ = nullptr;
};

}  // namespace tally
