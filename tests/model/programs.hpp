// The programs that every concurrent strategy is checked with: two or three threads, about three operations each, around one of
// the moments where counting schemes have been wrong. Each is an ordinary user of the contract; which strategies get it is a
// concept.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

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
      auto w = c.downgrade(parent.get()), v = c.copy(w), u = c.copy(w);
      c.drop(w);
      typename stage<H>::held again(c.upgrade(v));
      c.drop(v);  // two in a row: the second sees what the first wrote
      c.drop(u);
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
    this->use_up(c, r);
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
  std::array<typename stage<H>::mailbox, 6> mail;
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

// Others empty what one thread has packed, while it packs more: places of parcels come back to a thread that is looking for some.
template <class H>
struct returned_parcels : stage<H> {
  using stage<H>::stage;
  static constexpr std::size_t given = 5;  // with the thread's own, a whole number of the small chunks
  std::array<std::optional<typename stage<H>::node_parcel>, given> mail;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held r(this->make_node(c));
    for (auto& m : mail) m = c.pack(c.copy(r.get()));
    this->mine_[0] = c.pack(r.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      typename stage<H>::held r(this->own(0));
      std::array<std::optional<typename stage<H>::node_parcel>, 4> more;
      for (auto& m : more) m = c.pack(c.copy(r.get()));
      for (auto& m : more) {
        typename stage<H>::held back(c.unpack(*m));
        this->look(c, back.get());
        c.drop(back.take());
      }
      c.drop(r.take());
      return;
    }
    for (std::size_t k = static_cast<std::size_t>(i - 1); k < given; k += static_cast<std::size_t>(this->threads_ - 1)) {
      typename stage<H>::held r(c.unpack(*mail[k]));
      this->look(c, r.get());
      c.drop(r.take());
    }
  }
};

// Objects that fill the heap: each new one takes the place of a dead one, found by a collection that other threads' follow
// closely.
template <class H>
struct full_heap : stage<H> {
  using stage<H>::stage;
  using held_slab = hold<H, slab<H>>;
  void prepare() override {}
  void act(int i) override {
    auto& c = this->at(i);
    if (i != 0) {
      for (int k = 0; k < 2; ++k) this->reclaim_all(c);
      return;
    }
    c.drop(c.template make<slab<H>>({}, 9));  // three fill the heap: the first of the second pair is made by a collection
    for (std::uint64_t v = 10; v < 16; v += 2) {
      held_slab one(c.template make<slab<H>>({}, v)), two(c.template make<slab<H>>({}, v + 1));
      require(c.get(one.get()).value.load() == v && c.get(two.get()).value.load() == v + 1,
              "the payload is not what was written");
      c.drop(two.take());
      c.drop(one.take());
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

// One reconciles, and those who are at safepoints help. Each has logged what the others' blocks hold: a ref of the first one's
// object that it dropped, and one that it stored in an object of its own.
template <class H>
struct helped : stage<H> {
  explicit helped(int threads) : stage<H>(threads, 2) {}
  void prepare() override {
    auto& c = this->as(0);
    this->share_out(c, this->make_node(c));
  }
  void act(int i) override {
    auto& c = this->at(i);
    const auto value = static_cast<std::uint64_t>(10 + i);
    typename stage<H>::held common(this->own(i)), mine(this->make_node(c, value));
    c.store(c.get(mine.get()).next, c.copy(common.get()));
    c.drop(common.take());
    const auto p = c.pack(mine.take());
    if (i == 0) {
      c.quiesce();
    } else {
      c.poll();
      c.poll();
    }
    this->overwrite(c);
    require(c.peek(p).value.load() == value, "a packed object is not what was written");
    require(c.peek(c.peek(p).next)->value.load() == 7, "what it refers to is not what was written");
    c.drop(c.unpack(p));
  }
};

// Refs of an immortal are copied and dropped by everybody. With two threads it has no weak refs.
template <class H>
struct immortals : stage<H> {
  using stage<H>::stage;
  typename stage<H>::node_ref forever{};
  typename weak_of<H>::node weak{};
  void prepare() override {
    auto& c = this->as(0);
    forever = this->make_node(c);
    if constexpr (has_weak<H>) {
      if (this->threads_ == 3) weak = c.downgrade(forever);
    }
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
    // More than there were copies, as who reads a program's recording may do: one that is counted after all dies of it here.
    for (int k = 0; k < 20; ++k) c.drop(forever);
    this->look(c, forever);
    c.release_immortal(forever);
    if constexpr (has_weak<H>) {
      if (this->threads_ != 3) return;
      require(!c.upgrade(weak), "a dead immortal was found alive");
      c.drop(weak);
    }
  }
};

}  // namespace tally::model
