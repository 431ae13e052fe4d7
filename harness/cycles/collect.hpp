// A collection of the generational collector. Included by cyclic_context.hpp, which declares what is defined here.
//
// Three passes over what is looked at: counts are copied; each reference that one object of it holds of another is taken from
// the copy; what has something left is held from outside, and so is what it holds. No recursion, no memory beside the gc_heads.
// What remains is garbage: observers outside of it are told, finalisers run, and what these revived is found by the same three
// passes over the garbage; the slots of the rest are emptied, and counting does what is left to do.
// Source: [CPython], Modules/gcmodule.c.
#pragma once

#include "harness/cycles/cyclic_context.hpp"

namespace tally {

template <class Self, class Heap, class Header>
struct cyclic_context<Self, Heap, Header>::collection {
  using list = gc_list<memory>;
  cyclic_context& c;
  int generation;
  list& from;   // what is looked at
  list& older;  // where survivors go
  list garbage{};
  std::uint64_t looked_at = 0;

  // Moves what is unreachable of `all` to `into`, where it is collecting still.
  void deduce(list& all, list& into) {
    all.for_each([this](head& g) {
      ++looked_at;
      g.begin(c.self().count_of(header_of(g)));
    });
    // `prev` is not the neighbour now; for_each does not look at it.
    all.for_each([this](head& g) { rites_of(header_of(g)).find(c.self(), behind(&header_of(g))); });
    c.holding_ = &all;
    all.split(into, [this](head& g) { rites_of(header_of(g)).hold(c.self(), behind(&header_of(g))); });
  }

  // No weak reference may find what is about to be taken apart. Observers that are garbage themselves are not told.
  // Returns how many objects this ended.
  std::uint64_t tell_observers() {
    list told;
    garbage.for_each([&](head& g) {
      Header& h = header_of(g);
      void* object = behind(&h);
      const rites& r = rites_of(h);
      if (r.observation != nullptr) {
        observer_link& mine = *r.observation(object);
        if (Header* observed = mine.observed(); observed != nullptr)
          rites_of(*observed).observers(behind(observed))->remove(mine);
      }
      if (r.observers == nullptr) return;
      for (observer_link *l = r.observers(object)->take_apart(), *next = nullptr; l != nullptr; l = next) {
        next = l->next();
        Header& observer = *l->observer();
        if (head_of(observer).collecting()) continue;
        c.self().increment(observer);
        told.move_here(head_of(observer));
      }
    });
    garbage.for_each([](head& g) { g.end(); });
    std::uint64_t ended = 0;
    while (!told.empty()) {
      head& g = *told.first();
      Header& observer = header_of(g);
      c.tell_one(observer);
      list seen;  // it may go, but not to a list that ends before it does
      seen.move_here(g);
      if (c.self().decrement(observer)) c.reclaim(observer);
      if (seen.empty()) {
        ++ended;
      } else {
        older.move_here(g);
      }
    }
    return ended;
  }

  void run_finalizers() {
    list done;
    while (!garbage.empty()) {
      head& g = *garbage.first();
      Header& h = header_of(g);
      done.move_here(g);
      const rites& r = rites_of(h);
      if (r.finalize == nullptr || h.word.finalized()) continue;
      h.word.set_finalized();
      c.self().increment(h);
      c.delays_.add(delay::finalizer);
      r.finalize(c.self(), h);
      if (c.self().decrement(h)) c.reclaim(h);
    }
    garbage.merge(done);
  }

  void clear(list& rest) {
    while (!rest.empty()) {
      head& g = *rest.first();
      Header& h = header_of(g);
      list one;
      one.move_here(g);
      c.self().increment(h);
      rites_of(h).clear(c.self(), behind(&h));
      if (c.self().decrement(h)) c.reclaim(h);
      if (!one.empty()) older.move_here(g);  // somebody holds it still
    }
  }

  std::uint64_t run() {
    deduce(from, garbage);
    const std::uint64_t found = count(garbage);
    c.cycles().survived(generation, looked_at - found);
    if (garbage.empty()) return 0;
    std::uint64_t unreachable = tell_observers();
    run_finalizers();
    list rest;
    deduce(garbage, rest);
    rest.for_each([](head& g) { g.end(); });
    older.merge(garbage);  // revived
    unreachable += count(rest);
    clear(rest);
    return unreachable;
  }
  static std::uint64_t count(list& of) {
    std::uint64_t n = 0;
    of.for_each([&n](head&) { ++n; });
    return n;
  }
};

template <class Self, class Heap, class Header>
std::uint64_t cyclic_context<Self, Heap, Header>::collect(int generation) {
  generations<memory>& all = cycles();
  if (all.collecting()) return 0;
  note_periodic<memory, "collection">();
  const std::uint64_t begun = memory::now();
  all.begin(generation);
  auto& older = all.of(std::min(generation + 1, generations<memory>::oldest));
  collection one{*this, generation, all.of(generation), older};
  const std::uint64_t unreachable = one.run();
  if (all.listener() != nullptr) all.listener()->collected(generation, unreachable);
  all.end();
  ++all.totals.collections[static_cast<std::size_t>(generation)];
  all.totals.looked_at += one.looked_at;
  all.totals.unreachable += unreachable;
  all.totals.pauses.record(memory::now() - begun);
  delays_.add(delay::collection);
  return unreachable;
}

}  // namespace tally
