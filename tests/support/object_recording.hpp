// A program of objects with slots, drawn from a seed and recorded: it rewires, lets go, and leaves cycles behind.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "harness/trace/recorder.hpp"

namespace tally::testing {

// Counts as a program does that frees by counting: what dies drops its slots one after the other, and each drop is recorded.
class recorded_objects {
 public:
  explicit recorded_objects(recorder& r) : record(r) {}
  struct object {
    int references = 1;
    std::vector<object*> slots;
  };

  object* make(std::size_t slots, std::size_t bytes = 64) {
    object* const o = unused_.empty() ? &all_.emplace_back() : unused_.back();
    if (!unused_.empty()) unused_.pop_back();
    *o = {.slots = std::vector<object*>(slots)};
    record.birth(o, bytes, true, slots);
    ++alive;
    return o;
  }
  void take(object* o) {
    record.increment(o);
    ++o->references;
  }
  void drop(object* o) {
    record.decrement(o);
    if (--o->references != 0) return;
    --alive;
    for (object*& in_slot : o->slots) {
      if (in_slot != nullptr) drop(std::exchange(in_slot, nullptr));
    }
    unused_.push_back(o);
  }
  void write(object* o, std::size_t slot, object* to) {
    if (to != nullptr) take(to);
    record.store(o, slot, to);
    if (object* const old = std::exchange(o->slots[slot], to); old != nullptr) drop(old);
  }

  recorder& record;
  int alive = 0;

 private:
  std::deque<object> all_;
  std::vector<object*> unused_;  // dead: an address is used again
};

// What is alive when all that the program holds is dropped at its end, or (held) before that.
struct random_objects {
  int leaked = 0;
};
inline random_objects record_random_objects(recorder& r, unsigned seed, int steps, bool drop_all) {
  recorded_objects objects(r);
  std::mt19937 random(seed);
  std::array<recorded_objects::object*, 16> window{};
  for (auto& o : window) o = objects.make(3);
  for (int i = 0; i < steps; ++i) {
    auto& at = window[random() % window.size()];
    switch (random() % 8) {
      case 0: objects.drop(std::exchange(at, objects.make(random() % 4))); break;
      case 1:
        objects.take(at);
        objects.drop(at);
        break;
      case 2:
        if (!at->slots.empty()) objects.write(at, random() % at->slots.size(), nullptr);
        break;
      default:
        if (!at->slots.empty()) objects.write(at, random() % at->slots.size(), window[random() % window.size()]);
    }
  }
  if (drop_all) {
    for (auto* o : window) objects.drop(o);
  }
  return {.leaked = objects.alive};
}

}  // namespace tally::testing
