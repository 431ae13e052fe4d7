// What CPython itself allocates while it runs an object program: its counters see these objects as they see the program's. Without
// them a collection would come some statements later than it does there. Seen on 3.11.2, 3.12.1 and 3.13.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "harness/watch/watched_heap.hpp"

namespace tally {

class python_allocations {
 public:
  // Beside the program live what the interpreter started with; only the quarter rule for full collections asks how many these are.
  // scripts/tally_objects/runner.py makes them exactly so many.
  static constexpr std::uint64_t outside = 8000;

  // Before the first statement. A script that watches its collector begins with a young collection, which the counter of
  // generation 1 has seen.
  void begin(watched_heap& heap, std::string_view rule) {
    heap_ = &heap;
    // 3.11 kept freed lists, too, and there was one.
    list_is_kept_ = rule == "3.11";
    // Up to 3.12 one callback was made without a tuple.
    least_told_ = rule == "3.11" || rule == "3.12" ? 2 : 1;
    heap.add_outside(outside - 1);  // and the one that holds the variables
    heap.collect(0);
    heap.make_function();
  }

  // Tuples count when they are made, but for those that are taken from a list of freed ones, one list per size; what is put there
  // is not counted as freed.
  void make_tuple(std::size_t size) {
    if (kept_.erase(size) == 0) heap_->add_allocation();
  }
  void free_tuple(std::size_t size) { kept_.insert(size); }

  // The arguments of a call.
  void weak_arguments_made() {
    make_tuple(2);
    heap_->hold_tuple();
  }
  void weak_arguments_freed() {
    heap_->release_tuple();
    free_tuple(2);
  }
  void passed(std::size_t arguments) {
    make_tuple(arguments);
    free_tuple(arguments);
  }
  // The callbacks of an object that dies: weak references and callbacks are put in one tuple.
  void telling(std::size_t observers) {
    if (observers < least_told_) return;
    make_tuple(2 * observers);
    heap_->hold_tuple();
  }
  void told(std::size_t observers) {
    if (observers < least_told_) return;
    heap_->release_tuple();
    free_tuple(2 * observers);
  }
  // A full collection empties the lists of freed objects, and those who are told of it get a dictionary.
  void collected(int generation) {
    if (generation != 2) return;
    kept_.clear();
    list_is_kept_ = false;
    heap_->add_allocation();
  }
  // Asking for the state with the collector off: the list of all objects, its generation as an argument, and three counters.
  void state_asked() {
    if (!list_is_kept_) heap_->add_allocation();
    list_is_kept_ = true;
    passed(1);
    passed(3);
  }

 private:
  watched_heap* heap_ = nullptr;
  bool list_is_kept_ = false;
  std::size_t least_told_ = 1;
  std::set<std::size_t> kept_;  // sizes of tuples
};

}  // namespace tally
