// What `deferred` does while the world is stopped: applies logs, finds which young objects live, frees what lost its last
// reference, and, now and then, cycles.
//
// Counts go up first: for what stacks refer to, and for what logged places hold now. An object whose count leaves zero was young
// and is old from here on: its block keeps the cell, its own places are counted, and their log bits are set. Then counts go down:
// by what logged places held at the last stop, and by what stacks referred to then (the stacks' counts last from one stop to
// the next, so that an object without a count is garbage whenever one is found). What gets to zero is freed with all that only
// it kept alive. Young objects whose count is still zero are not looked at: the sweep of their blocks finds no mark for them.
// Only those with a destructor are in a list, so that it can be run.
//
// Cycles among old objects are found by taking from each object's count what the places of other objects hold: who has a rest
// is referred to from outside, and it and all that it reaches get their counts back, and live (the trial deletion of
// [Bacon01], for all objects at once).
//
// Weak refs are cleared when it is settled who lives, before any cell of the heap can be used again: what has no mark then is
// dead, however it died, and that is the only test that the young need. A weak ref in a place dies with the place's object: at
// once when that was old, and else by not having been seen (see weak_cells.hpp).
//
// Sources: [DB76], [Ulterior03] for young objects that are not counted, [LevanoniPetrank06] for the log.
#pragma once

#include <cassert>
#include <unordered_map>
#include <vector>

#include "harness/heap/block_heap.hpp"
#include "strategies/deferred_counts.hpp"
#include "strategies/deferred_log.hpp"

namespace tally::strategies {

template <class M>
class deferred_reconciler {
 public:
  using header = deferred_header<M>;
  using log = deferred_log<M>;

  explicit deferred_reconciler(block_heap<M>& blocks) : blocks_(blocks), weak_pool_(weak_.attach()) {}

  [[nodiscard]] weak_cells<M>& weak() { return weak_; }

  // Old objects, and their bytes.
  [[nodiscard]] std::int64_t objects() const { return objects_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

  // A stop makes these calls in this order: for each word that refers to an object on a stack; for each log; for each list of
  // objects with destructors; for each log again; and once at the end.
  void found_on_stack(header& h) {
    increment(h);
    follow(walk::adopt);
    on_stacks_.push_back(&h);
  }
  void raise(const log& l) {
    l.for_each([this](typename log::kind k, void* at) {
      if (k == log::kind::more) increment(*static_cast<header*>(at));
      if (k == log::kind::place) adopt(*static_cast<deferred_slot<M>*>(at));
      if (k == log::kind::shared_place) adopt(*static_cast<deferred_shared_slot<M>*>(at));
      follow(walk::adopt);
    });
  }
  void destroy_young(std::vector<header*>& made) {
    for (header* h : made) {
      if (h->count() == 0) destroy(*h);
    }
    made.clear();
  }
  void lower(const log& l) {
    l.for_each([this](typename log::kind k, void* at) {
      if (k == log::kind::fewer) decrement(*static_cast<header*>(at));
    });
  }
  void finish() {
    if (mutant<M, "deferred: weak refs are cleared before counts go down for stacks">()) clear_weak_refs();
    drop_stacks();
    on_stacks_before_.swap(on_stacks_);
    sweep();
  }
  // What stacks referred to at the last stop is not counted for that any more.
  void drop_stacks() {
    for (header* h : on_stacks_before_) {
      if (!mutant<M, "deferred: what was once on a stack is counted for good">()) decrement(*h);
    }
    on_stacks_before_.clear();
  }
  // How many weak refs the stop looked at.
  [[nodiscard]] std::size_t weak_refs() const { return weak_refs_; }

  // After finish(), in the same stop: frees garbage cycles and what only they kept alive.
  void collect_cycles() {
    blocks_.for_each_object([this](object_word<M>& o) { scan(object_of(o), walk::subtract); });
    blocks_.let_all_go();
    objects_ = bytes_ = 0;
    blocks_.for_each_object([this](object_word<M>& o) {
      if (object_of(o).count() != 0 && !blocks_.kept(o)) keep(object_of(o));
      follow(walk::give_back);
    });
    blocks_.for_each_object([this](object_word<M>& o) {
      if (!blocks_.kept(o)) destroy(object_of(o));
    });
    sweep();
  }

  // For the type table: the places of a living object, and of a dead one.
  void scan_slot(auto& s) {
    if (walk_ == walk::adopt) return adopt(s);
    header* h = s.object(s.stopped());
    if (h == nullptr) return;
    if (walk_ == walk::subtract) return static_cast<void>(one_fewer(*h));
    if (!mutant<M, "deferred: a search for cycles does not give counts back">()) one_more(*h);
    if (!blocks_.kept(h->word)) keep(*h);
  }
  void visit_slot(auto& s) {
    header* h = s.object(s.stopped());
    if (h != nullptr && counted_) decrement_later(*h);
  }
  template <class T>
  void scan_slot(deferred_weak_slot<M, T>& s) {
    if (walk_ == walk::adopt) s.grow_old();
  }
  template <class T>
  void visit_slot(deferred_weak_slot<M, T>& s) {
    if (auto* c = s.held()) weak_cells<M>::drop(weak_pool_, c);
  }

 private:
  enum class walk { adopt, subtract, give_back };
  using types = type_table<deferred_reconciler>;

  static header& object_of(object_word<M>& o) { return reinterpret_cast<header&>(o); }  // its first member

  // The present value of a place is counted from now on.
  void adopt(auto& s) {
    const std::uintptr_t w = s.stopped();
    s.set_stopped(w | s.log_bit);
    if (header* h = s.object(w)) increment(*h);
  }
  void increment(header& h) {
    if (h.count() == 0) keep(h);
    one_more(h);
  }
  void keep(header& h) {
    ++objects_;
    bytes_ += static_cast<std::int64_t>(h.bytes());
    blocks_.keep(h.word);
    if (!mutant<M, "deferred: what a survivor refers to is not counted">()) to_follow_.push_back(&h);
  }
  void follow(walk how) {
    while (!to_follow_.empty()) {
      header* h = to_follow_.back();
      to_follow_.pop_back();
      scan(*h, how);
    }
  }
  void scan(header& h, walk how) {
    walk_ = how;
    types::entries[h.word.type()].scan(*this, &h + 1);
  }

  void decrement(header& h) {
    decrement_later(h);
    while (dead_ != nullptr) {
      header& d = *dead_;
      dead_ = d.word.template link<header>();
      types::entries[d.word.type()].visit(*this, &d + 1);
    }
  }
  // The dead are a list, linked through the words that they no longer need: a chain of any length is freed in constant memory.
  void decrement_later(header& h) {
    if (!one_fewer(h)) return;
    --objects_;
    bytes_ -= static_cast<std::int64_t>(h.bytes());
    blocks_.let_go(h.word);
    h.word.set_link(dead_);
    dead_ = &h;
  }
  // Ends the life of an object whose places are not counted.
  void destroy(header& h) {
    counted_ = false;
    types::entries[h.word.type()].visit(*this, &h + 1);
    counted_ = true;
  }

  // With all counts, and so all marks, settled.
  void sweep() {
    if (!mutant<M, "deferred: weak refs are cleared before counts go down for stacks">()) clear_weak_refs();
    blocks_.sweep_changed();
  }
  void clear_weak_refs() {
    if (mutant<M, "deferred: weak refs are not cleared">()) return;
    weak_refs_ = weak_.clear_dead(weak_pool_, weak_cells<M>::sight::for_good,
                                  [this](void* object) { return blocks_.kept(static_cast<header*>(object)->word); });
  }

  void one_more(header& h) {
    const std::uint32_t n = h.count();
    if (n != header::most) [[likely]] return h.set_count(n + 1);
    ++beyond_[&h];
  }
  // True: that was the last.
  bool one_fewer(header& h) {
    const std::uint32_t n = h.count();
    assert(n != 0);
    if (n == header::most) [[unlikely]] {
      const auto at = beyond_.find(&h);
      if (at != beyond_.end()) {
        if (--at->second == 0) beyond_.erase(at);
        return false;
      }
    }
    h.set_count(n - 1);
    return n == 1;
  }

  block_heap<M>& blocks_;
  weak_cells<M> weak_;
  typename weak_cells<M>::pool& weak_pool_;  // what a stop gives cells back through
  std::size_t weak_refs_ = 0;
  std::int64_t objects_ = 0, bytes_ = 0;
  walk walk_ = walk::adopt;
  bool counted_ = true;  // what a dead object's places hold
  header* dead_ = nullptr;
  std::vector<header*> to_follow_, on_stacks_, on_stacks_before_;
  std::unordered_map<header*, std::uint64_t> beyond_;  // what an object's count is above `most`
};

}  // namespace tally::strategies
