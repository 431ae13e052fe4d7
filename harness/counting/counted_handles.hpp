// What counting strategies hand out and hold: a ref, a weak ref, the places that hold them, and a root. Each is the address of
// an object's header and nothing else, but for the refs of a scheme that does not count all of them.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "harness/contract/strategy.hpp"

namespace tally {

// The address of an object, with bit 0 set in a ref that is not counted: copies of it are not either, and its drop is nothing. Only refs
// on a stack are like that; slots, parcels and roots hold what is counted.
// Source: [CPython], Include/internal/pycore_stackref.h.
template <class Header>
class taggable_address {
 public:
  taggable_address() = default;
  taggable_address(Header* h) : bits_(reinterpret_cast<std::uintptr_t>(h)) {}
  [[nodiscard]] static taggable_address uncounted(Header& h) {
    taggable_address a(&h);
    a.bits_ |= 1;
    return a;
  }
  [[nodiscard]] bool is_uncounted() const { return (bits_ & 1) != 0; }
  operator Header*() const { return reinterpret_cast<Header*>(bits_ & ~std::uintptr_t{1}); }
  Header* operator->() const { return *this; }

 private:
  std::uintptr_t bits_ = 0;
};

// A header whose objects may have such refs says so: `static constexpr bool has_uncounted_refs = true`.
template <class Header>
concept taggable = requires { requires Header::has_uncounted_refs; };

namespace detail {
template <class Header>
struct address_in_ref {
  using type = Header*;
};
template <taggable Header>
struct address_in_ref<Header> {
  using type = taggable_address<Header>;
};
}  // namespace detail

template <class Header, class T>
struct counted_ref {
  typename detail::address_in_ref<Header>::type at = nullptr;
  [[nodiscard]] explicit operator bool() const { return at != nullptr; }
  friend bool operator==(counted_ref, counted_ref) = default;
};

template <class Header, class T>
[[nodiscard]] bool is_uncounted(const counted_ref<Header, T>& r) {
  if constexpr (taggable<Header>) {
    return r.at.is_uncounted();
  } else {
    return false;
  }
}

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
  static constexpr bool is_weak = true;
  var<M, Header*, "slot"> word;
};

// A place for shared test state: one counted ref.
template <class Heap, class T>
class counted_root {
 public:
  using context = typename Heap::context;
  using ref = typename Heap::template ref<T>;
  explicit counted_root(Heap&) {}
  void store(context& c, ref r) {
    if (r) r = c.unpack(c.pack(r));          // shared, and counted
    const ref old = std::exchange(ref_, r);  // first: a destructor may look here, or store
    if (old) c.drop(old);
  }
  [[nodiscard]] ref load(context& c) { return ref_ ? c.copy(ref_) : ref{}; }
  [[nodiscard]] T* get() const { return ref_ ? reinterpret_cast<T*>(ref_.at + 1) : nullptr; }

 private:
  ref ref_;
};

}  // namespace tally
