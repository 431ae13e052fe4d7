// What the replay of a recording with slot writes runs: a stream of words, as in replay_plan.hpp, but one for all threads in the
// recorded order, since the order of two writes to a slot decides what lives. Every reference is counted: pairs are not looked for.
//
// A word is an operation in its top four bits and a position in the table of objects in the rest; a store takes two words more: the
// number of the slot, and the position that it refers to, or `no_position`.
//
// Objects from before live as long as the replay, which has one reference to each for itself. So has every heap the same objects
// to take and drop, whether it has found some of them dead in the recording or not.
#pragma once

#include <cstdint>
#include <vector>

namespace tally::recorded {

enum class graph_op : std::uint32_t {
  take,
  drop,
  make,
  store,
  sample,  // no operation: the recording's live bytes are at their maximum
  // In the layout `rooted`: the threads begin to have references to the object, or cease to.
  hold,
  release,
};

inline constexpr std::uint32_t no_position = ~std::uint32_t{0};

// An object that the recording makes and does not end.
struct left_object {
  std::uint32_t position = 0;
  std::uint16_t lane = 0;
  std::uint32_t references = 0;
};

// One that counting alone does not free.
struct cyclic_object {
  std::uint32_t position = 0, slots = 0;
};

struct graph_plan {
  struct newborn {
    std::uint32_t bytes = 0, slots = 0;  // recorded
  };
  std::vector<std::uint32_t> words;
  std::vector<newborn> births;    // of each make in turn
  std::vector<left_object> left;  // those that threads refer to
  std::vector<cyclic_object> cyclic;
  // Objects that the recording makes, at its end: what counting has not freed, what the threads' references reach, and what counting
  // does not free when all of these are dropped: cycles and what they reach. Objects from before that such cycles refer to.
  std::uint64_t alive = 0, reachable = 0, leaked = 0, existing_leaked = 0;
};

}  // namespace tally::recorded
