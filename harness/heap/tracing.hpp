// What tracing strategies have in common: refs are bare words, and all that touches them is a move.
//
// A tracing strategy supplies make, pack, unpack, peek(parcel), poll, blocked, collect and quiesce; from here come refs, slots,
// shared slots and borrowing. `Header` is what stands before an object, if only an empty class; refs and slots hold its
// address. Slots have trace(worker), which calls worker.grey(header*), for a strategy that marks by itself.
#pragma once

#include <new>

#include "harness/heap/object.hpp"

namespace tally {

template <class Header, class T>
struct traced_ref {
  Header* at = nullptr;
  [[nodiscard]] explicit operator bool() const { return at != nullptr; }
  friend bool operator==(traced_ref, traced_ref) = default;
};

template <class M, class Header, class T>
struct traced_slot {
  var<M, Header*, "slot"> word;
  void trace(auto& worker) { worker.grey(word.load()); }
};

template <class M, class Header, class T>
struct traced_shared_slot {
  tally::atomic<M, Header*, "slot"> word;
  void trace(auto& worker) { worker.grey(word.load(std::memory_order_relaxed)); }  // relaxed: the world is stopped
};

template <class M, class Header>
class tracing_context {
 public:
  template <class T>
  using ref = traced_ref<Header, T>;
  template <class T>
  using slot = traced_slot<M, Header, T>;
  template <class T>
  using shared_slot = traced_shared_slot<M, Header, T>;

  template <class T>
  [[nodiscard]] T& get(const ref<T>& r) const {
    return *payload<T>(r.at);
  }
  template <class T>
  [[nodiscard]] ref<T> copy(const ref<T>& r) {
    return r;
  }
  template <class T>
  void drop(ref<T>) {}
  template <class T>
  void share(const ref<T>&) {}

  template <class T>
  [[nodiscard]] ref<T> load(slot<T>& s) {
    return {s.word.load()};
  }
  template <class T>
  void store(slot<T>& s, ref<T> r) {
    s.word.store(r.at);
  }
  template <class T>
  [[nodiscard]] ref<T> take(slot<T>& s) {
    Header* h = s.word.load();
    s.word.store(nullptr);
    return {h};
  }
  template <class T>
  [[nodiscard]] T* peek(const slot<T>& s) const {
    return payload_or_null<T>(s.word.load());
  }

  // acquire: pairs with the release of the store that published the object, so that its payload is seen.
  template <class T>
  [[nodiscard]] ref<T> load(shared_slot<T>& s) {
    return {s.word.load(std::memory_order_acquire)};
  }
  // release: pairs with the acquire in load(), borrow(), exchange() and compare_exchange().
  template <class T>
  void store(shared_slot<T>& s, ref<T> r) {
    s.word.store(r.at, std::memory_order_release);
  }
  template <class T>
  [[nodiscard]] ref<T> exchange(shared_slot<T>& s, ref<T> r) {
    return {s.word.exchange(r.at, std::memory_order_acq_rel)};
  }
  // No ABA: the caller holds `expected`, so its memory is not used again. relaxed on failure: nothing is read through it.
  template <class T>
  [[nodiscard]] bool compare_exchange(shared_slot<T>& s, const ref<T>& expected, ref<T> desired) {
    Header* was = expected.at;
    return s.word.compare_exchange_strong(was, desired.at, std::memory_order_acq_rel, std::memory_order_relaxed);
  }

  // What is borrowed is on the stack, where a scan finds it: a guard may even cross safepoints.
  template <class T>
  struct guard {
    T* object = nullptr;
    [[nodiscard]] T* get() const { return object; }
  };
  template <class T>
  [[nodiscard]] guard<T> borrow(shared_slot<T>& s) {
    return {payload_or_null<T>(s.word.load(std::memory_order_acquire))};  // acquire: as in load()
  }

  template <class T>
  [[nodiscard]] auto* trailing_slots(T& object) const {
    return slots_behind<slot<typename T::trailing>>(object);
  }

 protected:
  // Of an object of type T, header included.
  template <class T>
  [[nodiscard]] static constexpr std::size_t bytes_of(extent e) {
    // No destructor is ever run; the payload is aligned as the header is.
    static_assert(alignof(T) <= alignof(Header) && std::is_trivially_destructible_v<T>);
    std::size_t bytes = header_size<Header> + sizeof(T) + e.bytes;
    if constexpr (requires { typename T::trailing; }) bytes += e.slots * sizeof(slot<typename T::trailing>);
    return bytes;
  }
  template <class T>
  [[nodiscard]] static T* payload(Header* h) {
    return std::launder(static_cast<T*>(behind(h)));
  }
  template <class T>
  [[nodiscard]] static T* payload_or_null(Header* h) {
    return h == nullptr ? nullptr : payload<T>(h);
  }
};

}  // namespace tally
