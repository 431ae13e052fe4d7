// The programs of programs.hpp that race on slots, and those that a stop, a collection or a parcel comes between.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

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
    this->reclaim_all(c);
  }
};

// Every value that was ever in the slot comes out of it exactly once.
template <class H>
struct slot_exchange : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  std::array<std::uint64_t, 3> got{};
  typename stage<H>::box_ref kept{};
  void prepare() override {
    slot_of_box<H>::prepare();
    auto& c = this->as(0);
    typename stage<H>::held_box b(this->own_box(0));
    this->boxes_[0] = c.pack(c.copy(b.get()));
    final_ = c.pack(b.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    typename stage<H>::held old(c.exchange(c.get(b.get()).slot, this->make_node(c, std::uint64_t{10} << (4 * i))));
    got[static_cast<std::size_t>(i)] = c.get(old.get()).value.load();
    c.drop(old.take());
    c.drop(b.take());
  }
  void finish() override {
    this->attach(0);
    auto& c = this->as(0);
    typename stage<H>::held_box b(c.unpack(*final_));
    typename stage<H>::held last(c.load(c.get(b.get()).slot));
    std::uint64_t sum = c.get(last.get()).value.load() + got[0] + got[1] + got[2], all = 7;
    for (int i = 0; i < this->threads_; ++i) all += std::uint64_t{10} << (4 * i);
    require(sum == all, "a value came out twice, or never");
    c.drop(last.take());
    c.drop(b.take());
  }

 private:
  std::optional<typename stage<H>::box_parcel> final_;
};

// Of those that replace the same value, one succeeds.
template <class H>
struct slot_one_winner : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  std::array<std::uint64_t, 3> replaced{};
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    typename stage<H>::held fresh(this->make_node(c, 10 + static_cast<std::uint64_t>(i))), old(c.load(slot));
    const std::uint64_t found = c.get(old.get()).value.load();
    if (c.compare_exchange(slot, old.get(), fresh.get())) {
      static_cast<void>(fresh.take());
      replaced[static_cast<std::size_t>(i)] = found;
      typename stage<H>::held now(c.load(slot));
      require(c.get(now.get()).value.load() != found, "the value that was replaced is still there");
      c.drop(now.take());
    } else {
      c.drop(fresh.take());
    }
    c.drop(old.take());
    c.drop(b.take());
  }
  void finish() override {
    std::uint64_t first = 0;
    for (const std::uint64_t r : replaced) first += r == 7 ? 1 : 0;
    require(first == 1, "not one thread replaced the first value");
    require(replaced[0] == 0 || (replaced[0] != replaced[1] && replaced[0] != replaced[2]), "a value was replaced twice");
    require(replaced[1] == 0 || replaced[1] != replaced[2], "a value was replaced twice");
  }
};

// Writers that retire one object after another, each of them seen by the other.
template <class H>
struct slot_retiring : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    for (int round = 0; round < 2; ++round) {
      typename stage<H>::held r(c.load(slot));
      if (r) {
        this->look(c, r.get());
        c.drop(r.take());
      }
      c.store(slot, this->make_node(c));
      c.quiesce();
    }
    c.drop(b.take());
  }
};

// The same with readers that attach just now: with new records, or with those of contexts that are gone.
template <class H, bool Again>
struct attaching : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  bool begins_attached(int i) override { return Again || i == 0; }
  void prepare() override {
    slot_of_box<H>::prepare();
    for (int i = 1; Again && i < this->threads_; ++i) this->attaches_late(i);
  }
  void act(int i) override {
    if (i != 0) this->attach(i);
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    auto& slot = c.get(b.get()).slot;
    if (i == 0) {
      c.store(slot, {});
      c.poll();
      this->reclaim_all(c);
    } else {
      typename stage<H>::held r(c.load(slot));
      if (r) {
        this->look(c, r.get());
        c.drop(r.take());
      }
    }
    c.drop(b.take());
    if (i != 0) this->detach(i);
  }
};
template <class H>
struct attaching_first : attaching<H, false> {
  using attaching<H, false>::attaching;
};
template <class H>
struct attaching_again : attaching<H, true> {
  using attaching<H, true>::attaching;
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
      typename stage<H>::held mine(c.load(slot));
      require(static_cast<bool>(mine), "what was just stored is not there");
      c.drop(mine.take());
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
      c.store(slot, this->make_node(c));
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

// More parcels than the sender has room for, so that what comes back is used again.
template <class H>
struct many_parcels : stage<H> {
  using stage<H>::stage;
  std::array<typename stage<H>::mailbox, 4> mail;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      for (std::size_t k = 0; k < mail.size(); ++k) mail[k].send(c.pack(this->make_node(c, 10 + k)));
      this->reclaim_all(c);
    } else if (i == 1) {
      for (std::size_t k = 0; k < mail.size(); ++k) {
        typename stage<H>::held r(c.unpack(mail[k].receive(c)));
        this->look(c, r.get(), 10 + k);
        auto again = c.pack(r.take());
        c.poll();
        typename stage<H>::held back(c.unpack(again));
        this->look(c, back.get(), 10 + k);
        c.drop(back.take());
      }
    } else {
      c.poll();
    }
  }
};

// A slot of an object that has seen collections is given one new object after another.
template <class H>
struct old_slots : stage<H> {
  using stage<H>::stage;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held parent(this->make_node(c));
    if (i == 0) {
      for (std::uint64_t v = 10; v < 12; ++v) {
        this->reclaim_all(c);
        c.store(c.get(parent.get()).next, this->make_node(c, v));
        this->reclaim_all(c);
        this->overwrite(c);
        require(c.peek(c.get(parent.get()).next)->value.load() == v, "the child is not what was written");
      }
    }
    c.poll();
    this->look(c, parent.get());
    c.drop(parent.take());
  }
};

// Refs of an immortal are copied and dropped by everybody.
template <class H>
struct immortals : stage<H> {
  using stage<H>::stage;
  typename stage<H>::node_ref forever{};
  typename weak_of<H>::node weak{};
  void prepare() override {
    auto& c = this->as(0);
    forever = this->make_node(c);
    if constexpr (has_weak<H>) weak = c.downgrade(forever);
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
  void finish() override {
    auto& c = this->as(0);
    c.release_immortal(forever);
    if constexpr (has_weak<H>) {
      require(!c.upgrade(weak), "a dead immortal was found alive");
      c.drop(weak);
    }
  }
};

}  // namespace tally::model
