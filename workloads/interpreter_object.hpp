// The objects of the model runtime: one C++ type for all of Python's, so that a stack holds refs of one type.
//
// Slots are plain ones: an object of a lane's own is that lane's, and what lanes share does not change, but for the shared slots of
// shared containers (kinds shared_list, shared_dict, shared_instance). These lie behind the plain ones, are read without a lock, and
// written under the container's.
#pragma once

#include <bit>
#include <new>
#include <type_traits>

#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"
#include "harness/interpreter/bytecode.hpp"

namespace tally::workloads {

template <class H>
struct racy_slot {
  template <class T>
  using of = typename H::template slot<T>;  // one thread: a program that shares does not run
};
template <class H>
  requires has_shared_slot<H>
struct racy_slot<H> {
  template <class T>
  using of = typename H::template shared_slot<T>;
};

template <class H>
struct interpreter_object {
  using trailing = interpreter_object;
  using kind = bytecode::kind;
  using slot = typename H::template slot<interpreter_object>;
  using racy = typename racy_slot<H>::template of<interpreter_object>;

  explicit interpreter_object(kind is, std::uint64_t value = 0, std::uint32_t plain = 0, std::uint16_t shared = 0)
      : slots(plain), racies(shared), what(is) {
    word.store(value);
    if (racies != 0) begin_racy_slots();
  }
  interpreter_object(const interpreter_object&) = delete;
  interpreter_object& operator=(const interpreter_object&) = delete;
  ~interpreter_object() = default;
  ~interpreter_object()
    requires(!std::is_trivially_destructible_v<racy>)
  {
    for (std::uint16_t i = 0; i < racies; ++i) racy_slots()[i].~racy();
  }

  static extent behind(std::uint32_t plain, std::uint16_t shared = 0) {
    return {.slots = plain, .bytes = static_cast<std::uint32_t>(shared * sizeof(racy))};
  }
  slot* plain_slots() { return slots_behind<slot>(*this); }
  racy* racy_slots() { return reinterpret_cast<racy*>(plain_slots() + slots); }
  void each_slot(auto&& f) {
    for (std::uint32_t i = 0; i < slots; ++i) f(plain_slots()[i]);
    for (std::uint16_t i = 0; i < racies; ++i) f(racy_slots()[i]);
  }

  // Out of line: where an object's memory is in sight, the compiler warns of slots behind one that has none.
  [[gnu::noinline]] void begin_racy_slots() {
    for (std::uint16_t i = 0; i < racies; ++i) new (static_cast<void*>(racy_slots() + i)) racy;
  }

  [[nodiscard]] std::int64_t whole() const { return static_cast<std::int64_t>(word.load()); }
  [[nodiscard]] double real() const { return std::bit_cast<double>(word.load()); }

  const std::uint32_t slots;
  const std::uint16_t racies;
  const kind what;
  var<typename H::memory, std::uint64_t, "payload"> word;
};

// An object for one number; and one with slots. Each strategy has them once, out of line, as CPython's allocation is.
template <class H>
[[gnu::noinline]] auto boxed(typename H::context& c, bytecode::kind what, std::uint64_t word) {
  return make<interpreter_object<H>>(c, {}, what, word);
}
template <class H>
[[gnu::noinline]] auto slotted(typename H::context& c, bytecode::kind what, std::uint64_t word, std::uint32_t plain,
                               std::uint16_t shared = 0) {
  return make<interpreter_object<H>>(c, interpreter_object<H>::behind(plain, shared), what, word, plain, shared);
}

// A store where nobody counts instructions: the old value's end is not in line.
template <class H>
[[gnu::noinline]] void set(typename H::context& c, typename interpreter_object<H>::slot& place,
                           typename H::template ref<interpreter_object<H>> value) {
  c.store(place, value);
}

}  // namespace tally::workloads
