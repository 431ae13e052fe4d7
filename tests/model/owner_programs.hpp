// The programs about owners: who merges what an owner counts when it is gone, blocked, or back with another life.
#pragma once

#include "tests/model/stage.hpp"

namespace tally::model {

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
  void prepare() override { this->share_out(this->as(0), this->make_node(this->as(0))); }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      c.drop(this->own(0));
      this->detach(0);
      this->attach(0);  // perhaps with the same id
      this->overwrite(this->at(0));
    } else {
      typename stage<H>::held r(this->own(i));
      this->use_up(c, r);
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
      this->await_death(c, weak);
      done.store(1, std::memory_order_release);
    } else {
      c.drop(this->own(2));
    }
  }
};

// Each of the others has an object of this owner's, and sees it die while the owner is blocked, or only polls: after it has
// emptied its queue once, so that what comes in must be noticed again.
template <class H, bool Blocked>
struct freed_at_once : stage<H> {
  using stage<H>::stage;
  std::array<typename weak_of<H>::node, 3> weak{};
  tally::atomic<typename stage<H>::M, int, "done"> done;
  void prepare() override {
    auto& c = this->as(0);
    for (int i = 1; i < this->threads_; ++i) {
      typename stage<H>::held r(this->make_node(c));
      weak[static_cast<std::size_t>(i)] = c.downgrade(r.get());
      this->mine_[static_cast<std::size_t>(i)] = c.pack(r.take());
    }
  }
  void act(int i) override {
    auto& c = this->at(i);
    const auto all_done = [this] { return done.load(std::memory_order_acquire) == this->threads_ - 1; };
    if (i != 0) {
      c.drop(this->own(i));
      this->await_death(c, weak[static_cast<std::size_t>(i)]);
      done.fetch_add(1, std::memory_order_acq_rel);
      return;
    }
    c.quiesce();
    if constexpr (Blocked) {
      c.blocked([&] { stage<H>::M::wait_until(all_done); });
    } else {
      stage<H>::M::wait_until([&] {
        c.poll();
        return all_done();
      });
    }
  }
};
template <class H>
struct each_freed_while_blocked : freed_at_once<H, true> {
  using freed_at_once<H, true>::freed_at_once;
};
template <class H>
struct each_freed_by_polls : freed_at_once<H, false> {
  using freed_at_once<H, false>::freed_at_once;
};

// A blocked owner's object with a child of its own: the end of one object hands the next one in.
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

// The owner gives all its references away. One is dropped and the object queued for it; the other is copied, and all copies come
// back: the owner drops more references than it has ever counted, one of them after a copy at the end of its count.
template <class H>
struct handed_back : stage<H> {
  using stage<H>::stage;
  std::array<typename stage<H>::mailbox, 3> mail;
  std::optional<typename stage<H>::node_parcel> to_drop, to_copy;
  void prepare() override {
    auto& c = this->as(0);
    typename stage<H>::held r(this->make_node(c));
    to_drop = c.pack(c.copy(r.get()));
    to_copy = c.pack(r.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    if (i == 0) {
      typename stage<H>::held first(c.unpack(mail[0].receive(c))), second(c.unpack(mail[1].receive(c))),
          third(c.unpack(mail[2].receive(c)));
      c.drop(first.take());
      c.drop(second.take());
      this->use_up(c, third);
      return;
    }
    if (i == 1) c.drop(c.unpack(*to_drop));
    if (i == this->threads_ - 1) {
      typename stage<H>::held r(c.unpack(*to_copy));
      mail[0].send(c.pack(c.copy(r.get())));
      mail[1].send(c.pack(c.copy(r.get())));
      mail[2].send(c.pack(r.take()));
    }
  }
};

// The same with the object in the queue from the start: the owner drops references that others have counted, while they drop
// theirs.
template <class H>
struct counted_by_others : stage<H> {
  using stage<H>::stage;
  std::array<std::optional<typename stage<H>::node_parcel>, 2> more;
  void prepare() override {
    auto& owner = this->as(0);
    typename stage<H>::held r(this->make_node(owner));
    auto dropped = owner.pack(owner.copy(r.get()));
    auto kept = owner.pack(r.take());
    auto& other = this->as(1);
    other.drop(other.unpack(dropped));
    typename stage<H>::held k(other.unpack(kept));
    for (auto& p : more) p = other.pack(other.copy(k.get()));
    this->share_out(other, k.take());
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held r(this->own(i));
    if (i == 0) {
      for (auto& p : more) c.drop(c.unpack(*p));
      this->use_up(c, r);
      c.poll();
    } else {
      this->look(c, r.get());
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

}  // namespace tally::model
