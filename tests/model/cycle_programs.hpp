// Programs with cyclic garbage, finalisers and observers, for heaps that count and collect.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

template <class H>
concept collects_over_counts = has_finalizers<H> && has_observers<H> && collects_cycles<H>;

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

// A node with an end of its own, that observes one and is observed.
template <class H>
struct mortal {
  using ref = typename H::template ref<mortal>;
  typename H::template slot<mortal> next;
  typename H::template observers<mortal> watched;
  typename H::template observation<mortal> place;
  var<typename H::memory, std::uint64_t, "payload"> value;
  std::array<int, 2>* heard = nullptr;  // how often it was finalised, and told
  std::optional<typename H::template parcel<mortal>>* revived = nullptr;
  explicit mortal(std::uint64_t v) { value.store(v); }
  void each_slot(auto&& f) { f(next); }
  auto& observers() { return watched; }
  auto& observation() { return place; }
  void finalize(auto& c, const ref& self) {
    if (heard != nullptr) ++(*heard)[0];
    if (revived != nullptr) *revived = c.pack(c.copy(self));
  }
  void notify(auto&) {
    if (heard != nullptr) ++(*heard)[1];
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

// The observed and an observer die on two threads: who lives is told once, and finds nothing; who died first is not told.
template <class H>
struct observers_race : stage<H> {
  using stage<H>::stage;
  using mortal_ref = typename H::template ref<mortal<H>>;
  using mortal_parcel = typename H::template parcel<mortal<H>>;
  std::array<int, 2> kept_heard{}, racing_heard{};
  std::optional<mortal_parcel> target, kept, racing;
  void prepare() override {
    auto& c = this->as(0);
    mortal_ref t = c.template make<mortal<H>>({}, 7U), k = c.template make<mortal<H>>({}, 8U),
               r = c.template make<mortal<H>>({}, 9U);
    c.get(k).heard = &kept_heard;
    c.get(r).heard = &racing_heard;
    c.observe(k, t);
    c.observe(r, t);
    target = c.pack(t);
    kept = c.pack(k);
    racing = c.pack(r);
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      c.drop(c.unpack(*target));
      c.poll();
    } else if (i == 1) {
      mortal_ref r = c.unpack(*racing);
      if (mortal_ref found = c.observed(r)) {
        require(c.get(found).value.load() == 7, "what is observed is not what was written");
        c.drop(found);
      }
      c.drop(r);
      c.poll();
    }
  }
  void finish() override {
    auto& c = this->as(0);
    c.poll();
    mortal_ref k = c.unpack(*kept);
    const bool dead = !static_cast<bool>(c.observed(k));
    require(!dead || kept_heard[1] == 1, "an observer was not told once");
    require(racing_heard[1] <= 1 && racing_heard[0] <= 1, "an observer was told, or ended, twice");
    c.drop(k);
  }
};

}  // namespace tally::model
