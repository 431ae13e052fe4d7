// Lists and dictionaries of the model runtime, a lane's own ones and those that lanes share.
//
// A list's items, and a dictionary's keys and values in turn, are in an array of their own, as in CPython, which here is an object:
// growing makes one and moves them. A shared container has its items in shared slots and does not grow: a read takes no lock, a write
// is under the container's. A read returns an owning ref, or null where there is no such item; a write says whether there was a place,
// and leaves null in the place of what it kept.
#pragma once

#include <algorithm>
#include <utility>

#include "harness/contract/guarded.hpp"
#include "workloads/interpreter_object.hpp"

namespace tally::workloads {

template <class H>
class interpreter_containers {
 public:
  using context = typename H::context;
  using object = interpreter_object<H>;
  using ref = typename H::template ref<object>;
  using kind = bytecode::kind;
  using mutex = typename H::memory::mutex;  // of the shared container; a program has one at most

  // With places for n items, none yet; a dictionary's are pairs. `into` owns it before it is complete, so that nothing is lost if memory
  // ends in between.
  static void make_container(context& c, kind what, std::uint32_t n, ref& into) {
    into = slotted<H>(c, what, 0, 1);
    if (n != 0) grow(c, c.get(into), n);
  }

  [[gnu::noinline]] static ref item(context& c, object& o, object& key) {
    switch (o.what) {
      case kind::list:
        if (!in_range(key, o.word.load())) return {};
        return c.load(array(c, o)->plain_slots()[key.word.load()]);
      case kind::tuple:
        if (!in_range(key, o.slots)) return {};
        return c.load(o.plain_slots()[key.word.load()]);
      case kind::dict: {
        object* const all = array(c, o);
        if (all == nullptr || all->slots == 0) return {};
        const std::uint32_t at = place(c, *all, key);
        return c.peek(all->plain_slots()[at]) == nullptr ? ref{} : c.load(all->plain_slots()[at + 1]);
      }
      default: return shared_item(c, o, key);
    }
  }
  [[gnu::noinline]] static bool store_item(context& c, mutex& lock, object& o, ref& key, ref& value) {
    switch (o.what) {
      case kind::list:
        if (!in_range(c.get(key), o.word.load())) return false;
        c.store(array(c, o)->plain_slots()[c.get(key).word.load()], std::exchange(value, ref{}));
        return true;
      case kind::dict: insert(c, o, key, value); return true;
      default: return store_shared(c, lock, o, shared_place(c, o, c.get(key)), value);
    }
  }
  static bool store_shared(context& c, mutex& lock, object& o, std::uint32_t at, ref& value) {
    if (at >= o.racies) return false;
    ref old{};
    {
      const auto hold = lock_in(c, lock);
      old = swap(c, o.racy_slots()[at], std::exchange(value, ref{}));
    }
    if (old) c.drop(old);
    return true;
  }

  static bool append(context& c, mutex& lock, object& o, ref& value) {
    if (o.what == kind::shared_list) {
      const auto hold = lock_in(c, lock);
      const std::uint64_t n = o.word.load();
      if (n == o.racies) return false;
      (void)swap(c, o.racy_slots()[n], std::exchange(value, ref{}));  // was null
      o.word.store(n + 1);
      return true;
    }
    if (o.what != kind::list) return false;
    const std::uint64_t n = o.word.load();
    const object* items = array(c, o);
    if (items == nullptr || n == items->slots) grow(c, o, std::max<std::uint32_t>(4, 2 * static_cast<std::uint32_t>(n)));
    set<H>(c, array(c, o)->plain_slots()[n], std::exchange(value, ref{}));
    o.word.store(n + 1);
    return true;
  }
  static ref pop(context& c, mutex& lock, object& o, bool first) {
    if (o.what == kind::shared_list) {
      const auto hold = lock_in(c, lock);
      const std::uint64_t n = o.word.load();
      if (n == 0 || first) return {};
      o.word.store(n - 1);
      return swap(c, o.racy_slots()[n - 1], ref{});
    }
    const std::uint64_t n = o.word.load();
    if (o.what != kind::list || n == 0) return {};
    auto* items = array(c, o)->plain_slots();
    ref out = c.take(items[first ? 0 : n - 1]);
    for (std::uint64_t i = 1; first && i < n; ++i) move(c, items[i], items[i - 1]);
    o.word.store(n - 1);
    return out;
  }
  // A key that is there already is the caller's still.
  static void insert(context& c, object& dict, ref& key, ref& value) {
    object* all = array(c, dict);
    const std::uint64_t n = dict.word.load();
    if (all == nullptr || 3 * (n + 1) > all->slots) {  // as in CPython, two thirds may be full
      grow(c, dict, std::max<std::uint32_t>(8, static_cast<std::uint32_t>(2 * n)));
      all = array(c, dict);
    }
    auto* at = all->plain_slots() + place(c, *all, c.get(key));
    if (c.peek(at[0]) == nullptr) {
      set<H>(c, at[0], std::exchange(key, ref{}));
      dict.word.store(n + 1);
    }
    set<H>(c, at[1], std::exchange(value, ref{}));
  }
  [[nodiscard]] static object* array(context& c, object& o) { return o.slots == 0 ? nullptr : c.peek(o.plain_slots()[0]); }

  // One object or equal ones; texts are interned.
  [[nodiscard]] static bool same(const object& a, const object& b) {
    return &a == &b || (a.what == kind::whole && b.what == kind::whole && a.word.load() == b.word.load());
  }

 private:
  static bool in_range(const object& key, std::uint64_t n) { return key.what == kind::whole && key.word.load() < n; }
  static std::uint64_t hash(const object& key) { return key.word.load() * 0x9e3779b97f4a7c15U >> 32; }
  // Where a key is, or would be.
  static std::uint32_t place(context& c, object& all, object& key) {
    const std::uint32_t pairs = all.slots / 2;
    for (auto i = static_cast<std::uint32_t>(hash(key) % pairs);; i = i + 1 == pairs ? 0 : i + 1) {
      const object* there = c.peek(all.plain_slots()[2 * i]);
      if (there == nullptr || same(*there, key)) return 2 * i;
    }
  }
  static void move(context& c, auto& from, auto& to) {
    ref moved = c.take(from);
    set<H>(c, to, moved);
  }
  [[gnu::noinline]] static void grow(context& c, object& o, std::uint32_t n) {
    const std::uint32_t places = o.what == kind::dict ? 2 * n : n;
    ref fresh = slotted<H>(c, kind::array, 0, places);
    if (object* const old = array(c, o)) {
      for (std::uint32_t i = 0; i < old->slots; i += o.what == kind::dict ? 2 : 1) {
        auto* from = old->plain_slots() + i;
        object* const key = c.peek(from[0]);
        if (key == nullptr) continue;
        auto* to = c.get(fresh).plain_slots() + (o.what == kind::dict ? place(c, c.get(fresh), *key) : i);
        move(c, from[0], to[0]);
        if (o.what == kind::dict) move(c, from[1], to[1]);
      }
    }
    set<H>(c, o.plain_slots()[0], fresh);
  }

  static std::uint32_t shared_place(context& c, object& o, object& key) {
    if (o.what == kind::shared_list && in_range(key, o.racies)) return static_cast<std::uint32_t>(key.word.load());
    for (std::uint32_t i = 0; o.what == kind::shared_dict && i < o.slots; ++i) {
      const auto at = static_cast<std::uint32_t>((key.word.load() + i) % o.slots);  // its keys are 0, 1 ...
      const object* there = c.peek(o.plain_slots()[at]);
      if (there != nullptr && same(*there, key)) return at;
    }
    return o.racies;
  }
  static ref shared_item(context& c, object& o, object& key) {
    const std::uint32_t at = shared_place(c, o, key);
    return at < o.racies ? c.load(o.racy_slots()[at]) : ref{};
  }
  static ref swap(context& c, auto& place, ref now) {
    if constexpr (has_shared_slot<H>) {
      return c.exchange(place, now);
    } else {
      ref old = c.take(place);
      c.store(place, now);
      return old;
    }
  }
};

}  // namespace tally::workloads
