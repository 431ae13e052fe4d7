// Plays one sequence: the state, and what its steps are made of. The steps themselves are in play.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/conform/sequences/model.hpp"
#include "tests/conform/sequences/play.hpp"
#include "tests/conform/sequences/steps.hpp"

namespace tally::conform {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class player {
 public:
  player(machine& m, const abilities& able, const sequence& s, std::string* trace)
      : machine_(m), able_(able), s_(s), trace_(trace), contexts_(static_cast<std::size_t>(s.contexts)) {}

  void play() {
    go_on(s_.steps.size());
    for (int c = 0; c < s_.contexts; ++c) {
      if (!of(c).attached) continue;
      perform({call::quiesce, c});
      check_live();
      leave(c);
    }
    settled(model_.owned());
    // One context drops what all of them left.
    say(0, "drops all that is left");
    activate(0);
    for (int c = 1; c < s_.contexts; ++c) {
      for (const held& h : of(c).parcels) of(0).parcels.push_back(h);
      of(c).parcels.clear();
    }
    while (!of(0).refs.empty() || !of(0).parcels.empty()) {
      unpack(0);
      while (!of(0).refs.empty()) drop_last(0);
    }
    for (int r = 0; r < roots_used; ++r) {
      if (roots_[static_cast<std::size_t>(r)] >= 0) store_root(0, r, {-1, no_cell});
    }
    leave(0);
    settled(model_.owned());
    // Immortals outlive all refs. The younger ones may refer to the older.
    activate(0);
    while (!immortals_.empty()) {
      release(0, immortals_.size() - 1);
      perform({call::quiesce, 0});
    }
    while (!deferred_.empty()) undefer(0, deferred_.size() - 1);
    for (int c = 0; c < s_.contexts; ++c) {
      for (const held& h : of(c).weaks) perform({call::drop_weak, 0, h.cell});
    }
    leave(0);
    settled(0);
    require(machine_.weak_cells() == 0, std::to_string(machine_.weak_cells()) + " weak refs are kept, and none is left");
  }

 private:
  struct held {
    int object, cell;
  };
  struct context {
    bool attached = false, busy = false;  // busy: in a blocked region, or holding a guard
    std::vector<held> refs, parcels, weaks;
  };
  static constexpr std::size_t most_refs = 8, most_weaks = 6, most_immortals = 3;

  // --- acting ---
  std::uint64_t perform(const act& a) { return machine_.perform(a); }
  context& of(int c) { return contexts_[static_cast<std::size_t>(c)]; }
  void say(int c, std::string what) {
    if (trace_ != nullptr) *trace_ += "  " + std::string(depth_ * 2, ' ') + std::to_string(c) + ": " + what + "\n";
  }
  static std::uint64_t stamp_of(int object) { return object < 0 ? nothing : static_cast<std::uint64_t>(object); }
  static std::string name(int object) { return object < 0 ? "null" : "#" + std::to_string(object); }

  void activate(int c) {
    if (!of(c).attached) {
      for (int other = 0; !able_.in_turn && other < s_.contexts; ++other) {
        if (of(other).attached && !of(other).busy) leave(other);
      }
      perform({call::attach, c});
      of(c).attached = true;
    }
    unpack(c);
  }
  void unpack(int c) {
    while (!of(c).parcels.empty() && refs_.left() > 2) {
      const held h = of(c).parcels.back();
      of(c).parcels.pop_back();
      const int to = refs_.take();
      perform({call::unpack, c, h.cell, no_cell, to});
      parcels_.give(h.cell);
      of(c).refs.push_back({h.object, to});
    }
  }
  held pack(int c, held h) {
    const int to = parcels_.take();
    perform({call::pack, c, no_cell, h.cell, to});
    refs_.give(h.cell);
    model_.share(h.object);
    return {h.object, to};
  }
  void leave(int c) {
    for (const held& h : of(c).refs) of(c).parcels.push_back(pack(c, h));
    of(c).refs.clear();
    perform({call::detach, c});
    of(c).attached = false;
  }
  void drop_last(int c) {
    const held h = of(c).refs.back();
    of(c).refs.pop_back();
    perform({call::drop, c, no_cell, h.cell});
    refs_.give(h.cell);
    model_.disown(h.object);
  }
  // A ref that a call left in `cell`, or none did. `owns`: nobody owned it on this account before.
  void received(int c, int cell, bool found, int object, bool owns) {
    if (!found) return refs_.give(cell);
    of(c).refs.push_back({object, cell});
    if (owns) model_.own(object);
  }
  int copy_of(int c, const held& h) {
    const int to = refs_.take();
    perform({call::copy, c, h.cell, no_cell, to});
    return to;
  }

  // --- checking ---
  static void require(bool holds, const std::string& what) {
    if (!holds) throw failure(what);
  }
  void check_live() {
    if (able_.estimates) return;
    const std::int64_t live = machine_.live(), owned = able_.never_frees ? model_.made() : model_.owned();
    const bool exact = able_.prompt || able_.never_frees;
    require(exact ? live == owned : live >= owned,
            std::to_string(live) + " objects live, " + std::to_string(owned) + " have owners");
  }
  void check_refs(int c) {
    if (!of(c).attached || of(c).busy) return;
    for (const held& h : of(c).refs) {
      const std::uint64_t stamp = perform({call::look, c, h.cell});
      require(stamp == static_cast<std::uint64_t>(h.object),
              name(h.object) + (stamp == damaged ? " is damaged" : " is another object") + " in context " + std::to_string(c));
    }
  }
  // With no context attached live is exact, garbage included that nobody has looked for.
  void settled(std::int64_t owned) {
    const std::int64_t live_before = machine_.live(), bytes_before = machine_.live_bytes();
    if (!able_.estimates) {
      const std::int64_t live = live_before;
      require(live >= owned && live <= model_.made() + (able_.collects ? model_.in_vain() : 0),
              std::to_string(live) + " objects live before the heap settles, " + std::to_string(owned) + " have owners");
    }
    machine_.settle();
    if (able_.never_frees) owned = model_.made();
    const std::int64_t live = machine_.live();
    require(live >= owned && live <= owned + able_.slack,
            std::to_string(live) + " objects live with no context attached, " + std::to_string(owned) + " have owners");
    check_bytes(live);
    // A heap of cells may count an object as the cell that it is in until it looks.
    if (able_.estimates || bytes_of_one_ == 0) return;
    require(
        bytes_before >= live_before * bytes_of_one_ && bytes_before <= live_before * bytes_of_one_ * 5 / 4,
        std::to_string(live_before) + " objects amount to " + std::to_string(bytes_before) + " bytes before the heap settles");
  }
  // All objects are of one size.
  void check_bytes(std::int64_t live) {
    if (able_.estimates) return;
    const std::int64_t bytes = machine_.live_bytes();
    if (bytes_of_one_ == 0 && live != 0) bytes_of_one_ = bytes / live;
    require(bytes == live * bytes_of_one_, std::to_string(live) + " objects amount to " + std::to_string(bytes) + " bytes");
  }

  // --- steps ---
  void go_on(std::size_t end);
  void others(int c, int steps);
  [[nodiscard]] bool anybody_else(int c);
  void take(const step& one, int c);
  [[nodiscard]] bool room(int c) { return of(c).refs.size() < most_refs && refs_.left() > 4; }
  void make(int c);
  void block(int c, int b);
  void with_ref(kind what, int c, const step& one);
  void load(int c, const held& from, int which, call how, const char* kind_of_slot);
  void store(int c, const held& holder, int cell, int object, int which, call how);
  void compare_exchange(int c, const held& holder, const held& value, const held& expected);
  void borrow(int c, const held& from, int b);
  bool give(int c, std::size_t x, int b);
  void with_weak(kind what, int c, const step& one);
  void load_root(int c, int root);
  void store_root(int c, int root, const held& value);
  void make_immortal(int c, const held& h);
  void release_immortal(int c, std::size_t x);
  void release(int c, std::size_t which);
  void make_deferred(int c, const held& h, bool many_edges);
  void release_deferred(int c, std::size_t x);
  void undefer(int c, std::size_t which);

  machine& machine_;
  const abilities& able_;
  const sequence& s_;
  std::string* trace_;
  std::vector<context> contexts_;
  model model_;
  cell_pool refs_{ref_cells}, parcels_{parcel_cells_used}, weaks_{weak_cells_used};
  std::array<int, roots_used> roots_{-1, -1};
  std::vector<held> immortals_;  // a ref of each, beside those of contexts
  std::vector<held> deferred_;   // a parcel of each
  std::int64_t bytes_of_one_ = 0;
  std::size_t at_ = 0, depth_ = 0, guards_ = 0;
};

}  // namespace tally::conform
