// A counting context whose collector works by trial deletion (trial_deletion.hpp): what makes a candidate, and what a collection
// finds beside them.
//
// A candidate is what lost a reference from outside and lives: by a decrement, or because the reference moved into a slot, which may
// be one of the object's own. What is neither can't have become a cycle that nobody holds: whoever lost the last reference to one
// from outside reaches all of it.
#pragma once

#include "harness/cycles/cyclic_context.hpp"

namespace tally {

template <class Self, class Heap, class Header>
class trial_context : public cyclic_context<Self, Heap, Header> {
  using base = cyclic_context<Self, Heap, Header>;

 public:
  using memory = typename base::memory;
  using head = typename base::head;
  template <class T>
  using ref = typename base::template ref<T>;
  template <class T>
  using slot = typename base::template slot<T>;
  template <class T>
  using shared_slot = typename base::template shared_slot<T>;
  using base::base;

  using base::store;
  template <class T>
  void store(slot<T>& s, ref<T> r) {
    move_in(r);
    base::store(s, r);
  }
  template <class T>
  void store(shared_slot<T>& s, ref<T> r) {
    move_in(r);
    base::store(s, r);
  }
  template <class T>
  [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
    move_in(r);
    return base::exchange(s, r);
  }
  template <class T>
  [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
    move_in(desired);
    return base::compare_exchange(s, expected, desired);
  }

  // For the layers below.
  template <class T>
  [[nodiscard]] bool let_go(Header& h) {
    if (this->self().decrement(h)) return true;
    suspect<T>(h);
    return false;
  }
  template <class T>
  void release(Header& h) {
    if (let_go<T>(h)) [[unlikely]]
      this->self().template reclaim<T>(h);
  }
  // In a collection's first look: what candidates reach is looked at, too.
  void found(head& g) {
    if (reaching_ != nullptr && !g.collecting() && !mutant<memory, "trial: what a candidate reaches stays black">()) {
      reaching_->append(g);
      g.begin(this->self().count_of(base::header_of(g)));
      if (mutant<memory, "trial: the reference that reached an object is taken twice">()) g.found_one();
    }
    g.found_one();
  }
  void reach_into(gc_list<memory>* all) { reaching_ = all; }

 private:
  // Before it is in the slot: what the slot held may end, and with it all that is here.
  template <class T>
  void move_in(const ref<T>& r) {
    if (r && !mutant<memory, "trial: what moves into a slot is no candidate">()) suspect<T>(*r.at);
  }
  template <class T>
  void suspect(Header& h) {
    if (can_hold<T>() && !base::head_of(h).tracked()) [[unlikely]]
      add_candidate(h);
  }
  [[gnu::noinline]] void add_candidate(Header& h) { this->cycles().add(base::head_of(h)); }

  gc_list<memory>* reaching_ = nullptr;
};

}  // namespace tally
