// The death of an object: how counting_context frees what is dead, and all that only it kept alive. Included by counting.hpp,
// which declares what is defined here.
#pragma once

#include <type_traits>
#include <utility>

#include "harness/counting/live.hpp"
#include "harness/heap/object.hpp"

namespace tally {

template <class Self, class Heap, class Header>
void counting_context<Self, Heap, Header>::reclaim(Header& dead) {
  retire(dead);
  dispose_retired();
}

template <class Self, class Heap, class Header>
template <class T>
void counting_context<Self, Heap, Header>::reclaim(Header& dead) {
  if (is_leaf<T>(dead)) return free_leaf<T>(dead);
  if (in_cascade_ || held_back(dead)) {
    retire(dead);
    return dispose_retired<T>();
  }
  live_.freed(dead.word.bytes());
  in_cascade_ = true;
  visit_and_destroy<T>(self(), &dead + 1);
  dispose_of<T>(dead);
  finish_all<T>();
}

template <class Self, class Heap, class Header>
template <class T>
inline void counting_context<Self, Heap, Header>::visit_slot(slot<T>& s) {
  Header* h = s.word.load();
  if (h == nullptr || !count_down<T>(*h)) return;
  if (is_leaf<T>(*h)) {
    free_leaf<T>(*h);
  } else {
    retire(*h);
  }
}

template <class Self, class Heap, class Header>
template <class T>
inline bool counting_context<Self, Heap, Header>::is_leaf(Header& h) {
  return !has_slots(*payload<T>(&h)) && !held_back(h);
}

template <class Self, class Heap, class Header>
inline bool counting_context<Self, Heap, Header>::held_back(const Header& h) {
  if constexpr (!by_epoch) return false;
  return h.word.flag() && !mutant<memory, "counting: an object that was in a slot is freed at once">();
}

template <class Self, class Heap, class Header>
template <class T>
inline void counting_context<Self, Heap, Header>::free_leaf(Header& h) {
  live_.freed(h.word.bytes());
  if constexpr (!std::is_trivially_destructible_v<T>) payload<T>(&h)->~T();
  dispose_of<T>(h);
}

template <class Self, class Heap, class Header>
inline void counting_context<Self, Heap, Header>::retire(Header& dead) {
  if constexpr (by_epoch) {
    if (held_back(dead)) {
      dead_list<memory> ready;
      if constexpr (memory::measured) live_.hold(held_cause::retired, static_cast<std::int64_t>(dead.word.bytes()));
      epochs_.retire(dead.word, ready);
      append_ready(ready);
      return;
    }
  }
  live_.freed(dead.word.bytes());
  dead.word.set_link(retired_);
  retired_ = &dead.word;
}

template <class Self, class Heap, class Header>
template <class T>
inline void counting_context<Self, Heap, Header>::dispose_retired() {
  if (in_cascade_) return;
  in_cascade_ = true;
  finish_all<T>();
}

template <class Self, class Heap, class Header>
template <class F>
inline void counting_context<Self, Heap, Header>::apart_from_cascade(F&& f) {
  object_word<memory>* const retired = std::exchange(retired_, nullptr);
  const bool in_cascade = std::exchange(in_cascade_, false);
  f();
  retired_ = retired;
  in_cascade_ = in_cascade;
}

template <class Self, class Heap, class Header>
template <class T>
inline void counting_context<Self, Heap, Header>::finish_all() {
  while (retired_ != nullptr) {
    Header& h = *reinterpret_cast<Header*>(retired_);  // the word comes first in it
    retired_ = h.word.template link<object_word<memory>>();
    finish<T>(h);
  }
  in_cascade_ = false;
}

template <class Self, class Heap, class Header>
template <class T>
inline void counting_context<Self, Heap, Header>::finish(Header& h) {
  const std::uint16_t type = h.word.type();
  if constexpr (!std::is_void_v<T>) {
    if (type == type_number<Self, T>) {
      visit_and_destroy<T>(self(), &h + 1);
      return dispose_of<T>(h);
    }
  }
  type_table<Self>::entries[type].visit(self(), &h + 1);
  self().dispose(h);
}

template <class Self, class Heap, class Header>
template <class T>
inline void counting_context<Self, Heap, Header>::dispose_of(Header& h) {
  if constexpr (counts_by_type<Self, T>) {
    if (self().template weak_decrement<T>(h)) self().give_back(&h);
  } else {
    self().dispose(h);
  }
}

// The payload is gone: the memory goes, or stays for as long as weak refs exist.
template <class Self, class Heap, class Header>
inline void counting_context<Self, Heap, Header>::dispose(Header& h) {
  if constexpr (tells_weak<Self>) {
    if (!self().only_weak(h)) [[unlikely]]
      return leave_to_weak(h);
    self().give_back(&h);
  } else if constexpr (counts_weak<Self>) {
    drop_weak(&h);
  } else {
    self().give_back(&h);
  }
}

template <class Self, class Heap, class Header>
std::size_t counting_context<Self, Heap, Header>::bytes_taken(Header* h) {
  if constexpr (Heap::own_heap) {
    return heap_.cells().cell_bytes(h);
  } else {
    return memory::block_bytes(h);
  }
}

template <class Self, class Heap, class Header>
inline void counting_context<Self, Heap, Header>::drop_weak(Header* h) {
  if (!self().weak_decrement(*h)) return;
  if constexpr (tells_weak<Self>) live_.hold(held_cause::weak, -static_cast<std::int64_t>(h->word.bytes()));
  self().give_back(h);
}

// Its word tells the size again, of the block: as a member of a list of the dead the object had a link there. Before the strong
// refs' weak ref goes, after which anybody may give the memory back.
template <class Self, class Heap, class Header>
void counting_context<Self, Heap, Header>::leave_to_weak(Header& h) {
  const std::size_t bytes = self().bytes_taken(&h);
  h.word.init(h.word.type(), bytes);
  live_.hold(held_cause::weak, static_cast<std::int64_t>(bytes));
  drop_weak(&h);
}

template <class Self, class Heap, class Header>
inline void counting_context<Self, Heap, Header>::append_ready(dead_list<memory>& ready) {
  if (ready.empty()) return;
  if constexpr (memory::measured) live_.hold(held_cause::retired, -ready.bytes);
  live_.freed(ready.objects, ready.bytes);
  ready.tail->set_link(retired_);
  retired_ = ready.head;
}

template <class Self, class Heap, class Header>
template <class F>
void counting_context<Self, Heap, Header>::reclaim_ready(F&& find) {
  dead_list<memory> ready;
  find(ready);
  append_ready(ready);
  dispose_retired();
}

}  // namespace tally
