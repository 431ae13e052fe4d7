// Which references of a recording deferral may leave uncounted: a part of the planner. What a pair is, and when one is dissolved,
// is said in plan.hpp. Linear in the events but for the search of an object's few open pairs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/trace/replay_plan.hpp"

namespace tally::recorded {

inline constexpr std::uint32_t no_event = ~std::uint32_t{0};

inline bool takes(kind k) { return k == kind::increment || k == kind::immortal_increment; }
inline bool drops(kind k) { return k == kind::decrement || k == kind::last_decrement || k == kind::immortal_decrement; }

// Finds the pairs, gives each its place in a reference stack, dissolves those that must be counted.
class pairing {
 public:
  std::vector<std::uint32_t> partner;  // per event; no_event: not part of a pair
  std::vector<std::uint16_t> place;    // per event of a pair
  std::uint64_t pairs = 0, dissolved = 0;
  std::uint32_t most_held = 0;

  pairing(const recording& r, layout how)
      : partner(r.events.size(), no_event), place(r.events.size()), r_(r), older_(r.events.size(), no_event) {
    match();
    stacks_.resize(how == layout::one_stream ? 1 : r.sums.threads);
    settle(how);
  }

 private:
  struct reference_stack {
    std::vector<std::uint16_t> free;
    std::uint32_t used = 0, next = 0;
  };

  // Last taken, first dropped, per object and thread: open takes are chained through older_, the newest first.
  void match() {
    std::vector<std::uint32_t> newest(r_.objects.size(), no_event);  // by the object's first thread
    std::unordered_map<std::uint64_t, std::uint32_t> newest_of_others;
    for (std::uint32_t e = 0; e < r_.events.size(); ++e) {
      const event& ev = r_.events[e];
      if (!ev.interpreter || !(takes(ev.what) || drops(ev.what))) continue;
      const object_facts& o = r_.objects[ev.object];
      const std::uint64_t key = std::uint64_t{ev.object} << 16 | ev.thread;
      std::uint32_t& open = ev.thread == o.thread ? newest[ev.object] : newest_of_others.try_emplace(key, no_event).first->second;
      if (takes(ev.what)) {
        older_[e] = std::exchange(open, e);
      } else if (open != no_event && !(ev.what == kind::last_decrement && o.shared)) {
        partner[e] = open;
        partner[open] = e;
        open = older_[open];
        ++pairs;
      }
    }
  }

  // Walks the recording with the counts that a deferring scheme would have.
  void settle(layout how) {
    std::vector<std::uint32_t> counted(r_.objects.size());
    std::vector<std::uint32_t> open(r_.objects.size(), no_event);  // open pairs of an object, chained through older_
    for (std::uint32_t e = 0; e < r_.events.size(); ++e) {
      const event& ev = r_.events[e];
      const object_facts& o = r_.objects[ev.object];
      reference_stack& stack = stacks_[how == layout::one_stream ? 0 : ev.thread];
      if (ev.what == kind::birth || ev.what == kind::appearance) {
        counted[ev.object] = o.references;
      } else if (takes(ev.what)) {
        if (partner[e] != no_event && !hold(stack, e)) dissolve(e);
        if (partner[e] == no_event) {
          ++counted[ev.object];
        } else {
          older_[e] = std::exchange(open[ev.object], e);
        }
      } else if (partner[e] != no_event) {
        unlink(open[ev.object], partner[e]);
        release(stack, place[partner[e]]);
        place[e] = place[partner[e]];
      } else if (!o.immortal) {
        const std::uint32_t least = ev.what == kind::last_decrement || !o.shared ? 1 : 2;
        while (counted[ev.object] < least) {
          const std::uint32_t take = newest_open(open[ev.object], ev.thread);
          unlink(open[ev.object], take);
          release(stacks_[how == layout::one_stream ? 0 : r_.events[take].thread], place[take]);
          dissolve(take);
          ++counted[ev.object];
        }
        --counted[ev.object];
      }
    }
  }

  bool hold(reference_stack& s, std::uint32_t e) {
    if (s.free.empty()) {
      if (s.next == held_capacity) return false;
      s.free.push_back(static_cast<std::uint16_t>(s.next++));
    }
    place[e] = s.free.back();
    s.free.pop_back();
    most_held = std::max(most_held, ++s.used);
    return true;
  }
  static void release(reference_stack& s, std::uint16_t place) {
    s.free.push_back(place);
    --s.used;
  }
  void dissolve(std::uint32_t take) {
    partner[partner[take]] = no_event;
    partner[take] = no_event;
    --pairs, ++dissolved;
  }
  void unlink(std::uint32_t& head, std::uint32_t e) {
    std::uint32_t* at = &head;
    while (*at != e) at = &older_[*at];
    *at = older_[e];
  }
  // The dropping thread's own, if it has one: then the drop needs no wait.
  [[nodiscard]] std::uint32_t newest_open(std::uint32_t head, std::uint16_t thread) const {
    for (std::uint32_t e = head; e != no_event; e = older_[e]) {
      if (r_.events[e].thread == thread) return e;
    }
    return head;
  }

  const recording& r_;
  std::vector<std::uint32_t> older_;
  std::vector<reference_stack> stacks_;
};

}  // namespace tally::recorded
