// Where a program's variables are. In CPython they are in a dictionary, which is an object like any other: a full collection looks
// at it, and comes to what it holds by way of it, so that its place in a generation's list decides the order of other objects.
// So they are slots of an object where there are generations; elsewhere they are parcels.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "harness/cycles/gc_head.hpp"
#include "harness/watch/watched_node.hpp"

namespace tally {

template <class H>
concept has_collector = requires(H& h) { h.cycles().listen(nullptr); };
template <class H>
concept has_generations = has_collector<H> && requires(H& h) { h.cycles().freeze(); };

// A scan of stacks does not see parcels, and they stay while no context is attached.
template <class H, class Node>
class watched_variables {
  using context = typename H::context;
  using ref = typename H::template ref<Node>;

 public:
  void begin(H&, context&, std::size_t variables) { places_.resize(variables); }
  void end(H&, context&) {}
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool filled(context&, watched_variable v) { return places_[v].filled; }
  // Of one that is filled.
  [[nodiscard]] Node& peek(context& c, watched_variable v) { return const_cast<Node&>(c.peek(places_[v].it)); }
  // Consumes the ref, which may be null.
  void put(context& c, watched_variable v, ref r) {
    const held now = r ? held{c.pack(r), true} : held{};
    const held old = std::exchange(places_[v], now);
    if (old.filled) c.drop(c.unpack(old.it));
  }
  template <class Slot>
  static void store(context& c, Slot& place, ref r) {
    c.store(place, r);
  }
  // f sees the ref that the variable, which is filled, holds.
  template <class F>
  void with(context& c, watched_variable v, F&& f) {
    const ref r = c.unpack(places_[v].it);
    f(r);
    places_[v].it = c.pack(r);
  }

 private:
  struct held {
    typename H::template parcel<Node> it{};
    bool filled = false;
  };
  std::vector<held> places_;
};

template <class H, class Node>
  requires has_generations<H>
class watched_variables<H, Node> {
  using context = typename H::context;
  using ref = typename H::template ref<Node>;
  using head = gc_head<typename H::memory>;

 public:
  void begin(H& heap, context& c, std::size_t variables) {
    size_ = variables;
    space_ = hidden(c, static_cast<std::uint32_t>(variables));
    for (ref& t : tuples_) {
      t = hidden(c, 0);
      heap.cycles().untrack(head_of(t));
    }
    c.collect(2);  // it is as old as the interpreter
  }
  void end(H&, context& c) {
    for (ref& t : tuples_) c.drop(t);
    for (ref r : {space_, function_}) {
      if (r) c.drop(r);
    }
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool filled(context& c, watched_variable v) { return c.peek(at(c, v)) != nullptr; }
  [[nodiscard]] Node& peek(context& c, watched_variable v) { return *c.peek(at(c, v)); }
  void put(context& c, watched_variable v, ref r) { store(c, at(c, v), r); }
  // The interpreter's stack holds a new value until the old one is gone: what a finaliser does to the place meanwhile does not end it.
  template <class Slot>
  static void store(context& c, Slot& place, ref r) {
    if (!r) return c.store(place, r);
    c.store(place, c.copy(r));
    c.drop(r);
  }
  template <class F>
  void with(context& c, watched_variable v, F&& f) {
    f(ref{at(c, v).word.load()});
  }

  // The function that the program's text is made into: an object from the program's first moment on.
  void make_function(context& c) { function_ = hidden(c, 0); }
  // A tuple that somebody on the stack holds is looked at by collections that come meanwhile. Its making is counted elsewhere.
  void hold_tuple(H& heap) {
    if (held_++ < tuples_.size()) heap.cycles().track(head_of(tuples_[held_ - 1]));
  }
  void release_tuple(H& heap) {
    if (--held_ < tuples_.size()) heap.cycles().untrack(head_of(tuples_[held_]));
  }

 private:
  [[nodiscard]] ref hidden(context& c, std::uint32_t slots) {
    const new_object leaf{.kind = object_kind::leaf, .slots = slots, .name = 0, .target = 0};
    return c.template make<Node>(extent{.slots = slots}, node_facts{&books_, 0, leaf});
  }
  [[nodiscard]] auto& at(context& c, watched_variable v) { return c.get(space_).at(static_cast<std::uint32_t>(v)); }
  static head& head_of(const ref& r) { return *(reinterpret_cast<head*>(r.at) - 1); }

  node_books books_;  // of what no program sees
  std::size_t size_ = 0, held_ = 0;
  ref space_{}, function_{};
  std::array<ref, 64> tuples_{};  // as deep as deaths that tell of themselves are seen inside each other
};

}  // namespace tally
