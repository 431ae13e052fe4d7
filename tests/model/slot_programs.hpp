// The programs about shared slots: what is read while it is replaced and freed.
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
      for (int k = 0; k < 2; ++k) {  // the second with nothing between: the first one's end must not be its own
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

// Members go and leave what readers may still look at; who comes next takes it over, while another one goes.
template <class H>
struct leaving_behind : slot_of_box<H> {
  using slot_of_box<H>::slot_of_box;
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    c.store(c.get(b.get()).slot, this->make_node(c));
    c.drop(b.take());
    this->detach(i);
    if (i != 0) return;
    this->attach(0);
    this->at(0).quiesce();
  }
};

// A value is put back into the slot that it was in: who replaces it then sees what was written to it meanwhile.
template <class H>
struct slot_put_back : stage<H> {
  using stage<H>::stage;
  void prepare() override {
    auto& c = this->as(0);
    this->share_out(c, c.template make<box<H>>({}));
    auto& again = this->as(0);
    this->share_out(again, this->make_node(again));
  }
  void act(int i) override {
    auto& c = this->at(i);
    typename stage<H>::held_box b(this->own_box(i));
    typename stage<H>::held r(this->own(i));
    auto& slot = c.get(b.get()).slot;
    if (i == 0) {
      c.get(r.get()).value.store(9);
      c.store(slot, c.copy(r.get()));
    } else if (i == 1) {
      if (c.compare_exchange(slot, r.get(), {})) this->look(c, r.get(), 9);
    } else {
      c.poll();
    }
    c.drop(r.take());
    c.drop(b.take());
  }
};

}  // namespace tally::model
