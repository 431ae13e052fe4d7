// The books of a collector by trial deletion, synchronous: what may be the root of a cycle that nobody holds, and when that is too
// much.
//
// Who loses a reference and has others left is a candidate: in a list, once. A new object is none. A collection takes from copies
// of the counts what the candidates, and all that they reach, hold of each other; what then has nothing left is garbage. So it looks at
// what candidates reach, and at nothing else. Colours, as in the paper, and where a gc_head says so:
//
//   black   in no list
//   purple  in the list of candidates
//   gray    in a collection (collecting()): found, and its references are taken from the copies
//   white   gray, and split off: nothing is left of its count, and nothing that has something left holds it
//   green   has no gc_head: its type can't hold references
//
// Unlike there: a candidate that dies leaves the list and is freed at once, since the list is linked both ways through the objects,
// and needs no memory; an increment does not make a candidate black, so that it is the same code as without a collector; and counts
// are not changed and restored, but copied.
//
// There are at most as many candidates as the threshold says, and those of the time until the next safepoint. The threshold
// follows [PHP]: a collection that comes by itself and finds hardly anything puts it up by what it was at first, another one down
// again; else a program that builds and finds no garbage would be looked at in quadratic time.
//
// Not thread-safe: by one thread at a time. Source: [Bacon01], section 3.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "harness/contract/collector.hpp"
#include "harness/cycles/cycle_kind.hpp"
#include "harness/cycles/cycle_listener.hpp"
#include "harness/cycles/gc_head.hpp"

namespace tally {

template <class M>
class trial_deletion {
 public:
  using head = gc_head<M>;
  using list = gc_list<M>;
  static constexpr bool in_stops = false, by_candidates = true;
  static constexpr int oldest = 2;
  struct local {  // a context's share: nothing
    explicit local(trial_deletion&) {}
  };

  explicit trial_deletion(const cycle_rule& r) : rule_(r) {}

  [[nodiscard]] const cycle_rule& rule() const { return rule_; }  // of ends inside each other
  // There are no generations: what a collection begins with, and what it leaves to be looked at.
  [[nodiscard]] list& of(int) { return candidates_; }

  [[nodiscard]] static bool made(local&) { return false; }
  static void freed(local&) {}
  static void track(head&) {}
  void untrack(head& h) {
    if (!h.tracked()) return;
    list::remove(h);
    if (!collecting_) size_.store(size_.load() - 1);
  }
  // Of a black one.
  void add(head& h) {
    if (mutant<M, "trial: a candidate is not buffered">()) return;
    candidates_.append(h);
    size_.store(size_.load() + 1);
    if (size_.load() > limit_.load()) due_.store(true);
  }
  [[nodiscard]] std::uint64_t candidates() const { return size_.load(); }

  // Asked at safepoints that are no make; true: the caller must collect().
  [[nodiscard]] bool is_due() const { return due_.load(); }
  [[nodiscard]] bool take_due(const local&) {
    if (collecting_) return false;
    due_.store(false);
    by_itself_ = true;
    return true;
  }
  [[nodiscard]] int choose() const { return oldest; }

  [[nodiscard]] bool collecting() const { return collecting_; }
  template <class Visit>
  [[nodiscard]] list& begin(int, Visit&&) {
    collecting_ = true;
    set_limit();
    found_before_ = totals.unreachable;
    return candidates_;
  }
  // They are black from here on.
  static void survived(int, list& all, std::uint64_t) { all.clear(); }
  // What was told, revived, or only emptied in a collection is looked at in the next.
  void keep(int, head& h) { candidates_.move_here(h); }
  static void completed(int) {}
  void end() {
    collecting_ = false;
    if (by_itself_) adapt(totals.unreachable - found_before_);
    by_itself_ = false;
    std::uint64_t n = 0;  // lists have changed hands
    candidates_.for_each([&n](head&) { ++n; });
    size_.store(n);
    set_limit();
  }

  // What Python's gc module has; only the first threshold means something.
  void set_thresholds(const std::array<std::uint64_t, 3>& t) {
    least_ = threshold_ = t[0];
    set_limit();
  }
  [[nodiscard]] std::uint64_t threshold() const { return threshold_; }
  void enable(bool on) {
    enabled_ = on;
    set_limit();
  }
  [[nodiscard]] bool enabled() const { return enabled_; }
  void listen(cycle_listener* l) { listener_ = l; }
  [[nodiscard]] cycle_listener* listener() const { return listener_; }

  collector_totals totals;

 private:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t hardly_any = 100;              // PHP's GC_THRESHOLD_TRIGGER
  static constexpr std::uint64_t most_waiting = 1'000'000'000;  // its GC_THRESHOLD_MAX
  void set_limit() {
    limit_.store(enabled_ && !collecting_ && threshold_ != 0 ? threshold_ : never);
    due_.store(size_.load() > limit_.load());
  }
  void adapt(std::uint64_t found) {
    if (found < hardly_any) {
      threshold_ = std::max(threshold_, std::min(threshold_ + least_, most_waiting));
    } else {
      threshold_ = std::max(threshold_ - least_, least_);
    }
  }

  const cycle_rule& rule_;
  list candidates_;
  var<M, std::uint64_t, "cycles"> size_;   // of the list; in a collection, not known
  var<M, std::uint64_t, "cycles"> limit_;  // of it: what is beyond makes a collection
  var<M, bool, "cycles"> due_;
  std::uint64_t threshold_ = 0, least_ = 0;
  std::uint64_t found_before_ = 0;  // totals.unreachable when a collection began
  bool enabled_ = true, collecting_ = false, by_itself_ = false;
  cycle_listener* listener_ = nullptr;
};

}  // namespace tally
