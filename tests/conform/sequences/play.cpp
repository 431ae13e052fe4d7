// One sequence, played on a heap and on the model of owners beside it; steps on slots and weak refs are in files of their own.
#include "tests/conform/sequences/play.hpp"

#include "tests/conform/sequences/crashes.hpp"
#include "tests/conform/sequences/memory.hpp"
#include "tests/conform/sequences/player.hpp"

namespace tally::conform {

void player::go_on(std::size_t end) {
  end = std::min(end, s_.steps.size());
  while (at_ < end) {
    const step& one = s_.steps[at_++];
    const bool with_refs = needs_ref(static_cast<kind>(one.what));
    int c = one.who % s_.contexts;  // or the next one that can
    const auto unfit = [&] { return of(c).busy || (with_refs && of(c).refs.empty() && of(c).parcels.empty()); };
    for (int tried = 0; unfit() && tried < s_.contexts; ++tried) c = (c + 1) % s_.contexts;
    if (of(c).busy) continue;
    activate(c);
    take(one, c);
    check_live();
    check_refs(c);
  }
}

// Steps of the other contexts while c is busy.
void player::others(int c, int steps) {
  of(c).busy = true;
  ++depth_;
  go_on(at_ + static_cast<std::size_t>(steps));
  for (int other = 0; !able_.in_turn && other < s_.contexts; ++other) {
    if (of(other).attached && !of(other).busy) leave(other);
  }
  --depth_;
  of(c).busy = false;
}

bool player::anybody_else(int c) {
  for (int other = 0; other < s_.contexts; ++other) {
    if (other != c && !of(other).busy) return true;
  }
  return false;
}

void player::take(const step& one, int c) {
  switch (static_cast<kind>(one.what)) {
    case kind::make: return make(c);
    case kind::poll:
      say(c, "polls");
      perform({call::poll, c});
      return;
    case kind::quiesce:
      say(c, "quiesces");
      perform({call::quiesce, c});
      return;
    case kind::collect:
      if (!able_.collects) return;
      say(c, "collects");
      perform({call::collect, c});
      return;
    case kind::block: return block(c, one.b);
    case kind::leave: say(c, "leaves"); return leave(c);
    case kind::make_in_vain:
      say(c, "makes what throws");
      require(perform({call::make_in_vain, c}) != 0, "what a constructor threw did not come out of make");
      model_.make_in_vain();
      return;
    case kind::load_root: return load_root(c, one.a % roots_used);
    default: break;
  }
  if (able_.weak && !of(c).weaks.empty()) with_weak(static_cast<kind>(one.what), c, one);
  if (!of(c).refs.empty()) with_ref(static_cast<kind>(one.what), c, one);
}

void player::make(int c) {
  if (!room(c)) return;
  const int to = refs_.take(), object = model_.make();
  say(c, name(object) + " = make");
  perform({call::make, c, no_cell, no_cell, to, static_cast<std::uint64_t>(object)});
  of(c).refs.push_back({object, to});
}

void player::block(int c, int b) {
  const int steps = anybody_else(c) ? b % 6 : 0;
  say(c, steps > 0 ? "is blocked while" : "is blocked");
  const std::function<void()> inside = [&] { others(c, steps); };
  perform({call::blocked, c, no_cell, no_cell, no_cell, 0, &inside});
}

void player::with_ref(kind what, int c, const step& one) {
  auto& refs = of(c).refs;
  const std::size_t x = one.a % refs.size(), y = one.b % refs.size();
  const held first = refs[x], second = refs[y];
  // Which of two holds the other: the younger one. The same twice, or one time in eight: null.
  const held holder = first.object >= second.object ? first : second;
  const held value = holder.cell == first.cell ? second : first;
  const bool null = holder.object == value.object || one.b / 32 == 7;
  const int object = null ? -1 : value.object;
  auto& slots = model_.at(holder.object).slots;
  switch (what) {
    case kind::copy: {
      if (!room(c)) return;
      say(c, "copies " + name(first.object));
      refs.push_back({first.object, copy_of(c, first)});
      model_.own(first.object);
      return;
    }
    case kind::drop:
      say(c, "drops " + name(first.object));
      std::swap(refs[x], refs.back());
      return drop_last(c);
    case kind::give: give(c, x, one.b); return;
    case kind::drop_all:
      say(c, "drops all");
      while (!refs.empty()) drop_last(c);
      return;
    case kind::give_all:
      while (!refs.empty() && give(c, refs.size() - 1, one.b)) {}
      return;
    case kind::share:
      say(c, "shares " + name(first.object));
      perform({call::share, c, first.cell});
      return model_.share(first.object);
    case kind::load: return load(c, first, model::plain, call::load, "");
    case kind::load_shared: return load(c, first, model::racy, call::load_shared, "shared ");
    case kind::take: {
      if (!room(c)) return;
      const int held_there = std::exchange(model_.at(first.object).slots[model::plain], -1), to = refs_.take();
      say(c, "takes " + name(held_there) + " from " + name(first.object));
      const bool found = perform({call::take, c, first.cell, no_cell, to}) != 0;
      require(found == (held_there >= 0), "take found " + std::string(found ? "something" : "null"));
      return received(c, to, found, held_there, false);
    }
    case kind::store: {
      // A slot of a shared object holds shared objects only: the contract's rule.
      if (!null && model_.at(holder.object).shared && !model_.at(object).shared) {
        perform({call::share, c, value.cell});
        model_.share(object);
      }
      say(c, "stores " + name(object) + " in " + name(holder.object));
      store(c, holder, null ? no_cell : copy_of(c, value), object, model::plain, call::store);
      return;
    }
    case kind::store_shared:
      if (!able_.shared_slots) return;
      say(c, "stores " + name(object) + " in shared " + name(holder.object));
      store(c, holder, null ? no_cell : copy_of(c, value), object, model::racy, call::store_shared);
      return model_.share(object);
    case kind::exchange: {
      if (!able_.shared_slots || !room(c)) return;
      const int was = slots[model::racy], cell = null ? no_cell : copy_of(c, value), to = refs_.take();
      say(c, "exchanges shared " + name(holder.object) + "'s " + name(was) + " for " + name(object));
      if (!null) model_.own(object);
      model_.share(object);
      const bool found = perform({call::exchange, c, holder.cell, cell, to}) != 0;
      if (!null) refs_.give(cell);
      require(found == (was >= 0), "exchange found " + std::string(found ? "something" : "null"));
      model_.at(holder.object).slots[model::racy] = object;
      return received(c, to, found, was, false);
    }
    case kind::compare_exchange:
      return compare_exchange(c, holder, null ? held{-1, no_cell} : value,
                              one.a / 32 == 7 ? held{-1, no_cell} : refs[(x + y) % refs.size()]);
    case kind::borrow: return borrow(c, first, one.b);
    case kind::store_root: return store_root(c, one.a % roots_used, one.b / 32 == 7 ? held{-1, no_cell} : second);
    case kind::make_immortal: return make_immortal(c, first);
    case kind::release_immortal: return release_immortal(c, x);
    case kind::make_deferred: return make_deferred(c, first, one.b % 2 == 1);
    case kind::release_deferred: return release_deferred(c, x);
    case kind::downgrade: {
      if (!able_.weak || of(c).weaks.size() >= most_weaks) return;
      say(c, "downgrades " + name(first.object));
      const int to = weaks_.take();
      perform({call::downgrade, c, first.cell, no_cell, to});
      of(c).weaks.push_back({first.object, to});
      return;
    }
    case kind::load_weak: {
      if (!able_.weak || of(c).weaks.size() >= most_weaks) return;
      const int target = model_.at(first.object).weak_slot, to = weaks_.take();
      say(c, "loads weak " + name(target) + " from " + name(first.object));
      const bool found = perform({call::load_weak, c, first.cell, no_cell, to}) != 0;
      require(found == (target >= 0), "a load of a weak slot found " + std::string(found ? "something" : "null"));
      if (!found) return weaks_.give(to);
      of(c).weaks.push_back({target, to});
      return;
    }
    default: return;
  }
}

// Only while no other context can reach it, and once.
void player::make_immortal(int c, const held& h) {
  const auto is_it = [&h](const held& other) { return other.object == h.object; };
  if (!able_.immortals || model_.at(h.object).shared || immortals_.size() == most_immortals) return;
  if (std::ranges::any_of(immortals_, is_it) || std::ranges::any_of(deferred_, is_it)) return;
  say(c, "makes " + name(h.object) + " immortal");
  perform({call::make_immortal, c, h.cell});
  immortals_.push_back({h.object, copy_of(c, h)});
  model_.own(h.object);
}

// Only when nobody else uses it: all refs but the one kept here are c's, and end with it.
void player::release_immortal(int c, std::size_t x) {
  auto& refs = of(c).refs;
  const int object = refs[x].object;
  const auto is_it = [object](const held& h) { return h.object == object; };
  const auto which = std::ranges::find_if(immortals_, is_it);
  if (which == immortals_.end() || guards_ != 0 || model_.in_a_slot(object)) return;
  if (model_.at(object).owners != 1 + std::ranges::count_if(refs, is_it)) return;
  for (const held& h : refs) {
    if (is_it(h)) refs_.give(h.cell);
  }
  std::erase_if(refs, is_it);
  release(c, static_cast<std::size_t>(which - immortals_.begin()));
}

void player::release(int c, std::size_t which) {
  const held h = immortals_[which];
  immortals_.erase(immortals_.begin() + static_cast<std::ptrdiff_t>(which));
  say(c, "releases immortal " + name(h.object));
  perform({call::release_immortal, c, no_cell, h.cell});
  refs_.give(h.cell);
  model_.end(h.object);
}

// As make_immortal(). Kept by a parcel: that is counted.
void player::make_deferred(int c, const held& h, bool many_edges) {
  const auto is_it = [&h](const held& other) { return other.object == h.object; };
  if (!able_.deferred || model_.at(h.object).shared || deferred_.size() == most_immortals) return;
  if (std::ranges::any_of(immortals_, is_it) || std::ranges::any_of(deferred_, is_it)) return;
  say(c, "makes " + name(h.object) + " deferred" + (many_edges ? ", with many edges" : ""));
  perform({call::make_deferred, c, h.cell, no_cell, no_cell, many_edges ? 1U : 0U});
  deferred_.push_back(pack(c, {h.object, copy_of(c, h)}));
  model_.own(h.object);
}

// Refs that are not counted are c's, and dropped before; what is counted (slots, parcels) goes on owning it.
void player::release_deferred(int c, std::size_t x) {
  const int object = of(c).refs[x].object;
  const auto is_it = [object](const held& h) { return h.object == object; };
  const auto which = std::ranges::find_if(deferred_, is_it);
  if (which == deferred_.end() || guards_ != 0) return;
  for (int other = 0; other < s_.contexts; ++other) {
    if (other != c && std::ranges::any_of(of(other).refs, is_it)) return;
  }
  auto& refs = of(c).refs;
  for (auto h = std::ranges::find_if(refs, is_it); h != refs.end(); h = std::ranges::find_if(refs, is_it)) {
    std::swap(*h, refs.back());
    drop_last(c);
  }
  undefer(c, static_cast<std::size_t>(which - deferred_.begin()));
}

void player::undefer(int c, std::size_t which) {
  const held h = deferred_[which];
  deferred_.erase(deferred_.begin() + static_cast<std::ptrdiff_t>(which));
  say(c, "releases deferred " + name(h.object));
  const int to = refs_.take();
  perform({call::unpack, c, h.cell, no_cell, to});
  parcels_.give(h.cell);
  perform({call::release_deferred, c, no_cell, to});
  refs_.give(to);
  model_.disown(h.object);
}

bool player::give(int c, std::size_t x, int b) {
  if (s_.contexts == 1) return false;
  const int other = (c + 1 + b % (s_.contexts - 1)) % s_.contexts;
  if (of(other).refs.size() + of(other).parcels.size() >= most_refs + 4) return false;
  auto& refs = of(c).refs;
  const held h = refs[x];
  say(c, "gives " + name(h.object) + " to " + std::to_string(other));
  refs.erase(refs.begin() + static_cast<std::ptrdiff_t>(x));
  of(other).parcels.push_back(pack(c, h));
  if (of(other).attached && !of(other).busy) unpack(other);
  return true;
}

std::string play(const player_subject& of, const sequence& s, std::string* trace) {
  std::string what;
  const crashes_caught guard;
  const long before = blocks_held();
  const int signal = guard.call([&] {
    of.with_machine([&](machine& m) {
      try {
        player(m, of.able, s, trace).play();
        return true;
      } catch (const failure& f) {
        what = f.what();
        return false;
      }
    });
  });
  if (signal != 0) return "signal " + std::to_string(signal);
  if (what.empty() && blocks_held() != before)
    what = std::to_string(blocks_held() - before) + " blocks of memory outlive the heap";
  return what;
}

}  // namespace tally::conform
