// Programs with finalisers and observers.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

template <class H>
concept has_ends = has_finalizers<H> && has_observers<H>;

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

// Two threads drop the references of an object whose finaliser keeps it, and one of them or a third upgrades a weak ref of it: it is
// finalised once, and whole after that.
template <class H>
struct revived : stage<H> {
  using stage<H>::stage;
  using mortal_ref = typename H::template ref<mortal<H>>;
  using mortal_parcel = typename H::template parcel<mortal<H>>;
  std::array<int, 2> heard{};
  std::optional<mortal_parcel> kept;
  std::array<std::optional<mortal_parcel>, 2> mine;
  typename H::template weak<mortal<H>> weak{};
  void prepare() override {
    auto& c = this->as(0);
    mortal_ref a = c.template make<mortal<H>>({}, 7U);
    c.get(a).heard = &heard;
    c.get(a).revived = &kept;
    c.store(c.get(a).next, c.template make<mortal<H>>({}, 8U));
    c.share(a);
    weak = c.downgrade(a);
    mine[1] = c.pack(c.copy(a));
    mine[0] = c.pack(a);
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i < 2) c.drop(c.unpack(*mine.at(static_cast<std::size_t>(i))));
    if (i == this->threads_ - 1) {
      if (mortal_ref found = c.upgrade(weak)) {
        whole(c, found);
        c.drop(found);
      }
      c.drop(weak);
    }
    c.poll();
  }
  void finish() override {
    auto& c = this->as(0);
    this->reclaim_all(c);
    require(kept.has_value() && heard[0] == 1, "a finaliser did not run once");
    mortal_ref a = c.unpack(*kept);
    whole(c, a);
    c.drop(a);
    require(heard[0] == 1, "a finaliser ran twice");
  }
  static void whole(typename stage<H>::context& c, const mortal_ref& a) {
    auto* next = c.peek(c.get(a).next);
    require(c.get(a).value.load() == 7 && next != nullptr && next->value.load() == 8, "what was revived is not whole");
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
