// CPython's books of what can be part of a cycle: three generations of lists, how many were made since each was last collected,
// and when that is too many.
//
// What is new is young. A collection of generation g takes all that is as young as g or younger; what survives it is a generation
// older. Generation 0 counts what was made and not yet freed since, the older ones count collections of the next younger one; the
// oldest that is beyond its threshold is collected. A full collection comes by itself only when what waits for one is more than a
// quarter of what survived the last: else a growing heap would be looked at in quadratic time. Under rule 3.11 a collection comes
// inside the make that is one too many, before the new object is tracked; later, at the next safepoint.
//
// Not thread-safe: by one thread at a time, as everything under its lock is. Source: [CPython], Modules/gcmodule.c.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "harness/contract/collector.hpp"
#include "harness/cycles/cycle_kind.hpp"
#include "harness/cycles/cycle_listener.hpp"
#include "harness/cycles/gc_head.hpp"

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
  [[nodiscard]] list& of(int generation) { return lists_[static_cast<std::size_t>(generation)]; }

  // One more was made; true: the caller must collect() now, before it tracks it.
  [[nodiscard]] bool made(local&) {
    const std::uint64_t n = young_.load() + 1;
    young_.store(n);
    return n > limit_.load() && too_many();
  }
  void freed(local&) {
    if (const std::uint64_t n = young_.load(); n != 0) young_.store(n - 1);
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
    for (int g = oldest; g >= 0; --g) {
      if (count(g) <= thresholds_[static_cast<std::size_t>(g)]) continue;
      if (g == oldest && waiting_ < survivors_ / 4) continue;
      return g;
    }
    return -1;
  }

  // A collection is not interrupted by another: what finalisers make is counted, and that is all.
  [[nodiscard]] bool collecting() const { return collecting_; }
  // Gathers what is to be looked at in of(generation).
  void begin(int generation) {
    collecting_ = true;
    set_limit();
    if (generation < oldest) set_count(generation + 1, count(generation + 1) + 1);
    for (int g = 0; g <= generation; ++g) set_count(g, 0);
    for (int g = 0; g < generation; ++g) of(generation).merge(of(g));
  }
  // `survivors` are in of(generation).
  void survived(int generation, std::uint64_t survivors) {
    if (generation == oldest) {
      waiting_ = 0;
      survivors_ = survivors + outside_;
      return;
    }
    if (generation == oldest - 1) waiting_ += survivors;
    of(generation + 1).merge(of(generation));
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
      frozen_.merge(of(g));
      set_count(g, 0);
    }
    outside_frozen_ += outside_;
    outside_ = 0;
  }
  void unfreeze() {
    of(oldest).merge(frozen_);
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
  }
  void listen(cycle_listener* l) { listener_ = l; }
  [[nodiscard]] cycle_listener* listener() const { return listener_; }

  collector_totals totals;

 private:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  void set_count(int generation, std::uint64_t n) {
    if (generation == 0) {
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

  const cycle_rule& rule_;
  std::array<list, 3> lists_;
  list frozen_;
  var<M, std::uint64_t, "cycles"> young_;  // generation 0's count
  var<M, std::uint64_t, "cycles"> limit_;  // of it: what is beyond makes a collection
  var<M, bool, "cycles"> due_;
  std::array<std::uint64_t, 2> older_{};  // the counts of the others
  std::array<std::uint64_t, 3> thresholds_{};
  std::uint64_t survivors_ = 0;  // of the last full collection
  std::uint64_t waiting_ = 0;    // have survived collections of generation 1 since
  std::uint64_t outside_ = 0, outside_frozen_ = 0;
  bool enabled_ = true, collecting_ = false;
  cycle_listener* listener_ = nullptr;
};

}  // namespace tally
