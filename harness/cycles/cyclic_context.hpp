// A counting context with a cycle collector beside it: how its objects begin and end. How a collection goes is in
// cyclic_context_collect.hpp.
//
// The strategy supplies two hooks more than counting.hpp asks for:
//
//   std::uint64_t count_of(header&) how many references there are
//   void revive(header&)            a dead object gets one reference again: the caller's
//
// and, where a collector stops other threads (stopped_world.hpp), may supply
//
//   void keep_alive(header&)        increment(), of what the caller has no reference to; in a stop
//   header* settle_counts(f)        in a stop: puts together what counts are in several places; f(header&) of each object that is
//                                   found dead. What it returns is handed to reclaim_settled(header*) after the stop
//
// An object that can hold references has a gc_head before its header and is in one of the collector's lists; others have none.
//
// Ends. What a dead object held dies inside its end, in the order of its slots, as in CPython, so that finalisers and observers
// run in that order; beyond a depth (cycle_rule::nested) what is dead is put on a list, linked through its gc_head, that is worked off
// where the depth is small again: memory and stack that a chain of any length takes are constant. The order of one end: out
// of the collector's list, finaliser (with a reference of its own; if that is not the last one afterwards, the object lives),
// observers, slots, destructor, memory.
//
// Progress: a make may collect, which takes time in proportion to a generation; all else as in counting.hpp.
// Source: [CPython], Objects/typeobject.c and Objects/object.c.
#pragma once

#include <utility>

#include "harness/counting/counting.hpp"
#include "harness/cycles/generations.hpp"
#include "harness/cycles/type_rites.hpp"

namespace tally {

template <class Self, class Heap, class Header>
class cyclic_context : public counting_context<Self, Heap, Header> {
  using base = counting_context<Self, Heap, Header>;

 public:
  using memory = typename Heap::memory;
  using header = Header;
  using rites = type_rites<Self>;
  using head = gc_head<memory>;
  using collector = typename Heap::collector;
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
  static_assert(sizeof(head) % 16 == 0, "payloads are aligned to 16");
  static_assert(!base::by_epoch, "object_word's flag says here that an object is taken apart");

  explicit cyclic_context(Heap& heap) : base(heap), local_(heap.cycles()) {
    const cycle_rule& rule = cycles().rule();
    if (rule.nested <= small_depth) return;
    // As many as a quarter of this thread's stack holds.
    const stack_range stack = memory::stack();
    const auto room = static_cast<std::uint32_t>((stack.high - stack.low) / 4 / frame_bytes);
    deepest_ = std::clamp(room, small_depth, rule.nested);
    emptied_at_ = deepest_ - std::min(deepest_, rule.nested - rule.emptied_at);
  }

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args) {
    const ref<T> r = base::template make<T>(e, std::forward<Args>(args)...);
    if (collected_type<T>()) {
      new (&head_of(*r.at)) head;
      add_allocation();
      cycles().track(head_of(*r.at));
    }
    return r;
  }
  // As if an object that can hold references had been made, which nobody tracks: a runtime's own.
  void add_allocation() {
    if (cycles().made(local_)) [[unlikely]]
      collect_by_itself();
  }

  void poll() {
    base::poll();
    if constexpr (collector::in_stops) {
      if (local_.mutator.asked()) [[unlikely]]
        local_.mutator.attend();
    }
    attend();
  }
  void quiesce() {
    base::quiesce();
    attend();
  }
  template <class F>
  void blocked(F&& f) {
    if constexpr (collector::in_stops) {
      local_.mutator.blocked([&] { base::blocked(f); });
    } else {
      base::blocked(f);
    }
  }
  // Reclaims cyclic garbage; returns how many objects were found unreachable. 0 also where a collection runs already: one that this
  // is called from within, or (generations) another thread's.
  std::uint64_t collect(int generation) { return run_collection(generation, true); }
  void collect() { static_cast<void>(collect(collector::oldest)); }

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
    const auto held = cycles().hold_observers();
    this->get(target).observers().add(this->get(observer).observation(), *observer.at, *target.at);
  }
  // What is observed, if it lives; an owning read.
  template <class Observer>
  [[nodiscard]] auto observed(const ref<Observer>& observer) {
    using target = typename std::remove_cvref_t<decltype(this->get(observer).observation())>::target;
    const auto held = cycles().hold_observers();
    Header* h = this->get(observer).observation().observed();
    return ref<target>{h != nullptr && !taken_apart<target>(*h) && self().try_increment(*h) ? h : nullptr};
  }
  template <class T>
  [[nodiscard]] ref<T> upgrade(const typename base::template weak<T>& w) {
    if (taken_apart<T>(*w.at)) [[unlikely]]
      return {};
    return base::upgrade(w);
  }
  [[nodiscard]] delay_bits take_delays() { return std::exchange(delays_, {}); }
  template <class T>
  [[nodiscard]] std::uint64_t owners(const ref<T>& r) {
    return self().count_of(*r.at);
  }

  // For counting_context: memory begins before the header, and the dead end in another order.
  template <class T>
  [[nodiscard]] static std::size_t before_header() {
    return collected_type<T>() ? sizeof(head) : 0;
  }
  void give_back(Header* h) { base::give_back(rites_of(*h).container ? reinterpret_cast<Header*>(&head_of(*h)) : h); }
  void reclaim(Header& dead) { rites_of(dead).end(self(), dead); }
  template <class T>
  [[gnu::noinline]] void reclaim(Header& dead) {
    end<T>(dead);
  }
  // A dead object whose end is yet to come, while that of another may be interrupted: no collection looks at it.
  void set_aside(Header& dead) {
    if (rites_of(dead).container) cycles().untrack(head_of(dead));
  }
  // For the type table.
  template <class T>
  void end(Header& h);
  // Slots of a dead or cleared object: empty first, for a finaliser may look.
  template <class T>
  void visit_slot(slot<T>& s) {
    Header* h = s.word.load();
    if (h == nullptr) return;
    s.word.store(nullptr);
    if (self().decrement(*h)) end<T>(*h);
  }
  template <class T>
  void visit_slot(shared_slot<T>& s) {
    if (Header* h = s.exchange(self(), nullptr); h != nullptr && self().decrement(*h)) end<T>(*h);
  }
  template <class T>
  void visit_slot(weak_slot<T>& s) {
    if (Header* h = s.word.load(); h != nullptr) {
      s.word.store(nullptr);
      this->template drop_weak_of<T>(h);
    }
  }
  // In a collection: one reference of those that an object of it holds.
  template <class T>
  void find(slot<T>& s) {
    find_in<T>(s.word.load());
  }
  template <class T>
  void find(shared_slot<T>& s) {
    find_in<T>(s.alone());
  }
  template <class T>
  void find(weak_slot<T>&) {}
  template <class T>
  void hold(slot<T>& s) {
    hold_in<T>(s.word.load());
  }
  template <class T>
  void hold(shared_slot<T>& s) {
    hold_in<T>(s.alone());
  }
  template <class T>
  void hold(weak_slot<T>&) {}

 protected:
  using base::self;
  [[nodiscard]] collector& cycles() { return this->heap_.cycles(); }
  [[nodiscard]] static head& head_of(Header& h) { return *(reinterpret_cast<head*>(&h) - 1); }
  [[nodiscard]] static Header& header_of(head& g) { return *reinterpret_cast<Header*>(&g + 1); }
  [[nodiscard]] static const rites& rites_of(const Header& h) { return type_table<Self>::entries[h.word.type()].rites; }

 private:
  using observer_link = observation_link<memory, Header>;
  using observed_list = observer_list<memory, Header>;
  struct collection;
  // asked: not by itself.
  std::uint64_t run_collection(int generation, bool asked);
  std::uint64_t collect_here(int generation);
  std::uint64_t collect_in_stops(int generation, bool asked);
  void hold_garbage(Header& h) {
    if constexpr (requires { self().keep_alive(h); }) {
      self().keep_alive(h);
    } else {
      self().increment(h);
    }
  }
  void note(int generation, std::uint64_t looked_at, std::uint64_t unreachable);
  // By a collection, which has looked for the last time: weak references and observers don't find it any more.
  template <class T>
  [[nodiscard]] static bool taken_apart(const Header& h) {
    return collected_type<T>() && h.word.flag() && !mutant<memory, "cycles: weak refs find what is taken apart">();
  }

  void attend() {
    if (cycles().is_due()) [[unlikely]]
      collect_by_itself();
  }
  // At a safepoint, in a make, and before code of the program runs inside an end.
  [[gnu::noinline]] void collect_by_itself() {
    if (!cycles().rule().collects_in_make && !cycles().take_due(local_)) return;
    if (const int g = cycles().choose(); g >= 0) run_collection(g, false);
  }
  // The object is dead; true: it was revived.
  template <class T>
  bool finalize(Header& h);
  void leave_observed(observer_link& mine) {
    const auto held = cycles().hold_observers();
    if (Header* observed = mine.observed(); observed != nullptr) rites_of(*observed).observers(behind(observed))->remove(mine);
  }
  void tell(observed_list& list);
  void tell_one(Header& observer) {
    attend();
    delays_.add(delay::finalizer);
    rites_of(observer).notify(self(), behind(&observer));
  }
  void work_off();
  // An observer that holds nothing ends where it is, however deep: CPython's weak references do.
  template <class T>
  static bool holds_any(T& object) {
    if constexpr (observing_type<T>) {
      bool any = !object.observation().used();
      object.each_slot([&any](auto&) { any = true; });
      return any;
    } else {
      return true;
    }
  }
  template <class T>
  void find_in(Header* h) {
    if (h != nullptr && collected_type<T>()) head_of(*h).found_one();
  }
  template <class T>
  void hold_in(Header* h) {
    if (h != nullptr && collected_type<T>()) holding_->reached(head_of(*h));
  }

  static constexpr std::uint32_t small_depth = 50;  // ends that fit on any stack
  // What an end inside an end takes, at most.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
  static constexpr std::ptrdiff_t frame_bytes = 192;
#else
  static constexpr std::ptrdiff_t frame_bytes = 1024;
#endif
  std::uint32_t deepest_ = small_depth, emptied_at_ = 0;  // as in cycle_rule
  typename collector::local local_;
  gc_list<memory>* holding_ = nullptr;  // where what is reached comes back to
  delay_bits delays_;                   // see collector.hpp
  std::uint32_t nested_ = 0;            // ends inside each other
  Header* put_off_ = nullptr;           // dead objects whose end is yet to come, the last one first
};

template <class Self, class Heap, class Header>
template <class T>
bool cyclic_context<Self, Heap, Header>::finalize(Header& h) {
  if constexpr (requires(T& object) { object.has_finalizer(); }) {
    if (!this->template payload<T>(&h)->has_finalizer()) return false;
  }
  if (h.word.finalized()) return false;
  h.word.set_finalized();
  self().revive(h);
  if (collected_type<T>()) cycles().track(head_of(h));  // what it makes may be garbage with it
  attend();
  delays_.add(delay::finalizer);
  this->template payload<T>(&h)->finalize(self(), ref<T>{&h});
  if (!self().decrement(h)) return true;
  if (collected_type<T>()) cycles().untrack(head_of(h));
  return false;
}

template <class Self, class Heap, class Header>
template <class T>
void cyclic_context<Self, Heap, Header>::end(Header& h) {
  T& object = *this->template payload<T>(&h);
  const bool container = collected_type<T>();
  if (container) cycles().untrack(head_of(h));
  if constexpr (observing_type<T>) {
    leave_observed(object.observation());
  }
  if (container && nested_ >= deepest_ && holds_any(object)) [[unlikely]] {
    head_of(h).link(put_off_);
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
    object.each_slot([this](auto& place) { this->visit_slot(place); });
    if constexpr (!std::is_trivially_destructible_v<T>) object.~T();
    this->live_.freed(h.word.bytes());
    if (container) cycles().freed(local_);
    this->template drop_weak_of<T>(&h);
  }
  --nested_;
  if (put_off_ != nullptr && nested_ <= emptied_at_) [[unlikely]]
    work_off();
}

template <class Self, class Heap, class Header>
[[gnu::noinline]] void cyclic_context<Self, Heap, Header>::work_off() {
  ++nested_;
  while (put_off_ != nullptr) {
    Header& h = *put_off_;
    put_off_ = static_cast<Header*>(head_of(h).linked());
    head_of(h).link(nullptr);
    rites_of(h).end(self(), h);
  }
  --nested_;
}

// All observers are unhooked before the first is told; what is told of stays alive until the last was.
template <class Self, class Heap, class Header>
[[gnu::noinline]] void cyclic_context<Self, Heap, Header>::tell(observed_list& list) {
  observer_link* all = nullptr;
  observer_link* last = nullptr;
  std::size_t count = 0;
  {
    const auto held = cycles().hold_observers();
    for (observer_link *l = list.take_apart(), *next = nullptr; l != nullptr; l = next) {
      next = l->next();
      ++count;
      if (!self().try_increment(*l->observer())) continue;  // it is dying
      if (last == nullptr) {
        all = l;
      } else {
        observed_list::chain(*last, l);
      }
      last = l;
    }
    if (last != nullptr) observed_list::chain(*last, nullptr);
  }
  cycle_listener* listener = cycles().listener();
  if (listener != nullptr) listener->telling(count);
  for (observer_link* l = all; l != nullptr; l = l->next()) tell_one(*l->observer());
  for (observer_link *l = all, *next = nullptr; l != nullptr; l = next) {
    next = l->next();
    if (self().decrement(*l->observer())) reclaim(*l->observer());
  }
  if (listener != nullptr) listener->told(count);
}

}  // namespace tally

#include "harness/cycles/cyclic_context_collect.hpp"
