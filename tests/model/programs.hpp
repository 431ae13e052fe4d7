// The programs that every concurrent strategy is checked with: two or three threads, about three operations each, around one of the
// moments where counting schemes have been wrong. Each is an ordinary user of the contract; which strategies get it is a concept.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

template <class>
concept any_strategy = true;

// What no other thread ever sees, beside others that do the same.
template <class H>
struct private_life : stage<H> {
  using stage<H>::stage;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held parent(this->make_node(c)), child(this->make_node(c, 8));
    c.store(c.get(parent.get()).next, c.copy(child.get()));
    c.drop(child.take());
    if constexpr (has_weak<H>) {
      auto w = c.downgrade(parent.get()), v = c.copy(w);
      c.drop(w);
      typename stage<H>::held again(c.upgrade(v));
      c.drop(v);
      this->look(c, again.get());
      c.drop(again.take());
    }
    typename stage<H>::held last(c.copy(parent.get()));
    c.drop(parent.take());
    this->look(c, last.get());
    require(c.peek(c.get(last.get()).next)->value.load() == 8, "the child is not what was written");
    c.drop(last.take());
  }
};

// Every thread looks, copies and drops twice: somebody has the last reference, whoever it is.
template <class H>
struct last_reference : stage<H> {
  using stage<H>::stage;
  void prepare() override { this->share_out(this->as(0), this->make_node(this->as(0))); }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    this->look(c, r.get());
    typename stage<H>::held again(c.copy(r.get()));
    c.drop(r.take());
    this->look(c, again.get());
    c.drop(again.take());
  }
};

// An object is made, sent away and dropped at both ends.
template <class H>
struct hand_off : stage<H> {
  using stage<H>::stage;
  typename stage<H>::mailbox mail;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      typename stage<H>::held r(this->make_node(c));
      mail.send(c.pack(c.copy(r.get())));
      this->look(c, r.get());
      c.drop(r.take());
    } else if (i == 1) {
      typename stage<H>::held r(c.unpack(mail.receive(c)));
      this->look(c, r.get());
      c.drop(r.take());
    } else {
      c.poll();
      this->overwrite(c);
    }
  }
};

// The owner drops its reference and is gone, while others drop theirs.
template <class H>
struct owner_exit : stage<H> {
  using stage<H>::stage;
  void prepare() override { this->share_out(this->as(0), this->make_node(this->as(0))); }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    this->look(c, r.get());
    c.drop(r.take());
    if (i == 0) this->detach(0);
  }
};

// The owner leaves its object to the others without ever dropping it: what is left of the owner decides.
template <class H>
struct abandoned : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    this->share_out(this->as(0), this->make_node(this->as(0)));
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      c.drop(this->own(0));
      this->detach(0);
      this->attach(0);  // perhaps with the same id
      this->overwrite(this->at(0));
    } else {
      typename stage<H>::held r(this->own(i));
      this->look(c, r.get());
      typename stage<H>::held again(c.copy(r.get()));
      c.drop(r.take());
      this->look(c, again.get());
      c.drop(again.take());
    }
  }
};

// The owner merges its queue while another thread drops and a third one, or the same, takes new references.
template <class H>
struct merge_and_copy : stage<H> {
  using stage<H>::stage;
  void prepare() override { this->share_out(this->as(0), this->make_node(this->as(0))); }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    if (i == 0) {
      c.drop(r.take());
      c.poll();
      c.quiesce();
    } else if (i == 1) {
      typename stage<H>::held again(c.copy(r.get()));
      c.drop(r.take());
      c.drop(again.take());
    } else {
      c.drop(r.take());
      c.poll();
    }
  }
};

// The owner is in a blocked region, or just entering or leaving one, while others drop.
template <class H>
struct blocked_owner : stage<H> {
  using stage<H>::stage;
  void prepare() override { this->share_out(this->as(0), this->make_node(this->as(0))); }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    if (i == 0) {
      c.blocked([] {});
      this->look(c, r.get());
      typename stage<H>::held again(c.copy(r.get()));
      c.drop(r.take());
      c.blocked([] {});
      c.drop(again.take());
    } else {
      this->look(c, r.get());
      c.drop(r.take());
      c.poll();
    }
  }
};

// An object that a blocked owner holds up is dead before the owner is back.
template <class H>
struct freed_while_blocked : stage<H> {
  using stage<H>::stage;
  typename weak_of<H>::node weak{};
  tally::atomic<typename stage<H>::M, std::uint32_t, "done"> done;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held r(this->make_node(c));
    weak = c.downgrade(r.get());
    this->share_out(c, r.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      c.drop(this->own(0));
      c.blocked([this] { stage<H>::M::wait_until([this] { return done.load(std::memory_order_acquire) != 0; }); });
    } else if (i == 1) {
      c.drop(this->own(1));
      stage<H>::M::wait_until([&] {
        typename stage<H>::held r(c.upgrade(weak));
        if (!r) return true;
        c.drop(r.take());
        return false;
      });
      c.drop(weak);
      done.store(1, std::memory_order_release);
    } else {
      c.drop(this->own(2));
    }
  }
};

// The same with a child of the blocked owner's: the end of one object hands the next one in.
template <class H>
struct blocked_cascade : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held parent(this->make_node(c, 8)), child(this->make_node(c));
    c.store(c.get(parent.get()).next, child.take());
    this->share_out(c, parent.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    this->look(c, r.get(), 8);
    c.drop(r.take());
    if (i == 0) c.blocked([] {});
    c.poll();
  }
};

// An owner that has dropped all its references gets one back.
template <class H>
struct coming_back : stage<H> {
  using stage<H>::stage;
  typename stage<H>::mailbox mail;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held r(this->make_node(c));
    c.share(r.get());
    auto& other = this->as(1);
    for (int i = 1; i < this->threads_; ++i) this->mine_[static_cast<std::size_t>(i)] = other.pack(other.copy(r.get()));
    auto& again = this->as(0);
    this->mine_[0] = again.pack(r.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    if (i == 0) {
      c.drop(r.take());
      typename stage<H>::held back(c.unpack(mail.receive(c)));
      this->look(c, back.get());
      typename stage<H>::held again(c.copy(back.get()));
      c.drop(back.take());
      c.drop(again.take());
    } else if (i == 1) {
      mail.send(c.pack(c.copy(r.get())));
      this->look(c, r.get());
      c.drop(r.take());
    } else {
      c.drop(r.take());
    }
  }
};

// One thread's dead objects wait in the queue of another that makes and drops its own.
template <class H>
struct two_owners : stage<H> {
  using stage<H>::stage;
  std::array<std::optional<typename stage<H>::node_parcel>, 3> theirs;
  void prepare() override {
    for (int i = 0; i < this->threads_; ++i) {
      auto& c = this->as(i);
      typename stage<H>::held r(this->make_node(c, 10 + static_cast<std::uint64_t>(i)));
      theirs[static_cast<std::size_t>((i + 1) % this->threads_)] = c.pack(c.copy(r.get()));
      this->mine_[static_cast<std::size_t>(i)] = c.pack(r.take());
    }
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held own(this->own(i)), other(c.unpack(*theirs[static_cast<std::size_t>(i)]));
    this->look(c, other.get(), 10 + static_cast<std::uint64_t>((i + this->threads_ - 1) % this->threads_));
    c.drop(other.take());
    this->look(c, own.get(), 10 + static_cast<std::uint64_t>(i));
    c.drop(own.take());
    c.poll();
  }
};

// The id of an owner that is gone is given out again while others drop what it left.
template <class H>
struct id_reuse : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    this->share_out(this->as(0), this->make_node(this->as(0)));
    this->attaches_late(0);
  }
  void act(int i) override {
    if (i == 0) this->attach(0);
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    this->look(c, r.get());
    typename stage<H>::held again(c.copy(r.get()));
    c.drop(r.take());
    c.drop(again.take());
    if (i == 0) this->detach(0);
  }
};

// A thread that polls lets the others in.
template <class H>
struct polling : stage<H> {
  using stage<H>::stage;
  tally::atomic<typename stage<H>::M, std::uint32_t, "done"> done;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->make_node(c));
    if (i == 0) {
      stage<H>::M::wait_until([&] {
        c.poll();
        return done.load(std::memory_order_acquire) != 0;
      });
    } else {
      c.poll();
      if (i == 1) {
        this->reclaim_all(c);
        done.store(1, std::memory_order_release);
      }
    }
    this->look(c, r.get());
    c.drop(r.take());
  }
};

// Contexts come and go while objects are made and freed.
template <class H>
struct coming_and_going : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    for (int i = 0; i < this->threads_; ++i) this->attaches_late(i);
  }
  void act(int i) override {
    for (int round = 0; round < 2; ++round) {
      this->attach(i);
      auto& c = this->at(i);
      typename stage<H>::held r(this->make_node(c));
      this->look(c, r.get());
      c.poll();
      this->look(c, r.get());
      c.drop(r.take());
      this->detach(i);
    }
  }
};

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
