// Who holds a reference to an object: the question of every hunt for a leak.
#pragma once

#include <string>
#include <vector>

#include "harness/watch/object_program.hpp"
#include "harness/watch/watched_heap.hpp"

namespace tally {

// A line for each holder of what the variable holds: "a (variable)", "a.0.1 (slot 1 of b#2)", "garbage (slot 0 of c#3)", "w (weak
// reference w#4)". First is the shortest way there from a variable, or "garbage" where there is none. Empty: it holds nothing.
[[nodiscard]] std::vector<std::string> holders_of(const object_graph&, const object_program&, watched_variable);
// Slots and variables that refer to it.
[[nodiscard]] std::uint64_t count_references(const object_graph&, watched_variable);
// "a#1, b#2 and 7 more": what no variable reaches. Empty: there is none.
struct garbage_found {
  std::size_t objects = 0;
  std::string names;
};
[[nodiscard]] garbage_found garbage_in(const object_graph&, const object_program&);

}  // namespace tally
