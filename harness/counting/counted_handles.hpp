// What counting strategies hand out and hold: a ref, a weak ref, the places that hold them, and a root. Each is the address of
// an object's header and nothing else.
#pragma once

#include <utility>

#include "harness/contract/strategy.hpp"

namespace tally {

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
    if (r) c.share(r);
    const ref old = std::exchange(ref_, r);  // first: a destructor may look here, or store
    if (old) c.drop(old);
  }
  [[nodiscard]] ref load(context& c) { return ref_ ? c.copy(ref_) : ref{}; }
  [[nodiscard]] T* get() const { return ref_ ? reinterpret_cast<T*>(ref_.at + 1) : nullptr; }

 private:
  ref ref_;
};

}  // namespace tally
