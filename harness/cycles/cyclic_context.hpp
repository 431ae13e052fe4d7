// A counting context with a cycle collector beside it: how its objects begin and end. How a collection goes is in
// cyclic_context_collect.hpp.
//
// The strategy supplies one hook more than ending_context.hpp asks for:
//
//   std::uint64_t count_of(header&) how many references there are
//
// and, where a collector stops other threads (stopped_world.hpp), may supply
//
//   void keep_alive(header&)        increment(), of what the caller has no reference to; in a stop
//   header* settle_counts(f)        in a stop: puts together what counts are in several places; f(header&) of each object that is
//                                   found dead. What it returns is handed to reclaim_settled(header*) after the stop
//
// An object that can hold references has a gc_head before its header and is in one of the collector's lists; others have none.
//
// Ends are ending_context.hpp's, of all objects here and not only of those of which somebody sees it: out of the collector's list
// first; put off beyond cycle_rule::nested, linked through the gc_head.
//
// Progress: a make may collect, which takes time in proportion to a generation; all else as in counting.hpp.
// Source: [CPython], Objects/object.c.
#pragma once

#include <utility>

#include "harness/counting/ending_context.hpp"
#include "harness/cycles/generations.hpp"
#include "harness/cycles/type_rites.hpp"

namespace tally {

template <class Self, class Heap, class Header>
class cyclic_context : public ending_context<Self, Heap, Header> {
  using base = ending_context<Self, Heap, Header>;
  using counting = counting_context<Self, Heap, Header>;

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
  static_assert(sizeof(head) % 16 == 0, "payloads are aligned to 16");
  static_assert(!base::by_epoch, "object_word's flag says here that an object is taken apart");

  explicit cyclic_context(Heap& heap) : base(heap), local_(heap.cycles()) {
    const cycle_rule& rule = cycles().rule();
    if (rule.nested <= small_depth) return;
    // As many as a quarter of this thread's stack holds.
    const stack_range stack = memory::stack();
    const auto room = static_cast<std::uint32_t>((stack.high - stack.low) / 4 / frame_bytes);
    this->deepest_ = std::clamp(room, small_depth, rule.nested);
    this->emptied_at_ = this->deepest_ - std::min(this->deepest_, rule.nested - rule.emptied_at);
  }

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args) {
    const ref<T> r = counting::template make<T>(e, std::forward<Args>(args)...);
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

  template <class T>
  [[nodiscard]] ref<T> upgrade(const typename base::template weak<T>& w) {
    if (taken_apart<T>(*w.at)) [[unlikely]]
      return {};
    return base::upgrade(w);
  }
  template <class T>
  [[nodiscard]] std::uint64_t owners(const ref<T>& r) {
    return self().count_of(*r.at);
  }

  // For the layers below: memory begins before the header, and all objects have an end.
  template <class T>
  [[nodiscard]] static std::size_t before_header() {
    return collected_type<T>() ? sizeof(head) : 0;
  }
  void give_back(Header* h) { base::give_back(memory_of(h)); }
  [[nodiscard]] std::size_t bytes_taken(Header* h) { return base::bytes_taken(memory_of(h)); }
  [[nodiscard]] bool let_go_of(Header& h) { return rites_of(h).let_go(self(), h); }
  void reclaim(Header& dead) { rites_of(dead).end(self(), dead); }
  template <class T>
  [[gnu::noinline]] void reclaim(Header& dead) {
    this->template end<T>(dead);
  }
  // A dead object whose end is yet to come, while that of another may be interrupted: no collection looks at it.
  void set_aside(Header& dead) {
    if (rites_of(dead).container) cycles().untrack(head_of(dead));
  }
  template <class Place>
  void empty_slot(Place& place) {
    self().visit_slot(place);
  }
  template <class T>
  [[nodiscard]] static bool can_be_found(const Header& h) {
    return !taken_apart<T>(h);
  }
  // An observer that holds nothing ends where it is, however deep: CPython's weak references do.
  template <class T>
  [[nodiscard]] static bool can_be_put_off(T& object) {
    if (!collected_type<T>()) return false;
    if constexpr (observing_type<T>) {
      bool any = !object.observation().used();
      object.each_slot([&any](auto&) { any = true; });
      return any;
    } else {
      return true;
    }
  }
  void put_off(Header& h, Header* next) { head_of(h).link(next); }
  [[nodiscard]] Header* take_put_off(Header& h) {
    auto* const next = static_cast<Header*>(head_of(h).linked());
    head_of(h).link(nullptr);
    return next;
  }
  template <class T>
  void ending(Header& h) {
    if (collected_type<T>()) cycles().untrack(head_of(h));
  }
  template <class T>
  void revived(Header& h) {
    if (collected_type<T>()) cycles().track(head_of(h));  // what its finaliser makes may be garbage with it
  }
  template <class T>
  void ended() {
    if (collected_type<T>()) cycles().freed(local_);
  }
  void before_call() { attend(); }
  void telling(std::size_t n) {
    if (cycles().listener() != nullptr) cycles().listener()->telling(n);
  }
  void told(std::size_t n) {
    if (cycles().listener() != nullptr) cycles().listener()->told(n);
  }
  // Slots of a dead or cleared object: empty first.
  template <class T>
  void visit_slot(slot<T>& s) {
    Header* h = s.word.load();
    if (h == nullptr) return;
    s.word.store(nullptr);
    if (self().template let_go<T>(*h)) this->template end<T>(*h);
  }
  template <class T>
  void visit_slot(shared_slot<T>& s) {
    if (Header* h = s.exchange(self(), nullptr); h != nullptr && self().template let_go<T>(*h)) this->template end<T>(*h);
  }
  template <class T>
  void visit_slot(weak_slot<T>& s) {
    if (Header* h = s.word.load(); h != nullptr) {
      s.word.store(nullptr);
      this->template drop_weak_of<T>(h);
    }
  }
  // In a collection: what a slot holds, if such are looked at.
  template <class T>
  [[nodiscard]] static head* held(slot<T>& s) {
    return head_in<T>(s.word.load());
  }
  template <class T>
  [[nodiscard]] static head* held(shared_slot<T>& s) {
    return head_in<T>(s.alone());
  }
  template <class T>
  [[nodiscard]] static head* held(weak_slot<T>&) {
    return nullptr;
  }
  // One reference of those that what is looked at holds; trial_context.hpp does more. What lives holds it. A collector's own look.
  void found(head& h) { h.found_one(); }
  void hold(head& h) {
    if (collector::by_candidates && mutant<memory, "trial: what lives blackens nothing">()) return;
    holding_->reached(h);
  }
  void reached(head& h) { cycles().reached(h); }

 protected:
  using base::self;
  using base::small_depth;
  [[nodiscard]] collector& cycles() { return this->heap_.cycles(); }
  [[nodiscard]] static head& head_of(Header& h) { return *(reinterpret_cast<head*>(&h) - 1); }
  [[nodiscard]] static Header& header_of(head& g) { return *reinterpret_cast<Header*>(&g + 1); }
  using base::rites_of;

 private:
  // Where an object's memory begins.
  [[nodiscard]] static Header* memory_of(Header* h) {
    return rites_of(*h).container ? reinterpret_cast<Header*>(&head_of(*h)) : h;
  }
  using observer_link = typename base::observer_link;
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
  template <class T>
  [[nodiscard]] static head* head_in(Header* h) {
    return h != nullptr && collected_type<T>() ? &head_of(*h) : nullptr;
  }

  // What an end inside an end takes, at most.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
  static constexpr std::ptrdiff_t frame_bytes = 192;
#else
  static constexpr std::ptrdiff_t frame_bytes = 1024;
#endif
  typename collector::local local_;
  gc_list<memory>* holding_ = nullptr;  // where what is reached comes back to
};

}  // namespace tally

#include "harness/cycles/cyclic_context_collect.hpp"
