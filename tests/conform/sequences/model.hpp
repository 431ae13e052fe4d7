// What a sequence must leave: who owns what.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace tally::conform {

// Cells of one kind that are not in use.
class cell_pool {
 public:
  explicit cell_pool(int n) {
    for (int i = n; i-- > 0;) free_.push_back(i);
  }
  [[nodiscard]] std::size_t left() const { return free_.size(); }
  int take() {
    const int i = free_.back();
    free_.pop_back();
    return i;
  }
  void give(int i) { free_.push_back(i); }

 private:
  std::vector<int> free_;
};

// An object is owned by handles, and by slots of owned objects. Slots only refer to older objects, so that there are no cycles,
// and counting schemes and collectors mean the same by it. What has no owner any more may be there still, and be found by a weak
// ref: it keeps its slots here, too, so that it can come back with all that it refers to.
class model {
 public:
  struct object {
    int owners = 0;
    bool shared = false;               // more than one context may reach it
    std::array<int, 2> slots{-1, -1};  // the plain and the shared one
    int weak_slot = -1;
    bool released = false;  // it was immortal, and is no more
  };
  enum { plain, racy };

  int make() {
    all_.emplace_back();
    own(static_cast<int>(all_.size()) - 1);
    return static_cast<int>(all_.size()) - 1;
  }
  // A constructor threw: there is no object. Its memory may be counted as one until it is looked for.
  void make_in_vain() { ++in_vain_; }
  void own(int i) {
    if (at(i).owners++ != 0) return;
    ++owned_;
    for (const int to : at(i).slots) {
      if (to >= 0) own(to);
    }
  }
  void disown(int i) {
    if (--at(i).owners != 0) return;
    --owned_;
    for (const int to : at(i).slots) {
      if (to >= 0) disown(to);
    }
  }
  void share(int i) {
    if (i < 0 || std::exchange(at(i).shared, true)) return;
    for (const int to : at(i).slots) share(to);
    share(at(i).weak_slot);
  }
  // Its life ends whoever owns it.
  void end(int i) {
    at(i).released = true;
    at(i).owners = 1;
    disown(i);
  }
  // Whether a slot refers to it, of an object that has owners or of one that may be there still.
  [[nodiscard]] bool in_a_slot(int i) const {
    return std::any_of(all_.begin(), all_.end(), [i](const object& o) { return std::ranges::count(o.slots, i) != 0; });
  }
  object& at(int i) { return all_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] std::int64_t made() const { return static_cast<std::int64_t>(all_.size()); }
  [[nodiscard]] std::int64_t in_vain() const { return in_vain_; }
  [[nodiscard]] std::int64_t owned() const { return owned_; }

 private:
  std::vector<object> all_;
  std::int64_t owned_ = 0, in_vain_ = 0;
};

}  // namespace tally::conform
