// What counting strategies have in common: everything but the counts.
//
// A counting strategy is a heap class that derives from counting_heap and whose context derives from counting_context. It
// supplies the header (an object_word and its counts) and, on the context:
//
//   void init(header&)                a new object with one reference
//   void increment(header&)           one more owner; the caller holds one, or the lock of a slot that does
//   bool decrement(header&)           one fewer; true: nobody owns it now and the caller must reclaim it
//   void release(header&)             (optional) decrement and reclaim in one, where that compiles to less
//   bool try_increment(header&)       (slot=epoch, weak) one more owner unless it is dead
//   void dispose(header&)             (optional) the payload is gone: free the memory, or leave it to weak refs
//   void weak_increment(header&)      (weak refs) one more weak ref
//   bool weak_decrement(header&)      (weak refs) one fewer; true: the memory can be freed. All strong refs together hold one
//
// From these come refs, slots, shared slots, weak refs, parcels, roots and the cascade. See strategies/plain.hpp for the
// smallest use.
#pragma once

#include <new>

#include "harness/live.hpp"
#include "harness/object.hpp"

namespace tally {

// How a racy read of a shared slot is made safe.
//   lockbit  the low bit of the slot's word is a lock, held while the reader counts
//   epoch    readers announce an epoch and count with try_increment; an object that was ever in a shared slot is freed only
//            after every reader that could have seen it has left
enum class slot_kind { lockbit, epoch };

template <class Header, class T>
struct counted_ref {
  Header* at = nullptr;
  [[nodiscard]] explicit operator bool() const { return at != nullptr; }
  friend bool operator==(counted_ref, counted_ref) = default;
};

template <class Header, class T>
struct counted_weak {
  Header* at = nullptr;
  [[nodiscard]] explicit operator bool() const { return at != nullptr; }
  friend bool operator==(counted_weak, counted_weak) = default;
};

template <class M, class Header>
struct slot_base {
  var<M, Header*, "slot"> word;
};

template <class M, class Header>
struct weak_slot_base {
  var<M, Header*, "slot"> word;
};

// The word of a shared slot: the object's address, bit 0 the lock.
template <class M, class Header>
class lockbit_word {
 public:
  // Takes the lock; returns the object. acquire: pairs with the release in unlock(), so that the object's count and payload
  // are seen as the last writer left them.
  Header* lock() {
    for (;;) {
      std::uintptr_t w = word_.load(std::memory_order_relaxed);  // only a guess for the CAS
      if ((w & 1) == 0 &&
          word_.compare_exchange_weak(w, w | 1, std::memory_order_acquire, std::memory_order_relaxed)) {
        return reinterpret_cast<Header*>(w);
      }
      if ((w & 1) != 0) {
        M::wait_until([&] { return (word_.load(std::memory_order_relaxed) & 1) == 0; });
      }
    }
  }
  // release: pairs with the acquire in lock().
  void unlock(Header* now) { word_.store(reinterpret_cast<std::uintptr_t>(now), std::memory_order_release); }
  // With no other thread left (cascade).
  [[nodiscard]] Header* alone() const { return reinterpret_cast<Header*>(word_.load(std::memory_order_relaxed)); }

 private:
  atomic<M, std::uintptr_t, "slot"> word_;
};

template <class Self>
concept counts_weak = requires(Self& self, typename Self::header& h) {
  self.weak_increment(h);
  { self.weak_decrement(h) } -> std::same_as<bool>;
};

template <class Heap, class Memory>
class counting_heap {
 public:
  using memory = Memory;
  static constexpr bool instrumented = true;
  static constexpr oracle_class oracle = oracle_class::exact;

  explicit counting_heap(const heap_config&) {}
  counting_heap(const counting_heap&) = delete;
  counting_heap& operator=(const counting_heap&) = delete;

  [[nodiscard]] std::int64_t live() const { return counters_.objects(); }
  [[nodiscard]] std::int64_t live_bytes() const { return counters_.bytes(); }
  void settle() {}
  live_counters& counters() { return counters_; }

 private:
  live_counters counters_;
};

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
  template <class T>
  struct shared_slot : lockbit_word<memory, Header> {};
  template <class T>
  using weak = counted_weak<Header, T>;
  template <class T>
  struct weak_slot : weak_slot_base<memory, Header> {};

  explicit counting_context(Heap& heap) : heap_(heap) { heap_.counters().attach(live_); }
  ~counting_context() { heap_.counters().detach(live_); }
  counting_context(const counting_context&) = delete;
  counting_context& operator=(const counting_context&) = delete;

  template <class T, class... Args>
  [[nodiscard]] ref<T> make(extent e, Args&&... args) {
    static_assert(sizeof(Header) % alignof(T) == 0 && alignof(T) <= 16);
    std::size_t bytes = sizeof(Header) + sizeof(T) + e.bytes;
    if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
    void* block = self().allocate(bytes);
    __builtin_memset(block, 0, bytes);
    auto* h = new (block) Header;
    h->word.init(type_number<Self, T>, bytes);
    self().init(*h);
    new (h + 1) T(std::forward<Args>(args)...);
    live_.made(bytes);
    return {h};
  }

  template <class T>
  [[nodiscard]] T& get(const ref<T>& r) const {
    return *payload<T>(r.at);
  }
  template <class T>
  [[nodiscard]] ref<T> copy(const ref<T>& r) {
    self().increment(*r.at);
    return r;
  }
  template <class T>
  void drop(ref<T> r) {
    self().release(*r.at);
  }

  template <class T>
  [[nodiscard]] ref<T> load(slot<T>& s) {
    Header* h = s.word.load();
    if (h != nullptr) self().increment(*h);
    return {h};
  }
  template <class T>
  void store(slot<T>& s, ref<T> r) {
    Header* old = s.word.load();
    s.word.store(r.at);
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
    Header* h = s.lock();
    if (h != nullptr) self().increment(*h);
    s.unlock(h);
    return {h};
  }
  template <class T>
  [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
    share(r);
    Header* old = s.lock();
    s.unlock(r.at);
    return {old};
  }
  template <class T>
  void store(shared_slot<T>& s, ref<T> r) {
    if (ref<T> old = exchange(s, r)) drop(old);
  }
  template <class T>
  [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
    share(desired);
    Header* old = s.lock();
    const bool same = old == expected.at;
    s.unlock(same ? desired.at : old);
    if (same && old != nullptr) drop(ref<T>{old});
    return same;
  }

  template <class T>
  [[nodiscard]] parcel<T> pack(ref<T> r) {
    self().share(r);
    return r;
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
    self().weak_increment(*r.at);
    return {r.at};
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] ref<T> upgrade(const weak<T>& w) {
    return self().try_increment(*w.at) ? ref<T>{w.at} : ref<T>{};
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] weak<T> copy(const weak<T>& w) {
    self().weak_increment(*w.at);
    return w;
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  void drop(weak<T> w) {
    drop_weak(w.at);
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  [[nodiscard]] weak<T> load(weak_slot<T>& s) {
    Header* h = s.word.load();
    if (h != nullptr) self().weak_increment(*h);
    return {h};
  }
  template <class T, class S = Self>
    requires counts_weak<S>
  void store(weak_slot<T>& s, weak<T> w) {
    Header* old = s.word.load();
    s.word.store(w.at);
    if (old != nullptr) drop_weak(old);
  }

  template <class T>
  [[nodiscard]] auto* trailing_slots(T& object) const {
    return slots_behind<slot<typename T::trailing>>(object);
  }

  template <class T>
  void share(const ref<T>&) {}
  void poll() {}
  void quiesce() {}
  template <class F>
  void blocked(F&& f) {
    f();
  }

  // For the type table: the cascade's view of a dead object's slot.
  void visit_slot(slot_base<memory, Header>& s) { release_child(s.word.load()); }
  void visit_slot(lockbit_word<memory, Header>& s) { release_child(s.alone()); }
  void visit_slot(weak_slot_base<memory, Header>& s) {
    if constexpr (counts_weak<Self>) {
      if (Header* h = s.word.load()) drop_weak(h);
    }
  }

 protected:
  void* allocate(std::size_t bytes) { return memory::alloc(bytes); }
  void dispose(Header& h) {
    if constexpr (counts_weak<Self>) {
      drop_weak(&h);
    } else {
      memory::free(&h);
    }
  }
  void drop_weak(Header* h) {
    if (self().weak_decrement(*h)) memory::free(h);
  }

  void release(Header& h) {
    if (self().decrement(h)) [[unlikely]] reclaim(h);
  }
  // Frees `dead` and all that only it kept alive, in constant extra memory. A hook that finds more dead objects while a
  // cascade runs (a queue merged for another thread) may call it too: the running cascade takes them, without recursion.
  [[gnu::noinline]] void reclaim(Header& dead) {
    bury(dead);
    if (in_cascade_) return;
    in_cascade_ = true;
    while (buried_ != nullptr) {
      Header& h = *buried_;
      buried_ = h.word.template link<Header>();
      type_table<Self>::entries[h.word.type()].visit(self(), &h + 1);
      self().dispose(h);
    }
    in_cascade_ = false;
  }
  void bury(Header& dead) {
    live_.freed(dead.word.bytes());
    dead.word.set_link(buried_);
    buried_ = &dead;
  }
  template <class T>
  static T* payload(Header* h) {
    return std::launder(reinterpret_cast<T*>(h + 1));
  }
  Self& self() { return static_cast<Self&>(*this); }

  Heap& heap_;
  live_counter live_;

 private:
  void release_child(Header* child) {
    if (child != nullptr && self().decrement(*child)) bury(*child);
  }
  Header* buried_ = nullptr;
  bool in_cascade_ = false;
};

// A place for shared test state: one counted ref.
template <class Heap, class T>
class counted_root {
 public:
  using context = typename Heap::context;
  using ref = typename Heap::template ref<T>;
  explicit counted_root(Heap&) {}
  void store(context& c, ref r) {
    if (r) c.share(r);
    if (ref_) c.drop(ref_);
    ref_ = r;
  }
  [[nodiscard]] ref load(context& c) { return ref_ ? c.copy(ref_) : ref{}; }
  [[nodiscard]] T* get() const { return ref_ ? reinterpret_cast<T*>(ref_.at + 1) : nullptr; }

 private:
  ref ref_;
};

}  // namespace tally
