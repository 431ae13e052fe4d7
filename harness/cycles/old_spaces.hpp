// rule=incremental, CPython 3.14.0 to 3.14.4: what is old is in two spaces, visited and pending, instead of two generations.
//
// A pass goes once over all that was old when it began. Each collection that comes by itself is an increment of it: what is young,
// and pending objects with all pending ones that they reach, as many as there is work to do. What survives is visited; when nothing is
// pending the spaces swap, and the next pass begins. So a cycle of pending objects is never split: who reaches one of them reaches
// all. One that was partly young or visited when it became garbage is found in the next pass.
//
// The work is what was made since the last increment and two shares of the heap, of which the first is at most half as much again
// as what was made. What an increment takes beyond its work, because an object reached so much, the next ones do less.
//
// A pass begins with an increment that only marks: what stacks and modules hold is visited, without being looked at. A heap has no
// such roots here, so that nothing is marked, and increments look at what Python's would not.
//
// Not thread-safe. Source: [CPython], Python/gc.c of 3.14.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "harness/cycles/gc_head.hpp"

namespace tally {

template <class M>
class old_spaces {
 public:
  using head = gc_head<M>;
  using list = gc_list<M>;

  [[nodiscard]] list& visited() { return spaces_[visited_ - 1]; }
  [[nodiscard]] list& pending() { return spaces_[2 - visited_]; }

  void add(list& survivors) {
    survivors.for_each([this](head& h) { h.set_space(visited_); });
    visited().merge(survivors);
  }
  // Out of whatever list it is in.
  void add(head& h) {
    visited().move_here(h);
    h.set_space(visited_);
  }
  void move_all(list& to) {
    for (list& space : spaces_) {
      space.for_each([](head& h) { h.set_space(0); });
      to.merge(space);
    }
  }
  // For what visits the references of an object of an increment.
  void reached(head& h) {
    if (h.space() == pending_number()) take(h);
  }

  // What the next increment looks at, where `made` is how many were made since the last one and `share` how many are a share of the
  // heap. visit(head) calls reached() with all that an object holds.
  template <class Visit>
  [[nodiscard]] list& increment(list& young, std::uint64_t made, std::uint64_t share, Visit&& visit) {
    work_ += static_cast<std::int64_t>(made + std::min(share, made * 3 / 2));
    size_ = 0;
    marks_ = std::exchange(begins_, false);
    if (marks_) return increment_;
    young.for_each([this](head&) { ++size_; });
    increment_.merge(young);
    while (size_ < work_ && !pending().empty()) {
      head& h = *pending().first();
      take(h);
      increment_.for_each_from(h, visit);
    }
    return increment_;
  }
  [[nodiscard]] list& everything(list& young) {
    for (list* l : {&visited(), &pending(), &young}) increment_.merge(*l);
    return increment_;
  }
  // The increment was collected. True: it was its pass's last.
  bool completed(std::uint64_t share) {
    if (marks_) return false;
    work_ += static_cast<std::int64_t>(share) - size_;
    if (!pending().empty()) return false;
    swap();
    return true;
  }
  void swap() {
    visited_ = pending_number();
    work_ = 0;
    begins_ = true;
  }

 private:
  [[nodiscard]] unsigned pending_number() const { return 3 - visited_; }
  void take(head& h) {
    increment_.move_here(h);  // in no space then
    ++size_;
  }

  std::array<list, 2> spaces_;
  list increment_;
  unsigned visited_ = 1;   // the number of that space; gc_head::space()
  bool begins_ = true;     // a pass
  bool marks_ = false;     // this increment
  std::int64_t work_ = 0;  // objects to be looked at; below 0: so many too many were
  std::int64_t size_ = 0;  // of this increment
};

}  // namespace tally
