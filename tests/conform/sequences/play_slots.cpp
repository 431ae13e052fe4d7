// The player's steps on slots, shared slots and roots, and its borrows.
#include "tests/conform/sequences/player.hpp"

namespace tally::conform {

void player::load(int c, const held& from, int which, call how, const char* kind_of_slot) {
  if (!room(c) || (which == model::racy && !able_.shared_slots)) return;
  const int there = model_.at(from.object).slots[static_cast<std::size_t>(which)];
  say(c, "loads " + name(there) + " from " + kind_of_slot + name(from.object));
  if (which == model::plain) {
    const std::uint64_t stamp = perform({call::look_inside, c, from.cell});
    require(stamp == stamp_of(there), "a slot of " + name(from.object) + " holds another object");
  }
  const int to = refs_.take();
  const bool found = perform({how, c, from.cell, no_cell, to}) != 0;
  require(found == (there >= 0), "a load found " + std::string(found ? "something" : "null"));
  received(c, to, found, there, true);
}

void player::store(int c, const held& holder, int cell, int object, int which, call how) {
  if (object >= 0) model_.own(object);
  const int was = std::exchange(model_.at(holder.object).slots[static_cast<std::size_t>(which)], object);
  perform({how, c, holder.cell, cell});
  if (cell != no_cell) refs_.give(cell);
  if (was >= 0) model_.disown(was);
}

void player::compare_exchange(int c, const held& holder, const held& value, const held& expected) {
  if (!able_.shared_slots || refs_.left() < 4) return;
  auto& there = model_.at(holder.object).slots[model::racy];
  say(c, "compares shared " + name(holder.object) + "'s " + name(there) + " with " + name(expected.object) + ", for " +
             name(value.object));
  const int cell = value.object < 0 ? no_cell : copy_of(c, value);
  model_.share(value.object);
  const bool done = perform({call::compare_exchange, c, holder.cell, cell, expected.cell}) != 0;
  require(done == (there == expected.object), std::string("compare_exchange ") + (done ? "succeeded" : "failed"));
  if (done && value.object >= 0) model_.own(value.object);
  const int was = done ? std::exchange(there, value.object) : -1;
  if (was >= 0) model_.disown(was);
  if (!done && cell != no_cell) perform({call::drop, c, no_cell, cell});
  if (cell != no_cell) refs_.give(cell);
}

// Others act while the guard stands: the slot may change, and the object lose all its owners. Between them the holder of the
// guard may read a slot, which is a guard for a moment.
void player::borrow(int c, const held& from, int b) {
  if (!able_.borrow) return;
  const int there = model_.at(from.object).slots[model::racy];
  const int steps = able_.in_turn && anybody_else(c) ? b % 6 : 0;
  say(c, "borrows " + name(there) + " from shared " + name(from.object) + (steps > 0 ? " while" : ""));
  const std::function<void()> inside = [&] {
    ++guards_;
    if (steps > 0) others(c, steps);
    if (steps > 0 && b / 32 % 2 == 1) {
      load(c, from, model::racy, call::load_shared, "shared ");
      others(c, steps);
    }
    --guards_;
  };
  const std::uint64_t stamp = perform({call::borrow, c, from.cell, no_cell, no_cell, 0, &inside});
  require(stamp == stamp_of(there), "what was borrowed is not what was there any more");
}

void player::load_root(int c, int root) {
  if (!room(c)) return;
  const int there = roots_[static_cast<std::size_t>(root)], to = refs_.take();
  say(c, "loads " + name(there) + " from root " + std::to_string(root));
  require(perform({call::look_in_root, c, root}) == stamp_of(there), "a root holds another object");
  const bool found = perform({call::load_root, c, root, no_cell, to}) != 0;
  require(found == (there >= 0), "a load of a root found " + std::string(found ? "something" : "null"));
  received(c, to, found, there, true);
}

void player::store_root(int c, int root, const held& value) {
  const int cell = value.object < 0 ? no_cell : copy_of(c, value);
  say(c, "stores " + name(value.object) + " in root " + std::to_string(root));
  if (value.object >= 0) model_.own(value.object);
  model_.share(value.object);
  const int was = std::exchange(roots_[static_cast<std::size_t>(root)], value.object);
  perform({call::store_root, c, root, cell});
  if (cell != no_cell) refs_.give(cell);
  if (was >= 0) model_.disown(was);
}

}  // namespace tally::conform
