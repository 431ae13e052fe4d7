// A collection. Included by cyclic_context.hpp, which declares what is defined here.
//
// Three passes over what is looked at: counts are copied; each reference that one object of it holds of another is taken from
// the copy; what has something left is held from outside, and so is what it holds. No recursion, no memory beside the gc_heads.
// A collector by candidates looks at these and, as it goes, at what they reach.
// What remains is garbage: observers outside of it are told, finalisers run, and what these revived is found by the same three
// passes over the garbage; the slots of the rest are emptied, and counting does what is left to do.
//
// By a thread that runs alone (generations): what dies while finalisers run leaves its list by itself. In stops (stopped_world):
// all passes are made in two of them; between and after them other threads run, and all that is garbage is held by one
// reference of the collection's, so that nothing of it dies early.
// Source: [CPython], Modules/gcmodule.c and Python/gc_free_threading.c.
#pragma once

#include "harness/cycles/gc_head.hpp"

namespace tally {

template <class Self, class Heap, class Header>
struct cyclic_context<Self, Heap, Header>::collection {
  using list = gc_list<memory>;
  cyclic_context& c;
  list garbage{}, rest{};  // rest: that stays garbage when finalisers have run
  list told{};             // observers to be told, each with a reference of ours
  std::uint64_t looked_at = 0;

  // Moves what is unreachable of `all` to `into`, where it is collecting still. `ours`: references of the collection's.
  void deduce(list& all, list& into, std::uint64_t ours) {
    all.for_each([&](head& g) { g.begin(c.self().count_of(header_of(g)) - ours); });
    all.for_each_from(*all.first(), [this](head& g) {
      ++looked_at;
      rites_of(header_of(g)).find(c.self(), behind(&header_of(g)));
    });
    c.holding_ = &all;
    all.split(into, [this](head& g) { rites_of(header_of(g)).hold(c.self(), behind(&header_of(g))); });
  }

  // No observer may find what is about to be taken apart, and none that is garbage itself is told.
  void unhook_observers() {
    garbage.for_each([&](head& g) {
      Header& h = header_of(g);
      void* object = behind(&h);
      const rites& r = rites_of(h);
      if (r.observation != nullptr) c.leave_observed(*r.observation(object));
      if (r.observers == nullptr) return;
      for (observer_link *l = r.observers(object)->take_apart(), *next = nullptr; l != nullptr; l = next) {
        next = l->next();
        head& observer = head_of(*l->observer());
        if (observer.collecting()) continue;
        // Dying: its end has begun, on a thread that is stopped in what it runs.
        if (c.self().count_of(*l->observer()) == 0) continue;
        c.hold_garbage(*l->observer());
        c.cycles().untrack(observer);
        told.append(observer);
      }
    });
    garbage.for_each([](head& g) { g.end(); });
  }
  // Returns how many objects this ended; leave(head) takes each back before.
  template <class Leave>
  std::uint64_t tell_observers(Leave&& leave) {
    std::uint64_t ended = 0;
    while (!told.empty()) {
      head& g = *told.first();
      Header& observer = header_of(g);
      c.tell_one(observer);
      leave(g);
      if (!c.self().decrement(observer)) continue;
      c.reclaim(observer);
      ++ended;
    }
    return ended;
  }

  // Of each that is garbage. `held`: each has a reference of ours already.
  void run_finalizers(bool held) {
    list done;
    while (!garbage.empty()) {
      head& g = *garbage.first();
      Header& h = header_of(g);
      done.move_here(g);
      const rites& r = rites_of(h);
      if (r.finalize == nullptr || h.word.finalized()) continue;
      h.word.set_finalized();
      if (!held) c.self().increment(h);
      note_delay<memory, delay::finalizer>();
      r.finalize(c.self(), h);
      if (!held && c.self().decrement(h)) c.reclaim(h);
    }
    garbage.merge(done);
  }

  // See taken_apart().
  void condemn() {
    rest.for_each([](head& g) {
      g.end();
      header_of(g).word.set_flag();
    });
  }
  // Empties the slots of what is in `rest`. Each is taken out of the list by leave(head) before what ends it is dropped.
  template <class Leave>
  void clear(bool held, Leave&& leave) {
    while (!rest.empty()) {
      head& g = *rest.first();
      Header& h = header_of(g);
      if (!held) c.self().increment(h);
      leave(g);
      rites_of(h).clear(c.self(), behind(&h));
      if (c.self().decrement(h)) c.reclaim(h);
    }
  }

  static std::uint64_t count(list& of) {
    std::uint64_t n = 0;
    of.for_each([&n](head&) { ++n; });
    return n;
  }
};

template <class Self, class Heap, class Header>
std::uint64_t cyclic_context<Self, Heap, Header>::run_collection(int generation, bool asked) {
  if constexpr (collector::in_stops) {
    return collect_in_stops(generation, asked);
  } else {
    return collect_here(generation);
  }
}

template <class Self, class Heap, class Header>
void cyclic_context<Self, Heap, Header>::note(int generation, std::uint64_t looked_at, std::uint64_t unreachable) {
  collector_totals& all = cycles().totals;
  note_delay<memory, delay::collection>();
  ++all.collections[static_cast<std::size_t>(generation)];
  all.looked_at += looked_at;
  all.unreachable += unreachable;
  if (cycles().listener() != nullptr) cycles().listener()->collected(generation, unreachable);
}

template <class Self, class Heap, class Header>
std::uint64_t cyclic_context<Self, Heap, Header>::collect_here(int generation) {
  collector& all = cycles();
  if (all.collecting()) return 0;
  note_periodic<memory, "collection">();
  const std::uint64_t begun = memory::now();
  gc_list<memory>& seen = all.begin(generation, [this](head& g) { rites_of(header_of(g)).visit(self(), behind(&header_of(g))); });
  const auto leave = [&](head& g) { all.keep(generation, g); };
  collection one{*this};
  if constexpr (collector::by_candidates) self().reach_into(&seen);
  one.deduce(seen, one.garbage, 0);
  if constexpr (collector::by_candidates) self().reach_into(nullptr);
  const std::uint64_t looked_at = one.looked_at;
  all.survived(generation, seen, looked_at - collection::count(one.garbage));
  one.unhook_observers();
  std::uint64_t unreachable = one.tell_observers(leave);
  one.run_finalizers(false);
  one.deduce(one.garbage, one.rest, 0);
  while (!one.garbage.empty()) leave(*one.garbage.first());  // revived
  unreachable += collection::count(one.rest);
  one.condemn();
  one.clear(false, leave);  // where it stays if somebody holds it still
  all.completed(generation);
  all.totals.pauses.record(memory::now() - begun);
  note(generation, looked_at, unreachable);
  all.end();
  return unreachable;
}

template <class Self, class Heap, class Header>
std::uint64_t cyclic_context<Self, Heap, Header>::collect_in_stops(int generation, bool asked) {
  if (local_.collecting) return 0;
  std::uint64_t unreachable = 0;
  cycles().in_turn(local_, asked, [&] {
    note_periodic<memory, "collection">();
    std::uint64_t looked_at = 0;
    collection one{*this};
    Header* settled = nullptr;
    // A pause is from the wish to stop: for who runs until its next safepoint it has begun.
    const auto stop = [this](auto&& f) {
      const std::uint64_t begun = memory::now();
      cycles().stop(local_, f);
      cycles().totals.pauses.record(memory::now() - begun);
    };
    stop([&] {
      if constexpr (requires { self().settle_counts([](Header&) {}); }) {
        settled = self().settle_counts([this](Header& h) { set_aside(h); });
      }
      gc_list<memory> all;
      this->heap_.cells().for_each_cell([&all](auto& first_word) {
        if (auto& g = reinterpret_cast<head&>(first_word); g.marked()) all.append(g);
      });
      one.deduce(all, one.garbage, 0);
      looked_at = one.looked_at;
      all.for_each([](head& g) { collector::track(g); });
      cycles().survived(looked_at - collection::count(one.garbage));
      one.garbage.for_each([this](head& g) { hold_garbage(header_of(g)); });
      one.unhook_observers();
    });
    if constexpr (requires { self().reclaim_settled(settled); }) self().reclaim_settled(settled);
    const auto leave = [](head& g) {
      gc_list<memory>::remove(g);
      collector::track(g);
    };
    unreachable = one.tell_observers(leave);
    one.run_finalizers(true);
    stop([&] {
      if (mutant<memory, "cycles: what was revived is taken apart">()) one.rest.merge(one.garbage);
      one.deduce(one.garbage, one.rest, 1);
      one.condemn();
    });
    unreachable += collection::count(one.rest);
    while (!one.garbage.empty()) {  // revived
      head& g = *one.garbage.first();
      leave(g);
      if (self().decrement(header_of(g))) reclaim(header_of(g));
    }
    one.clear(true, leave);
    note(generation, looked_at, unreachable);
  });
  return unreachable;
}

}  // namespace tally
