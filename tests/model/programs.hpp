// The programs that every concurrent strategy is checked with: two or three threads, about three operations each, around one of the
// moments where counting schemes have been wrong. Each is an ordinary user of the contract; which strategies get it is a concept.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

template <class>
concept any_strategy = true;

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
    typename stage<H>::held r(this->make_node(c));
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
    c.drop(r.take());
    typename stage<H>::held again(c.upgrade(w));
    if (again) {
      this->look(c, again.get());
      c.drop(again.take());
    }
    c.drop(w);
  }
};

// A slot that threads race on: reads while the value read is replaced and freed.
template <class H>
struct slot_of_box : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held_box b(c.template make<box<H>>({}));
    c.store(c.get(b.get()).slot, this->make_node(c));
    this->share_out(c, b.take());
  }
};

template <class H>
struct slot_load_and_store : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    if (i == 0) {
      c.store(slot, {});
      reclaim_all(c);
      this->overwrite(c);
    } else if (i == 1) {
      typename stage<H>::held r(c.load(slot));
      if (r) {
        this->look(c, r.get());
        c.poll();
        this->look(c, r.get());
        c.drop(r.take());
      }
    } else {
      typename stage<H>::held old(c.exchange(slot, this->make_node(c)));
      if (old) {
        this->look(c, old.get());
        c.drop(old.take());
      }
    }
    c.drop(b.take());
  }
  using stage<H>::reclaim_all;
};

template <class H>
struct slot_compare_exchange : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    typename stage<H>::held fresh(this->make_node(c));
    typename stage<H>::held old(c.load(slot));
    if (c.compare_exchange(slot, old.get(), fresh.get())) {
      static_cast<void>(fresh.take());
    } else {
      c.drop(fresh.take());
    }
    if (old) {
      this->look(c, old.get());
      c.drop(old.take());
    }
    c.drop(b.take());
  }
};

// What another thread finds through a published object is as its maker left it.
template <class H>
struct publication : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    auto& c = this->as(0);
    this->share_out(c, c.template make<box<H>>({}));
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    if (i == 0) {
      typename stage<H>::held parent(this->make_node(c, 8)), child(this->make_node(c));
      c.store(c.get(parent.get()).next, c.copy(child.get()));
      c.store(slot, parent.take());
      this->look(c, child.get());
      c.drop(child.take());
    } else if (i == 1) {
      typename stage<H>::held parent(c.load(slot));
      if (parent) {
        this->look(c, parent.get(), 8);
        typename stage<H>::held child(c.load(c.get(parent.get()).next));
        c.drop(parent.take());
        this->look(c, child.get());
        c.poll();
        this->look(c, child.get());
        c.drop(child.take());
      }
    } else {
      this->reclaim_all(c);
      this->overwrite(c);
    }
    c.drop(b.take());
  }
};

// What is borrowed stays, though the slot is overwritten and everything freed that can be.
template <class H>
struct borrowing : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    if (i == 0) {
      c.store(slot, {});
      this->reclaim_all(c);
      this->overwrite(c);
    } else if (i == 1) {
      {
        auto guard = c.borrow(slot);
        if (auto* n = guard.get()) {
          require(n->value.load() == 7, "the payload is not what was written");
        }
      }
      c.poll();
    } else {
      c.quiesce();
      c.quiesce();
    }
    c.drop(b.take());
  }
};

// A parent dies while a thread that has a reference of its child drops it.
template <class H>
struct cascade : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held parent(this->make_node(c, 8)), child(this->make_node(c));
    for (int i = 1; i < this->threads_; ++i) this->mine_[static_cast<std::size_t>(i)] = c.pack(c.copy(child.get()));
    c.share(child.get());
    c.store(c.get(parent.get()).next, child.take());
    this->mine_[0] = c.pack(parent.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    this->look(c, r.get(), i == 0 ? 8 : 7);
    c.drop(r.take());
    c.poll();
  }
};

// Collections, or what comes nearest, while others are blocked, run, and hold what only their stacks know of.
template <class H>
struct safepoints : stage<H> {
  using stage<H>::stage;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->make_node(c));
    if (i == 0) {
      this->reclaim_all(c);
      this->overwrite(c);
    } else if (i == 1) {
      c.blocked([] {});
    } else {
      c.poll();
    }
    this->look(c, r.get());
    c.poll();
    this->look(c, r.get());
    c.drop(r.take());
  }
};

// A ref travels as a parcel while the world is stopped.
template <class H>
struct travelling : stage<H> {
  using stage<H>::stage;
  typename stage<H>::mailbox mail;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      mail.send(c.pack(this->make_node(c)));
      this->reclaim_all(c);
      this->overwrite(c);
    } else if (i == 1) {
      typename stage<H>::held r(c.unpack(mail.receive(c)));
      this->look(c, r.get());
      c.poll();
      this->look(c, r.get());
      c.drop(r.take());
    } else {
      this->reclaim_all(c);
    }
  }
};

// Refs of an immortal are copied and dropped by everybody.
template <class H>
struct immortals : stage<H> {
  using stage<H>::stage;
  typename stage<H>::node_ref forever{};
  void prepare() override {
    auto& c = this->as(0);
    forever = this->make_node(c);
    c.make_immortal(forever);
    this->share_out(c, c.copy(forever));
  }
  void act(int i) override {
    auto& c = this->at(i);
    auto r = this->own(i);
    this->look(c, r);
    auto again = c.copy(r);
    c.drop(r);
    this->look(c, again);
    c.drop(again);
  }
  void finish() override { this->as(0).release_immortal(forever); }
};

}  // namespace tally::model
