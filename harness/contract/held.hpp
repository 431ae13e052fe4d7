// Memory that a heap has taken from its allocator and not given back, and what it keeps it for besides objects that live.
//
//   h.held()   held_memory, where a heap can tell (reports_held). From any thread and at any time, as live_bytes(): sums that are
//              exact once every context is detached, and read at slightly different moments while they run
//
// Of the causes, retired, queued and undecided are parts of live_bytes(), which is what was not freed yet; weak, logged and headroom
// are beside it. So live_bytes() is too much for an answer to "what lives", and too little for "what does it take"; this is the latter.
// Not in it is what malloc keeps for itself: that is the process's, and no heap's (docs/methodology.md, "Memory that is held").
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tally {

// weak       dead objects whose memory stays, because weak refs of them exist
// retired    dead objects that a reader inside of an epoch might still look at
// queued     objects in owners' queues: others dropped them last, and their owner has not looked yet (some may be alive)
// undecided  objects made since the last stop of the world: which of them are dead, the next one says
// logged     logs of references that the next stop counts
// headroom   mapped, and in no object: free cells and blocks, and the heap's tables
enum class held_cause { weak, retired, queued, undecided, logged, headroom };
inline constexpr std::array<std::string_view, 6> held_names{"weak", "retired", "queued", "undecided", "logged", "headroom"};
inline constexpr std::size_t held_causes = held_names.size();
static_assert(held_causes == static_cast<std::size_t>(held_cause::headroom) + 1);

// In bytes.
struct held_memory {
  std::int64_t taken = 0;                            // from the allocator and not given back, live objects included
  bool told = false;                                 // the heap says why; else `taken` is what it has not freed
  std::array<std::int64_t, held_causes> by_cause{};  // parts of `taken`

  [[nodiscard]] std::int64_t& of(held_cause c) { return by_cause[static_cast<std::size_t>(c)]; }
  [[nodiscard]] std::int64_t of(held_cause c) const { return by_cause[static_cast<std::size_t>(c)]; }
};

template <class H>
concept reports_held = requires(const H& h) {
  { h.held() } -> std::same_as<held_memory>;
};

}  // namespace tally
