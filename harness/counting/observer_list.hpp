// Weak references that are told: an observer is an object that another one's death is announced to.
//
// The observed object has a list of its observers, an observer its place in that list. The latest comes first. An observer that
// dies leaves the list; when the observed dies, the list is taken apart before anybody is told, so that no observer can still
// find it. By one thread at a time, but for first(). Source: [CPython], Objects/weakrefobject.c.
#pragma once

#include <cstdint>

#include "harness/memory/policy.hpp"

namespace tally {

// An observer's place, somewhere in its payload.
template <class M, class Header>
class observation_link {
 public:
  [[nodiscard]] Header* observer() const { return observer_.load(); }
  [[nodiscard]] Header* observed() const { return observed_.load(); }
  [[nodiscard]] observation_link* next() const { return next_.load(); }
  // It observes, or did so.
  [[nodiscard]] bool used() const { return observer_.load() != nullptr; }

 private:
  template <class, class>
  friend class observer_list;
  var<M, Header*, "weak"> observer_, observed_;
  var<M, observation_link*, "weak"> previous_, next_;
};

template <class M, class Header, class T>
struct observation : observation_link<M, Header> {
  using target = T;
};

// In the payload of what can be observed.
template <class M, class Header>
class observer_list {
 public:
  using link = observation_link<M, Header>;
  // Null: nobody observes, and nobody who did so will touch this list or its object any more. acquire: pairs with the release in
  // remove(), for who does not hold what orders the rest.
  [[nodiscard]] link* first() const { return first_.load(std::memory_order_acquire); }

  void add(link& l, Header& observer, Header& observed) {
    link* const old = first();
    l.observer_.store(&observer);
    l.observed_.store(&observed);
    l.previous_.store(nullptr);
    l.next_.store(old);
    if (old != nullptr) old->previous_.store(&l);
    first_.store(&l, std::memory_order_relaxed);  // relaxed: what shares the object orders this
  }
  // Of the observed object's list, which `l` is in.
  void remove(link& l) {
    link* const previous = l.previous_.load();
    link* const next = l.next_.load();
    l.observed_.store(nullptr);
    if (next != nullptr) next->previous_.store(previous);
    if (previous == nullptr) {
      first_.store(next, std::memory_order_release);  // last: pairs with the acquire in first()
    } else {
      previous->next_.store(next);
    }
  }
  // All of them, linked by next(): none observes any more.
  [[nodiscard]] link* take_apart() {
    link* const all = first();
    for (link* l = all; l != nullptr; l = l->next()) l->observed_.store(nullptr);
    first_.store(nullptr, std::memory_order_relaxed);  // relaxed: the object's own end, or a stop
    return all;
  }
  // For one that was taken out, in a list of the caller's.
  static void chain(link& l, link* next) { l.next_.store(next); }

 private:
  tally::atomic<M, link*, "weak"> first_;
};

}  // namespace tally
