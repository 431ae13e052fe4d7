// The object of object programs, under any strategy. One type for all kinds, since a slot holds any of them: what differs is in its
// members. Where the strategy runs destructors, the objects that exist are a list, the youngest last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "harness/heap/object.hpp"
#include "harness/watch/watched_heap.hpp"

namespace tally {

// Whether a dead object's destructor runs. Who traces takes types without.
template <class H>
inline constexpr bool ends_objects = defers<H> || has_observers<H> || !collects_cycles<H>;

// In a list of all that exist.
class node_entry {
 public:
  node_entry() = default;
  node_entry(const node_entry&) = delete;
  node_entry& operator=(const node_entry&) = delete;
  void link_before(node_entry& end) {
    next_ = &end;
    previous_ = end.previous_ == nullptr ? &end : end.previous_;
    previous_->next_ = this;
    end.previous_ = this;
  }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
  }
  [[nodiscard]] node_entry* next() const { return next_; }

 private:
  node_entry *next_ = nullptr, *previous_ = nullptr;
};

// What exists, counted; of one heap.
struct node_books {
  node_entry end;  // of the list: next() is the first
  std::uint64_t made = 0, objects = 0, containers = 0, bytes = 0;
  node_books() { end.link_before(end); }
};

// Of a weak reference, what it refers to; of all others, who refers to it in that way.
template <class H, class Node>
struct weak_parts {};
template <class H, class Node>
  requires has_observers<H>
struct weak_parts<H, Node> {
  typename H::template observers<Node> watched;
  typename H::template observation<Node> watching;
};
template <class H, class Node>
  requires(!has_observers<H> && has_weak<H>)
struct weak_parts<H, Node> {
  typename H::template weak_slot<Node> refers;
};

struct node_facts {
  node_books* books = nullptr;
  std::uint64_t number = 0;
  new_object made_as;
  // What the object takes beside the strategy's own header: near enough for a limit.
  [[nodiscard]] std::uint64_t bytes() const { return 128 + std::uint64_t{8} * made_as.slots; }
};

// With a destructor, or trivial.
template <bool Ends>
struct node_life : node_facts, node_entry {
  explicit node_life(const node_facts& f) : node_facts(f) {
    link_before(books->end);
    ++books->objects;
    books->containers += is_container(made_as.kind);
    books->bytes += bytes();
  }
  ~node_life() {
    unlink();
    --books->objects;
    books->containers -= is_container(made_as.kind);
    books->bytes -= bytes();
  }
};
template <>
struct node_life<false> : node_facts {
  explicit node_life(const node_facts& f) : node_facts(f) {}
};

// Owner: whose finalize() and notify() are called.
template <class H, class Owner>
struct watched_node : node_life<ends_objects<H>> {
  using trailing = watched_node;
  using slot = typename H::template slot<watched_node>;

  Owner* owner;
  [[no_unique_address]] weak_parts<H, watched_node> weak;

  watched_node(Owner& o, const node_facts& f) : node_life<ends_objects<H>>(f), owner(&o) {}
  // Nobody's: without an end of its own.
  explicit watched_node(const node_facts& f) : node_life<ends_objects<H>>(f), owner(nullptr) {}

  [[nodiscard]] slot& at(std::uint32_t i) { return slots_behind<slot>(*this)[i]; }
  void each_slot(auto&& f) {
    if constexpr (!has_observers<H> && has_weak<H>) f(weak.refers);
    for (std::uint32_t i = 0; i < this->made_as.slots; ++i) f(at(i));
  }

  [[nodiscard]] auto& observers()
    requires has_observers<H>
  {
    return weak.watched;
  }
  [[nodiscard]] auto& observation()
    requires has_observers<H>
  {
    return weak.watching;
  }
  template <class C>
  void notify(C&)
    requires has_observers<H>
  {
    owner->notify(*this);
  }
  [[nodiscard]] bool has_finalizer() const
    requires has_finalizers<H>
  {
    return tally::has_finalizer(this->made_as.kind);
  }
  template <class C>
  void finalize(C& c, const typename C::template ref<watched_node>& self)
    requires has_finalizers<H>
  {
    if (has_finalizer()) owner->finalize(c, self);
  }
};

}  // namespace tally
