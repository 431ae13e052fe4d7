// What else than its own work was inside an operation: noted where it happens, once each time and never on a fast path, in a word
// of the thread's own; read after each operation by who measures latencies (engine/lane.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace tally {

enum class delay {
  collection,      // of cycles beside counts, or of a traced heap, by this thread
  reconciliation,  // of deferred counts, by this thread
  stop,            // of the world, by this thread or by another one that this one waited for
  merge,           // of the counts of an object that other threads dropped
  cascade,         // many objects freed (engine/lane.hpp says how many)
  lock,            // a wait for the lock of an interpreter
  finalizer,       // or a callback of an observer
};

struct delay_info {
  std::string_view name;
  std::string_view what;  // "operations with WHAT inside them"
};
inline constexpr std::array<delay_info, 7> delay_table{{
    {"collection", "a collection of cycles or of the heap"},
    {"reconciliation", "a reconciliation of deferred counts"},
    {"stop", "a stop of the world, made or waited for,"},
    {"merge", "a merge of what other threads dropped"},
    {"cascade", "frees of 16 objects or more"},
    {"lock", "a wait for the interpreter's lock"},
    {"finalizer", "a finaliser, or an observer's callback,"},
}};
inline constexpr std::size_t delays = delay_table.size();
static_assert(delays == static_cast<std::size_t>(delay::finalizer) + 1);

class delay_bits {
 public:
  constexpr void add(delay d) { bits_ |= 1U << static_cast<unsigned>(d); }
  [[nodiscard]] constexpr bool has(std::size_t d) const { return (bits_ >> d & 1U) != 0; }
  [[nodiscard]] constexpr bool has(delay d) const { return has(static_cast<std::size_t>(d)); }
  [[nodiscard]] constexpr bool any() const { return bits_ != 0; }

 private:
  unsigned bits_ = 0;
};

// Of the calling thread, since they were last taken.
inline constinit thread_local delay_bits noted_delays;
[[nodiscard]] inline delay_bits take_delays() { return std::exchange(noted_delays, {}); }

}  // namespace tally
