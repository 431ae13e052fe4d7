// Memory policies: one source, several worlds.
//
// Everything that a strategy counts with (counts, owner words, slots, locks, queue links), and every payload field whose
// traffic a workload wants to see, is a tally::atomic<M, T, "name"> or a tally::var<M, T, "name"> of a memory policy M. The
// policy decides what an access is: a plain machine instruction (native), an instruction that also watches for foreign
// writers (observed), an event of the virtual multicore (simulated), a step of a model checker (modelled). The strategy's
// source is the same in all of them; that is why what is measured is what was checked.
//
// The name is what traffic is reported by: "count", "owner", "weak", "slot", "lock", "queue", "type", "payload" ... One name
// may be used by many fields; they are reported together.
//
// Rules for strategies and workloads: no std::atomic, no std::mutex, no thread_local, no bare spin loop, no clock of their
// own. What they need of the world is below.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "harness/memory/delays.hpp"

namespace tally {

// A string that can be a template argument.
template <std::size_t N>
struct field_name {
  char text[N]{};
  constexpr field_name(const char (&s)[N]) { std::copy_n(s, N, text); }
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

// A shared word. Every operation takes its memory order; there are no defaults, so that each order is a decision.
//   load(order) store(v, order) exchange(v, order) fetch_add/fetch_sub/fetch_or/fetch_and(v, order)
//   compare_exchange_weak/strong(expected&, desired, success order, failure order)
template <class M, class T, field_name Name>
using atomic = typename M::template atomic<T, Name>;

// A word that at most one thread at a time may touch (race-free by the strategy's own argument): load(), store(v).
template <class M, class T, field_name Name>
using var = typename M::template var<T, Name>;

// A policy for a few threads can have tables as small as they get, so that what is rare elsewhere is the rule there.
template <class M>
inline constexpr bool crowded = requires { requires M::crowded; };

// True when the policy wants the protocol step of this name done wrongly: how tests prove that they would notice. A constant
// false for every policy but one that has mutant(name), so that the measured code is the same without it.
template <class M, field_name Step>
[[nodiscard]] constexpr bool mutant() {
  if constexpr (requires { M::mutant(Step.view()); }) {
    return M::mutant(Step.view());
  } else {
    return false;
  }
}

// The stack of the calling thread or fiber, lowest address first. `high` is its base: scanning runs from a saved stack
// pointer up to it.
struct stack_range {
  const std::byte* low = nullptr;
  const std::byte* high = nullptr;
};

template <class M>
concept memory_policy = requires(M, typename M::mutex& lock, void* p, std::size_t bytes, std::uint64_t ns) {
  { M::name } -> std::convertible_to<std::string_view>;
  // True where now() is a real clock and threads are real: the measured engine takes only these.
  { M::measured } -> std::convertible_to<bool>;
  typename M::template atomic<std::uint32_t, "count">;
  typename M::template var<std::uint64_t, "payload">;
  // A bounded channel of trivially copyable items (parcels): try_push, try_pop. FIFO per producer.
  typename M::template channel<std::uintptr_t>;
  lock.lock();
  lock.unlock();
  { lock.try_lock() } -> std::same_as<bool>;
  // At least `bytes` bytes, aligned to 16, not initialised; never null (throws std::bad_alloc).
  { M::alloc(bytes) } -> std::same_as<void*>;
  M::free(p);
  // A hint inside a short wait; real waits use wait_until, which may give up the processor.
  M::pause();
  M::wait_until([] { return true; });
  {
    M::wait_until([] { return true; }, ns)
  } -> std::same_as<bool>;  // false: the deadline (in now()'s unit) came first
  // Monotonic; nanoseconds for native and observed, virtual cycles for simulated, polls for modelled.
  { M::now() } -> std::same_as<std::uint64_t>;
  { M::stack() } -> std::same_as<stack_range>;
  // Calls f(sp) with every callee-saved register's content stored at or above sp on this stack, and does not return
  // before f does. The only way for a thread to stop where roots are scanned.
  M::with_spilled_registers([](const std::byte*) {});
  // Calls f(word) for every word of [low, high), a part of a stopped stack.
  M::scan(static_cast<const std::byte*>(nullptr), static_cast<const std::byte*>(nullptr), [](std::uintptr_t) {});
};

// A policy that a heap of our own can live on (heap/block_heap.hpp). reserve(bytes) is address space, aligned to a page, that
// nobody may touch; commit(at, bytes) makes whole pages of it readable, writable and zero, once; unreserve gives all of it
// back. Addresses are the policy's choice (a simulated machine puts them where every run puts them).
template <class M>
concept reserving = requires(std::byte* at, std::size_t bytes) {
  { M::reserve(bytes) } -> std::same_as<std::byte*>;
  M::commit(at, bytes);
  M::unreserve(at, bytes);
};

// Four things that a policy may want to know and that cost nothing where it does not.
//
// Which way an operation went, by a name that is counted: "fast", "slow", "queued", "merged", "immortal", "deferred" ...
template <class M, field_name Path>
inline void note_path() {
  if constexpr (requires { M::template note_path<Path>(); }) M::template note_path<Path>();
}
// The same of work that comes round again, for what many operations left behind or because their time is over: a collection, a
// reconciliation, a turn with the GIL. An average over fewer than a few of them is no average.
template <class M, field_name Path>
inline void note_periodic() {
  if constexpr (requires { M::template note_periodic<Path>(); }) M::template note_periodic<Path>();
}
// Something that delays an operation (memory/delays.hpp): a few instructions where threads and clock are real.
template <class M, delay D>
inline void note_delay() {
  if constexpr (requires { M::template note_delay<D>(); }) M::template note_delay<D>();
}
// Zeroes memory before it is used: traffic like any other.
template <class M>
inline void zero_memory(void* at, std::size_t bytes) {
  if constexpr (requires { M::zeroed(at, bytes); }) M::zeroed(at, bytes);
  __builtin_memset(at, 0, bytes);
}

}  // namespace tally
