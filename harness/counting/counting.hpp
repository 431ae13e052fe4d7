// What counting strategies have in common: everything but the counts.
//
// A counting strategy is a heap class that derives from counting_heap and whose context derives from counting_context. It
// supplies the header (an object_word and its counts) and, on the context:
//
//   void init(header&)                a new object with one reference
//   void increment(header&)           one more owner; the caller holds one, or the lock of a slot that does
//   bool decrement(header&)           one fewer; true: nobody owns it now and the caller must reclaim it
//   void release<T>(header&)          (optional) decrement and reclaim<T> in one, where that compiles to less
//   bool try_increment(header&)       (slot=epoch, weak) one more owner unless the count has ever been zero
//   void allow_racy_reads(header&)    (optional) from now on other threads may call try_increment after reading a shared slot
//   void dispose(header&)             (optional) the payload is gone: give_back(header*) the memory, or leave it to weak refs
//   void weak_increment(header&)      (weak refs) one more weak ref
//   bool weak_decrement(header&)      (weak refs) one fewer; true: the memory can be freed. All strong refs together hold one
//   bool only_weak(header&)           (optional, weak refs) true: weak_decrement would be of the last, so that it can be left out
//   bool needs_no_count(header&)      (optional, with a header that is taggable: counted_handles.hpp) a ref of it on a stack is not
//                                     counted
//
// A strategy that counts objects of some types another way (rc_arc_typed.hpp) has init, increment, decrement, try_increment,
// weak_increment and weak_decrement as templates over the object type, too; they are called wherever the type is known.
//
// From these come refs, slots, shared slots, weak refs, parcels, roots and the cascade. How shared slots are read is the heap's
// third argument (shared_slots.hpp), where objects come from its fourth (counting_heap.hpp); the cascade is in
// counting_deaths.hpp. A context that has a poll, quiesce or share of its own calls the one here, too. See strategies/plain.hpp
// for the smallest use. Finalisers and observers are a layer above, which asks for one hook more: ends.hpp.
#pragma once

#include <cassert>
#include <new>

#include "harness/counting/counted_handles.hpp"
#include "harness/counting/counted_slots.hpp"
#include "harness/counting/counting_heap.hpp"
#include "harness/counting/live.hpp"
#include "harness/heap/object.hpp"

namespace tally {

template <class Self, class Heap, class Header>
class counting_context {
 public:
  using memory = typename Heap::memory;
  using header = Header;
  template <class T>
  using ref = counted_ref<Header, T>;
  template <class T>
  using parcel = counted_ref<Header, T>;
  template <class T>
  struct slot : slot_base<memory, Header> {};
  static constexpr bool by_epoch = Heap::slots == slot_kind::epoch;
  using shared_word = slot_word<Heap::slots, memory, Header>;
  template <class T>
  struct shared_slot : shared_word {};
  template <class T>
  using weak = counted_weak<Header, T>;
  template <class T>
  struct weak_slot : weak_slot_base<memory, Header> {};

  explicit counting_context(Heap& heap) : heap_(heap), cells_(heap.cells()), epochs_(heap.epochs()) {
    heap_.counters().attach(live_);
  }
  ~counting_context() { heap_.counters().detach(live_); }
  counting_context(const counting_context&) = delete;
  counting_context& operator=(const counting_context&) = delete;

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args);

  template <class T>
  [[nodiscard]] T& get(const ref<T>& r) const {
    return *payload<T>(r.at);
  }
  template <class T>
  [[nodiscard]] ref<T> copy(const ref<T>& r) {
    if (is_uncounted(r)) {
      note_path<memory, "uncounted">();
      return r;
    }
    count<T>(*r.at);
    return r;
  }
  template <class T>
  void drop(ref<T> r) {
    if (is_uncounted(r)) return note_path<memory, "uncounted">();
    if constexpr (counts_by_type<Self, T>) {
      if (self().template decrement<T>(*r.at)) [[unlikely]]
        self().template reclaim<T>(*r.at);
    } else {
      self().template release<T>(*r.at);
    }
  }

  template <class T>
  [[nodiscard]] ref<T> load(slot<T>& s) {
    Header* h = s.word.load();
    if constexpr (taggable<Header>) {
      if (h != nullptr && self().needs_no_count(*h)) {
        note_path<memory, "uncounted">();
        return {taggable_address<Header>::uncounted(*h)};
      }
    }
    if (h != nullptr) count<T>(*h);
    return {h};
  }
  template <class T>
  void store(slot<T>& s, ref<T> r) {
    Header* old = s.word.load();
    s.word.store(counted(r));
    if (old != nullptr) drop(ref<T>{old});
  }
  template <class T>
  [[nodiscard]] ref<T> take(slot<T>& s) {
    Header* h = s.word.load();
    s.word.store(nullptr);
    return {h};
  }
  template <class T>
  [[nodiscard]] T* peek(const slot<T>& s) const {
    Header* h = s.word.load();
    return h == nullptr ? nullptr : payload<T>(h);
  }

  template <class T>
  [[nodiscard]] ref<T> load(shared_slot<T>& s) {
    return {s.load(self())};
  }
  template <class T>
  [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
    publish(r);
    return {s.exchange(self(), counted(r))};
  }
  template <class T>
  void store(shared_slot<T>& s, ref<T> r) {
    if (ref<T> old = exchange(s, r)) drop(old);
  }
  template <class T>
  [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
    publish(desired);
    Header* const now = counted(desired);
    if (!s.compare_exchange(self(), expected.at, now)) {
      if (is_uncounted(desired)) drop(ref<T>{now});
      return false;
    }
    if (Header* const was = expected.at) drop(ref<T>{was});  // the slot's
    return true;
  }
  template <class T>
  [[nodiscard]] epoch_guard<Self, T> borrow(shared_slot<T>& s)
    requires(by_epoch)
  {
    enter();
    Header* h = s.look();
    return {self(), h == nullptr ? nullptr : payload<T>(h)};
  }

  template <class T>
  [[nodiscard]] parcel<T> pack(ref<T> r) {
    self().share(r);
    return {counted(r)};
  }
  template <class T>
  [[nodiscard]] ref<T> unpack(parcel<T> p) {
    return p;
  }
  template <class T>
  [[nodiscard]] T& peek(const parcel<T>& p) const {
    return get(p);
  }

  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] weak<T> downgrade(const ref<T>& r) {
    count_weak<T>(*r.at);
    return {r.at};
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] ref<T> upgrade(const weak<T>& w) {
    if constexpr (counts_by_type<Self, T>) {
      return self().template try_increment<T>(*w.at) ? ref<T>{w.at} : ref<T>{};
    } else {
      return self().try_increment(*w.at) ? ref<T>{w.at} : ref<T>{};
    }
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] weak<T> copy(const weak<T>& w) {
    count_weak<T>(*w.at);
    return w;
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  void drop(weak<T> w) {
    drop_weak_of<T>(w.at);
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] weak<T> load(weak_slot<T>& s) {
    Header* h = s.word.load();
    if (h != nullptr) count_weak<T>(*h);
    return {h};
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  void store(weak_slot<T>& s, weak<T> w) {
    Header* old = s.word.load();
    s.word.store(w.at);
    if (old != nullptr) drop_weak_of<T>(old);
  }

  template <class T>
  [[nodiscard]] auto* trailing_slots(T& object) const {
    return slots_behind<slot<typename T::trailing>>(object);
  }

  [[nodiscard]] std::uint64_t freed_word() const { return live_.freed_word(); }

  template <class T>
  void share(const ref<T>&) {}
  void poll() {
    if constexpr (by_epoch) {
      if (epochs_.poll_is_due()) [[unlikely]]
        reclaim_ready([this](auto& ready) { epochs_.collect(ready); });
    }
  }
  // Readers in guards keep what they keep: this does not wait for them.
  void quiesce() {
    if constexpr (by_epoch) {
      for (int i = 0; i < 3; ++i) reclaim_ready([this](auto& ready) { epochs_.collect(ready); });
    }
  }
  template <class F>
  void blocked(F&& f) {
    if constexpr (by_epoch) assert(!epochs_.inside());
    f();
  }
  // For settle(): with no other context attached, until nothing is held back.
  void drain_epochs() {
    if constexpr (by_epoch) {
      while (!epochs_.drained()) quiesce();
    }
  }

  // For shared slots and guards.
  void enter() { epochs_.enter(); }
  void leave() { epochs_.leave(); }

  // For the type table: the cascade's view of a dead object's slot.
  template <class T>
  void visit_slot(slot<T>& s);
  void visit_slot(shared_word& s) { release_child(s.alone()); }
  template <class T>
  void visit_slot(weak_slot<T>& s) {
    if constexpr (counts_weak<Self>) {
      if (Header* h = s.word.load()) drop_weak_of<T>(h);
    }
  }

  // What a layer above may do in another way (cycles/). Bytes that a T has before its header: allocate() returns where they begin.
  template <class T>
  [[nodiscard]] static constexpr std::size_t before_header() {
    return 0;
  }
  // Frees `dead` and all that only it kept alive, in constant extra memory. A hook that finds more dead objects while a
  // cascade runs (a queue merged for another thread) may call it too: the running cascade takes them, without recursion.
  [[gnu::noinline]] void reclaim(Header& dead);
  // Of a T: what has no slots is freed as by hand, the first of a cascade is no list of one, its kind is visited without the table.
  template <class T>
  [[gnu::noinline]] void reclaim(Header& dead);
  void* allocate(std::size_t bytes) {
    if constexpr (Heap::own_heap) {
      return cells_.allocate(bytes);
    } else {
      return memory::alloc(bytes);
    }
  }
  void give_back(Header* h) {
    if constexpr (Heap::own_heap) {
      cells_.free(h);
    } else {
      memory::free(h);
    }
  }
  // What give_back() would give back, in bytes.
  [[nodiscard]] std::size_t bytes_taken(Header* h);

 protected:
  void dispose(Header& h);
  [[gnu::always_inline]] inline void drop_weak(Header* h);
  template <class T>
  [[gnu::always_inline]] void drop_weak_of(Header* h) {
    if constexpr (counts_by_type<Self, T>) {
      if (self().template weak_decrement<T>(*h)) self().give_back(h);
    } else {
      drop_weak(h);
    }
  }

  template <class T>
  void release(Header& h) {
    if (self().decrement(h)) [[unlikely]]
      self().template reclaim<T>(h);
  }
  // A T that can be freed where it is found dead: nothing else can die with it, and no reader of a shared slot can still see it.
  template <class T>
  [[nodiscard]] static bool is_leaf(Header& h);
  [[nodiscard]] static bool held_back(const Header& h);
  template <class T>
  void free_leaf(Header& h);
  template <class T>
  bool count_down(Header& h) {
    if constexpr (counts_by_type<Self, T>) {
      return self().template decrement<T>(h);
    } else {
      return self().decrement(h);
    }
  }
  template <class T>
  void dispose_of(Header& h);
  // f runs code of the program, inside a cascade or not: what that ends is freed by cascades of its own, before it goes on.
  template <class F>
  void apart_from_cascade(F&& f);
  // Puts a dead object on the list of those to dispose of: at once, or (held_back) when no reader of a shared slot can see it.
  void retire(Header& dead);
  // T: the type to expect.
  template <class T = void>
  void dispose_retired();
  template <class T>
  void finish_all();
  template <class T>
  static T* payload(Header* h) {
    return std::launder(reinterpret_cast<T*>(h + 1));
  }
  Self& self() { return static_cast<Self&>(*this); }

  Heap& heap_;
  live_counter live_;

 private:
  [[gnu::noinline]] void leave_to_weak(Header& h);
  // What a ref is where it leaves the stack: a reference that is counted.
  template <class T>
  [[nodiscard]] Header* counted(const ref<T>& r) {
    if constexpr (taggable<Header>) {
      if (r.at.is_uncounted() && !mutant<memory, "counting: what leaves the stack is not counted">()) count<T>(*r.at);
    }
    return r.at;
  }
  // Visits the slots of a dead object, which is likely a T, and frees it.
  template <class T>
  void finish(Header& h);
  // Before the first thread but this one can find it in a shared slot.
  template <class T>
  void publish(const ref<T>& r) {
    if (!r) return;
    self().share(r);
    if constexpr (by_epoch) {
      if constexpr (requires { self().allow_racy_reads(*r.at); }) self().allow_racy_reads(*r.at);
      if (!r.at->word.flag()) r.at->word.set_flag();
    }
  }
  template <class T>
  void count(Header& h) {
    if constexpr (counts_by_type<Self, T>) {
      self().template increment<T>(h);
    } else {
      self().increment(h);
    }
  }
  template <class T>
  void count_weak(Header& h) {
    if constexpr (counts_by_type<Self, T>) {
      self().template weak_increment<T>(h);
    } else {
      self().weak_increment(h);
    }
  }
  void release_child(Header* child) {
    if (child != nullptr && self().decrement(*child)) retire(*child);
  }
  void append_ready(dead_list<memory>& ready);
  template <class F>
  [[gnu::noinline]] void reclaim_ready(F&& find);

  struct no_epochs {
    explicit no_epochs(typename Heap::epoch_state&) {}
  };
  [[no_unique_address]] typename Heap::cell_source::cache cells_;
  [[no_unique_address]] std::conditional_t<by_epoch, epoch_member<memory>, no_epochs> epochs_;
  object_word<memory>* retired_ = nullptr;
  bool in_cascade_ = false;
};

}  // namespace tally

#include "harness/counting/counting_births.hpp"
#include "harness/counting/counting_deaths.hpp"
