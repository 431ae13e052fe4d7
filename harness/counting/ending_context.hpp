// A counting context whose objects may have ends that somebody sees: a finaliser, observers.
//
// The strategy supplies one hook more than counting.hpp asks for:
//
//   void revive(header&)            a dead object gets one reference: the caller's. Nobody else can get one of an object whose count
//                                   is 0, so that this needs no order. (A template over the type where init is one)
//
// and allow_racy_reads, as there, where its try_increment is safe only if it was announced.
//
// The order of one end: finaliser (with a reference of its own; if that is not the last one afterwards, the object lives),
// observers, slots, destructor, memory. What the object held dies inside its end, in the order of its slots, each whole before the
// next, as in CPython; objects without an end that it held, by a cascade for each slot. Inside a cascade (counting_deaths.hpp)
// what has an end ends where it is found, by the thread and in the operation that found it.
//
// Ends run inside each other, since the code of the program that they run may drop what it likes. Beyond a depth what is dead is put
// on a list that is worked off where no end runs any more, finalisers included: memory and stack that a chain of any length takes are
// constant. A dead object's own word has no place for that link, whose bytes say how large it is, and its counts must stay 0
// for those who upgrade; so an object that has an end is one word larger (link_of).
//
// What collects cycles (cycles/cyclic_context.hpp) is a layer above, where all objects end in this way.
//
// Progress: an end takes as long as what its finaliser and its observers do.
// Source: [CPython], Objects/typeobject.c and Objects/object.c.
#pragma once

#include <utility>

#include "harness/counting/counting.hpp"
#include "harness/counting/end_rites.hpp"

namespace tally {

template <class Self, class Heap, class Header>
class ending_context : public counting_context<Self, Heap, Header> {
  using base = counting_context<Self, Heap, Header>;

 public:
  using memory = typename Heap::memory;
  using header = Header;
  using rites = end_rites<Self>;
  template <class T>
  using ref = typename base::template ref<T>;
  template <class T>
  using slot = typename base::template slot<T>;
  template <class T>
  using shared_slot = typename base::template shared_slot<T>;
  template <class T>
  using weak_slot = typename base::template weak_slot<T>;
  template <class T>
  using observation = tally::observation<memory, Header, T>;
  template <class T>
  using observers = observer_list<memory, Header>;
  static_assert(!base::by_epoch, "a reader in an epoch may see what has ended");

  using base::base;

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args) {
    if constexpr (ended_type<T, Self>) e.bytes += sizeof(put_off_link);
    return base::template make<T>(e, std::forward<Args>(args)...);
  }

  // From now on observer.notify(context) is called when `target` dies before the observer does. Once in an observer's life.
  // Throws what share() throws.
  template <class Observer, class T>
  void observe(const ref<Observer>& observer, const ref<T>& target) {
    // Each is found through the other, on whatever thread the first of them dies.
    self().share(observer);
    self().share(target);
    if constexpr (requires { self().allow_racy_reads(*target.at); }) {
      self().allow_racy_reads(*observer.at);
      self().allow_racy_reads(*target.at);
    }
    const auto held = this->heap_.hold_observers();
    this->get(target).observers().add(this->get(observer).observation(), *observer.at, *target.at);
  }
  // What is observed, if it lives; an owning read.
  template <class Observer>
  [[nodiscard]] auto observed(const ref<Observer>& observer) {
    using target = typename std::remove_cvref_t<decltype(this->get(observer).observation())>::target;
    const auto held = this->heap_.hold_observers();
    Header* h = this->get(observer).observation().observed();
    return ref<target>{h != nullptr && self().template can_be_found<target>(*h) && self().try_increment(*h) ? h : nullptr};
  }

  // For counting_context: what has an end is ended where it is found.
  template <class T>
  void reclaim(Header& dead) {
    base::template reclaim<T>(dead);
  }
  template <class T>
    requires ended_type<T, Self>
  [[gnu::noinline]] void reclaim(Header& dead) {
    this->apart_from_cascade([&] { end<T>(dead); });
  }
  void reclaim(Header& dead) {
    if (rites_of(dead).end == nullptr) return base::reclaim(dead);
    this->apart_from_cascade([&] { rites_of(dead).end(self(), dead); });
  }
  template <class T>
  void visit_slot(slot<T>& s) {
    visit_strong<T>(s);
  }
  template <class T>
  void visit_slot(shared_slot<T>& s) {
    visit_strong<T>(s);
  }
  template <class T>
  void visit_slot(weak_slot<T>& s) {
    base::visit_slot(s);
  }
  // For the type table.
  template <class T>
  void end(Header& h);

  // What a layer above does in another way. A slot of a dead object is emptied: before what it held dies, for a finaliser may look.
  template <class Place>
  void empty_slot(Place& place) {
    this->store(place, {});
  }
  // One reference fewer; true: it was the last.
  template <class T>
  [[nodiscard]] bool let_go(Header& h) {
    return this->template count_down<T>(h);
  }
  [[nodiscard]] bool let_go_of(Header& h) { return self().decrement(h); }
  template <class T>
  [[nodiscard]] static bool can_be_found(const Header&) {
    return true;
  }
  template <class T>
  [[nodiscard]] static bool can_be_put_off(T&) {
    return true;
  }
  void put_off(Header& h, Header* next) { link_of(h).store(next); }
  [[nodiscard]] Header* take_put_off(Header& h) { return link_of(h).load(); }
  // Its end begins, or goes on after a finaliser; a finaliser is about to run; its memory is about to go.
  template <class T>
  void ending(Header&) {}
  template <class T>
  void revived(Header&) {}
  template <class T>
  void ended() {}
  // Before code of the program runs inside an end.
  void before_call() {}
  // Around the observers of one dead object.
  void telling(std::size_t) {}
  void told(std::size_t) {}

 protected:
  using base::self;
  using observer_link = observation_link<memory, Header>;
  using observed_list = observer_list<memory, Header>;
  [[nodiscard]] static const auto& rites_of(const Header& h) { return type_table<Self>::entries[h.word.type()].rites; }
  void leave_observed(observer_link& mine) {
    const auto held = this->heap_.hold_observers();
    if (Header* observed = mine.observed(); observed != nullptr) rites_of(*observed).observers(behind(observed))->remove(mine);
  }
  void tell_one(Header& observer) {
    self().before_call();
    note_delay<memory, delay::finalizer>();
    rites_of(observer).notify(self(), behind(&observer));
  }

  static constexpr std::uint32_t small_depth = 50;        // ends that fit on any stack
  std::uint32_t deepest_ = small_depth, emptied_at_ = 0;  // so many run inside each other; then the list waits until so few do

 private:
  using put_off_link = var<memory, Header*, "ends">;
  // Behind all that the program knows of.
  [[nodiscard]] static put_off_link& link_of(Header& h) {
    return *reinterpret_cast<put_off_link*>(reinterpret_cast<std::byte*>(&h) + h.word.bytes() - sizeof(put_off_link));
  }
  template <class T, class Place>
  void visit_strong(Place& place) {
    if constexpr (ended_type<T, Self>) {
      self().empty_slot(place);
    } else {
      base::visit_slot(place);
    }
  }
  // The object is dead; true: it was revived.
  template <class T>
  bool finalize(Header& h);
  void tell(observed_list& list);
  void work_off();

  std::uint32_t nested_ = 0;   // ends inside each other
  Header* put_off_ = nullptr;  // dead objects whose end is yet to come, the last one first
};

template <class Self, class Heap, class Header>
template <class T>
bool ending_context<Self, Heap, Header>::finalize(Header& h) {
  T& object = *this->template payload<T>(&h);
  if constexpr (requires { object.has_finalizer(); }) {
    if (!object.has_finalizer()) return false;
  }
  if (h.word.finalized()) return false;
  h.word.set_finalized();
  if constexpr (counts_by_type<Self, T>) {
    self().template revive<T>(h);
  } else {
    self().revive(h);
  }
  self().template revived<T>(h);
  self().before_call();
  note_delay<memory, delay::finalizer>();
  object.finalize(self(), ref<T>{&h});
  if (!self().template let_go<T>(h)) return !mutant<memory, "ends: what a finaliser revives is taken apart">();
  self().template ending<T>(h);
  return false;
}

template <class Self, class Heap, class Header>
template <class T>
void ending_context<Self, Heap, Header>::end(Header& h) {
  T& object = *this->template payload<T>(&h);
  self().template ending<T>(h);
  if constexpr (observing_type<T>) {
    leave_observed(object.observation());
  }
  if (nested_ >= deepest_ && self().can_be_put_off(object)) [[unlikely]] {
    self().put_off(h, put_off_);
    put_off_ = &h;
    return;
  }
  ++nested_;
  const bool lives = [&] {
    if constexpr (finalized_type<T, Self>) return finalize<T>(h);
    return false;
  }();
  if (!lives) {
    if constexpr (observed_type<T>) {
      if (object.observers().first() != nullptr) tell(object.observers());
    }
    object.each_slot([this](auto& place) { self().empty_slot(place); });
    if constexpr (!std::is_trivially_destructible_v<T>) object.~T();
    this->live_.freed(h.word.bytes());
    self().template ended<T>();
    this->template dispose_of<T>(h);
  }
  --nested_;
  if (put_off_ != nullptr && nested_ <= emptied_at_) [[unlikely]]
    work_off();
}

template <class Self, class Heap, class Header>
[[gnu::noinline]] void ending_context<Self, Heap, Header>::work_off() {
  ++nested_;
  while (put_off_ != nullptr) {
    Header& h = *put_off_;
    put_off_ = self().take_put_off(h);
    rites_of(h).end(self(), h);
  }
  --nested_;
}

// All observers are unhooked before the first is told; what is told of stays alive until the last was.
template <class Self, class Heap, class Header>
[[gnu::noinline]] void ending_context<Self, Heap, Header>::tell(observed_list& list) {
  observer_link* all = nullptr;
  observer_link* last = nullptr;
  std::size_t count = 0;
  {
    const auto held = this->heap_.hold_observers();
    for (observer_link *l = list.take_apart(), *next = nullptr; l != nullptr; l = next) {
      next = l->next();
      ++count;
      // It is dying: on another thread, which waits to leave this list.
      if (!self().try_increment(*l->observer()) && !mutant<memory, "ends: a dying observer is told">()) continue;
      if (last == nullptr) {
        all = l;
      } else {
        observed_list::chain(*last, l);
      }
      last = l;
    }
    if (last != nullptr) observed_list::chain(*last, nullptr);
  }
  self().telling(count);
  for (observer_link* l = all; l != nullptr; l = l->next()) tell_one(*l->observer());
  for (observer_link *l = all, *next = nullptr; l != nullptr; l = next) {
    next = l->next();
    if (self().let_go_of(*l->observer())) self().reclaim(*l->observer());
  }
  self().told(count);
}

}  // namespace tally
