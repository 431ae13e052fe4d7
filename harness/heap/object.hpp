// The word that every object of our own strategies starts with, and the table of object types.
//
// The word holds a 16-bit type number and 48 bits that mean, in the life of an object, first its size in bytes and a flag,
// and once it is dead a link. So a cascade of any length needs no memory: the dead are their own list. (CPython's trashcan
// links dead objects through a header field in the same way.) 48 bits hold any user-space address of x86-64 and AArch64
// without address tags; set_link() checks it in debug builds.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>

#include "harness/contract/strategy.hpp"

namespace tally {

struct no_rites {
  template <class T>
  [[nodiscard]] static no_rites of() {
    return {};
  }
};
// What a context wants to know of a type beside the following, or nothing.
template <class Context>
struct rites_for {
  using type = no_rites;
};
template <class Context>
  requires requires { typename Context::rites; }
struct rites_for<Context> {
  using type = typename Context::rites;
};

// What a context knows of a type T: how to visit the slots of one of its dead objects (the context's visit_slot is called with
// each), ending T's life if it has a destructor; where the context has a scan_slot, of a living one; and whether T says that its
// objects are confined.
template <class Context>
struct object_type {
  void (*visit)(Context&, void* payload) = nullptr;
  void (*scan)(Context&, void* payload) = nullptr;
  bool confined = false;
  [[no_unique_address]] typename rites_for<Context>::type rites{};
};

template <class Context>
struct type_table {
  static constexpr std::size_t capacity = 256;
  static inline std::array<object_type<Context>, capacity> entries{};
  static inline std::uint16_t count = 0;

  static std::uint16_t add(object_type<Context> t) {
    if (count == capacity) std::abort();
    entries[count] = t;
    return count++;
  }
};

// Visits the slots of a dead T and ends its life.
template <class T, class Context>
inline void visit_and_destroy(Context& c, void* payload) {
  T& object = *static_cast<T*>(payload);
  object.each_slot([&c](auto& slot) { c.visit_slot(slot); });
  if constexpr (!std::is_trivially_destructible_v<T>) object.~T();
}

// Whether a T can have slots: its visitor is asked, which is a constant once it is inlined. How many trailing ones there are only
// an object knows.
template <class T>
[[nodiscard, gnu::always_inline]] inline bool has_slots(T& object) {
  if constexpr (requires { typename T::trailing; }) return true;
  bool any = false;
  object.each_slot([&any](auto&) { any = true; });
  return any;
}

// Whether a T can hold references: weak ones are none. Its visitor is asked, of an object that never was: all zero, as memory is
// before T's constructor runs.
template <class T>
[[nodiscard, gnu::always_inline]] inline bool can_hold() {
  if constexpr (requires { typename T::trailing; }) return true;
  alignas(T) static std::byte nobody[sizeof(T)];
  bool any = false;
  reinterpret_cast<T*>(nobody)->each_slot([&any]<class Slot>(Slot&) { any = any || !requires { Slot::is_weak; }; });
  return any;
}

// T's number in the table of Context; entered before main() runs, in the binary's fixed order.
template <class Context, class T>
inline const std::uint16_t type_number =
    type_table<Context>::add({[](Context& c, void* payload) { visit_and_destroy<T>(c, payload); },
                              [](Context& c, void* payload) {
                                static_cast<T*>(payload)->each_slot([&c](auto& slot) {
                                  static_cast<void>(c);  // a counting context scans nothing
                                  if constexpr (requires { c.scan_slot(slot); }) c.scan_slot(slot);
                                });
                              },
                              confined_type<T>, rites_for<Context>::type::template of<T>()});

template <class M>
class object_word {
 public:
  static constexpr std::uint64_t low_bits = (std::uint64_t{1} << 48) - 1;
  static constexpr std::uint64_t flag_bit = std::uint64_t{1} << 47, finalized_bit = std::uint64_t{1} << 46;

  void init(std::uint16_t type, std::size_t bytes) { set(std::uint64_t{type} << 48 | bytes); }
  [[nodiscard]] std::uint16_t type() const { return static_cast<std::uint16_t>(get() >> 48); }

  // While alive. The flag is for the strategy (it says "other threads may read me" where shared slots need that). Owners of one
  // object may set it at the same time; whoever finds the object dead sees it, through the count.
  [[nodiscard]] std::size_t bytes() const { return get() & (finalized_bit - 1); }
  [[nodiscard]] bool flag() const { return (get() & flag_bit) != 0; }
  void set_flag() { word_.fetch_or(flag_bit, std::memory_order_relaxed); }
  // A finaliser runs once in an object's life. By whoever ends it, who is alone with it.
  [[nodiscard]] bool finalized() const { return (get() & finalized_bit) != 0; }
  void set_finalized() { set(get() | finalized_bit); }

  // In a heap that looks at cells (heap/block_heap.hpp): a zeroed cell is no object yet.
  [[nodiscard]] bool is_object() const { return get() != 0; }

  // Once dead: size and flag are gone.
  void set_link(const void* next) {
    const auto at = reinterpret_cast<std::uint64_t>(next);
    assert((at & ~low_bits) == 0);
    set((get() & ~low_bits) | at);
  }
  template <class Header>
  [[nodiscard]] Header* link() const {
    return reinterpret_cast<Header*>(get() & low_bits);
  }

 private:
  // relaxed: only the flag changes while more than one thread may look, and the count or the slot orders that.
  [[nodiscard]] std::uint64_t get() const { return word_.load(std::memory_order_relaxed); }
  void set(std::uint64_t v) { word_.store(v, std::memory_order_relaxed); }
  atomic<M, std::uint64_t, "type"> word_;
};

// What a header takes of an object's memory, and where the object is: an empty header takes nothing, both have one address.
template <class Header>
inline constexpr std::size_t header_size = std::is_empty_v<Header> ? 0 : sizeof(Header);
template <class Header>
[[nodiscard]] inline void* behind(Header* h) {
  return reinterpret_cast<std::byte*>(h) + header_size<Header>;
}

// The places of a T that has trailing slots: directly behind it.
template <class Slot, class T>
[[nodiscard]] Slot* slots_behind(T& object) {
  static_assert(alignof(Slot) <= alignof(T) || sizeof(T) % alignof(Slot) == 0);
  return reinterpret_cast<Slot*>(&object + 1);
}

}  // namespace tally
