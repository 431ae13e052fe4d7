// The programs about deferred objects: refs on stacks that are not counted, and counts that each thread keeps for itself.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

// An object that stacks refer to without counting: all that is counted goes, from the thread that made it or from another, while
// refs on stacks are looked at; then it is released. One holder outlives its thread.
template <class H, bool Many>
struct deferred_object : stage<H> {
  using stage<H>::stage;
  typename stage<H>::node_ref kept{};
  std::optional<typename stage<H>::node_parcel> left, counted;  // of a thread that is gone: a holder, and a reference of its own
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held made(this->make_node(c)), holder(this->make_node(c, 8));
    c.make_deferred(made.get(), Many);
    c.store(c.get(holder.get()).next, c.copy(made.get()));
    kept = c.load(c.get(holder.get()).next);
    c.drop(holder.take());
    this->share_out(c, made.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i)), mine(this->make_node(c, 10));
    c.store(c.get(mine.get()).next, r.take());
    typename stage<H>::held seen(c.load(c.get(mine.get()).next));
    if (i == 1) {
      left = c.pack(mine.take());
      counted = c.pack(c.copy(seen.get()));
    } else {
      c.drop(mine.take());
    }
    this->look(c, seen.get());
    typename stage<H>::held again(c.copy(seen.get()));
    c.drop(seen.take());
    this->look(c, again.get());
    c.drop(again.take());
    if (i == 1) this->detach(1);
  }
  void finish() override {
    auto& c = this->as(0);
    this->look(c, kept);
    c.drop(c.unpack(*counted));
    typename stage<H>::held holder(c.unpack(*left));
    c.release_deferred(kept);
    require(c.peek(c.get(holder.get()).next)->value.load() == 7, "a released object is not what was written");
    c.drop(holder.take());
  }
};
template <class H>
struct deferred_by_all : deferred_object<H, false> {
  using deferred_object<H, false>::deferred_object;
};
template <class H>
struct deferred_by_threads : deferred_object<H, true> {
  using deferred_object<H, true>::deferred_object;
};

}  // namespace tally::model
