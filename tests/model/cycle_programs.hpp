// Programs with cyclic garbage, for heaps that count and collect.
#pragma once

#include "tests/model/end_programs.hpp"

namespace tally::model {

template <class H>
concept collects_over_counts = has_ends<H> && collects_cycles<H>;

// What some thread still holds of a cycle keeps it whole, while another collects; what nobody holds goes.
template <class H>
struct garbage_cycle : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held a(this->make_node(c)), b(this->make_node(c, 8));
    c.store(c.get(b.get()).next, c.copy(a.get()));
    c.store(c.get(a.get()).next, b.take());
    c.share(a.get());
    this->share_out(c, a.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    if (i == 0) this->reclaim_all(c);
    c.poll();
    this->look(c, r.get());
    require(c.peek(c.peek(c.get(r.get()).next)->next) == &c.get(r.get()), "a cycle that is held was taken apart");
    c.drop(r.take());
    if (i == 0) this->reclaim_all(c);
  }
};

// A weak ref is upgraded around the collection that finds its object in a cycle: what it finds is whole.
template <class H>
struct weak_into_cycle : stage<H> {
  using stage<H>::stage;
  std::array<typename weak_of<H>::node, 3> weak{};
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held a(this->make_node(c)), b(this->make_node(c, 8));
    c.store(c.get(b.get()).next, c.copy(a.get()));
    c.store(c.get(a.get()).next, b.take());
    c.share(a.get());
    for (int i = 1; i < this->threads_; ++i) weak[static_cast<std::size_t>(i)] = c.downgrade(a.get());
    this->mine_[0] = c.pack(a.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      c.drop(this->own(0));
      this->reclaim_all(c);
      return;
    }
    auto w = weak[static_cast<std::size_t>(i)];
    c.poll();
    typename stage<H>::held r(c.upgrade(w));
    if (r) {
      c.poll();
      this->look(c, r.get());
      auto* b = c.peek(c.get(r.get()).next);
      require(b != nullptr && b->value.load() == 8 && c.peek(b->next) == &c.get(r.get()), "a cycle was taken apart under a ref");
      c.drop(r.take());
    }
    c.drop(w);
  }
};

// Who holds the last ref moves it into the object itself, on every thread.
template <class H>
struct moved_cycle : stage<H> {
  using stage<H>::stage;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->make_node(c));
    c.poll();
    this->look(c, r.get());
    auto& next = c.get(r.get()).next;
    c.store(next, r.take());
    c.poll();
    if (i == 0) this->reclaim_all(c);
  }
};

// A finaliser revives a cycle while another thread polls, makes and drops.
template <class H>
struct revived_cycle : stage<H> {
  using stage<H>::stage;
  using mortal_ref = typename H::template ref<mortal<H>>;
  std::array<int, 2> heard{};
  std::optional<typename H::template parcel<mortal<H>>> revived, mine;
  void prepare() override {
    auto& c = this->as(0);
    mortal_ref a = c.template make<mortal<H>>({}, 7U), b = c.template make<mortal<H>>({}, 8U);
    c.get(a).heard = &heard;
    c.get(a).revived = &revived;
    c.store(c.get(b).next, c.copy(a));
    c.store(c.get(a).next, b);
    mine = c.pack(a);
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i != 0) {
      c.drop(this->make_node(c, 9));
      c.poll();
      return;
    }
    c.drop(c.unpack(*mine));
    this->reclaim_all(c);
    require(revived.has_value() && heard[0] == 1, "a finaliser did not run once");
    mortal_ref a = c.unpack(*revived);
    auto* b = c.peek(c.get(a).next);
    require(b != nullptr && b->value.load() == 8 && c.peek(b->next) == &c.get(a), "a revived cycle is not whole");
    c.drop(a);
    this->reclaim_all(c);
    require(heard[0] == 1, "a finaliser ran twice");
  }
};

}  // namespace tally::model
