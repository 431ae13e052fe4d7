// The programs about weak refs: dying, being found dead, and dying themselves.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

// A weak ref is upgraded while the last strong one is dropped.
template <class H>
struct upgrade : stage<H> {
  using stage<H>::stage;
  std::array<typename weak_of<H>::node, 3> weak{};
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held r(this->make_node(c)), child(this->make_node(c, 8));
    c.store(c.get(r.get()).next, child.take());
    c.share(r.get());
    for (int i = 1; i < this->threads_; ++i) weak[static_cast<std::size_t>(i)] = c.downgrade(r.get());
    this->mine_[0] = c.pack(r.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      typename stage<H>::held r(this->own(0));
      this->look(c, r.get());
      c.drop(r.take());
      c.poll();
    } else {
      auto w = weak[static_cast<std::size_t>(i)];
      typename stage<H>::held r(c.upgrade(w));
      if (r) {
        this->look(c, r.get());
        require(c.peek(c.get(r.get()).next)->value.load() == 8, "the child is not what was written");
        c.drop(r.take());
      }
      c.drop(w);
    }
  }
};

// Weak refs are made, used and dropped by owners that are about to drop the last strong refs.
template <class H>
struct downgrade : stage<H> {
  using stage<H>::stage;
  void prepare() override { this->share_out(this->as(0), this->make_node(this->as(0))); }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    this->look(c, r.get());
    auto w = c.downgrade(r.get());
    typename stage<H>::held meanwhile(c.upgrade(w));
    require(static_cast<bool>(meanwhile), "a living object was found dead");
    c.drop(meanwhile.take());
    c.drop(r.take());
    typename stage<H>::held again(c.upgrade(w));
    if (again) {
      this->look(c, again.get());
      c.drop(again.take());
    }
    c.drop(w);
  }
};

// An upgraded ref outlives the one that it was found beside, with nothing else written between.
template <class H>
struct upgraded_stays : stage<H> {
  using stage<H>::stage;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->make_node(c));
    auto w = c.downgrade(r.get());
    typename stage<H>::held found(c.upgrade(w));
    c.drop(r.take());
    c.drop(w);
    this->look(c, found.get());
    this->overwrite(c);
    this->look(c, found.get());
    c.drop(found.take());
  }
};

// Weak refs are upgraded around the collection that their object dies in. What was found is there until it is dropped, and what
// was found dead stays dead, also when the object's memory is used again.
template <class H>
struct weak_death : stage<H> {
  using stage<H>::stage;
  std::array<typename weak_of<H>::node, 3> weak{};
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held r(this->make_node(c));
    c.share(r.get());
    for (int i = 1; i < this->threads_; ++i) weak[static_cast<std::size_t>(i)] = c.downgrade(r.get());
    this->mine_[0] = c.pack(r.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      c.drop(this->own(0));
      this->reclaim_all(c);
      this->overwrite(c);
      return;
    }
    auto w = weak[static_cast<std::size_t>(i)];
    c.poll();
    typename stage<H>::held r(c.upgrade(w));
    c.poll();
    typename stage<H>::held again(c.upgrade(w));
    require(static_cast<bool>(r) == static_cast<bool>(again), "a held object was found dead, or a dead one alive");
    for (auto* found : {&r, &again}) {
      if (!*found) continue;
      this->look(c, found->get());
      c.drop(found->take());
    }
    c.drop(w);
  }
};

// Weak refs in slots of objects that die young, grow old, and die old, while others collect.
template <class H>
struct weak_slots : stage<H> {
  using stage<H>::stage;
  using held_watcher = hold<H, watcher<H>>;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    if (i != 0) {
      typename stage<H>::held r(this->make_node(c, 8));
      watch(c, c.template make<watcher<H>>({}), r.get());
      if (i == 1) this->reclaim_all(c);
      c.poll();
      this->look(c, r.get(), 8);
      c.drop(r.take());
      return;
    }
    held_watcher w(c.template make<watcher<H>>({}));
    {
      typename stage<H>::held first(this->make_node(c));
      c.store(c.get(w.get()).seen, c.downgrade(first.get()));
      this->reclaim_all(c);
      expect(c, w.get(), 7);
      typename stage<H>::held second(this->make_node(c, 9));
      c.store(c.get(w.get()).seen, c.downgrade(second.get()));
      c.drop(first.take());
      this->reclaim_all(c);
      expect(c, w.get(), 9);
      c.drop(second.take());
    }
    this->reclaim_all(c);
    this->overwrite(c);
    expect(c, w.get(), 0);
    c.drop(w.take());
    this->reclaim_all(c);
  }

 private:
  using watcher_ref = typename H::template ref<watcher<H>>;
  // A watcher that nobody keeps.
  void watch(typename stage<H>::context& c, watcher_ref r, const typename stage<H>::node_ref& n) {
    c.store(c.get(r).seen, c.downgrade(n));
    c.drop(r);
  }
  // The value of what the watcher sees; 0: it is dead.
  void expect(typename stage<H>::context& c, const watcher_ref& w, std::uint64_t value) {
    auto seen = c.load(c.get(w).seen);
    typename stage<H>::held found(c.upgrade(seen));
    c.drop(seen);
    if (value == 0 && H::oracle == oracle_class::never_frees) value = 9;
    require(static_cast<bool>(found) == (value != 0), "a weak ref in a slot finds the dead, or not the living");
    if (!found) return;
    this->look(c, found.get(), value);
    c.drop(found.take());
  }
};

}  // namespace tally::model
