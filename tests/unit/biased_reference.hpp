// CPython's free-threaded counting of one object, once more: as plainly as it can be said, and from nothing of biased.hpp. The names of
// its functions stand at what does the same here ([PEP703]; Include/refcount.h, Objects/object.c, Python/brc.c). One thing happens at a
// time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <set>
#include <string_view>

namespace unit_biased_spec {

enum class op {
  owners_copy,
  copy,
  owners_drop,
  drop,
  owners_try,
  try_copy,
  owners_weak,
  weak,
  poll,
  block,
  unblock,
  leave,
  inherit
};
constexpr std::array<std::string_view, 13> op_names{"owner copies",
                                                    "other copies",
                                                    "owner drops",
                                                    "other drops",
                                                    "owner tries",
                                                    "other tries",
                                                    "owner makes a weak ref",
                                                    "other makes a weak ref",
                                                    "owner polls",
                                                    "owner blocks",
                                                    "owner unblocks",
                                                    "owner leaves",
                                                    "a context gets the owner's id"};

enum class thread_is { running, blocked, gone };

// CPython's object and what is known of it. `owned`: ob_tid is the owner's id, and not 0.
struct counted {
  static constexpr std::int64_t maybe_weak = 1, queued = 2, merged = 3, flags = 3, one = 4;
  bool owned = true;
  std::int64_t local = 1, shared = 0;
  bool in_queue = false, dead = false;
  thread_is owner = thread_is::running;
  int refs = 1, weak_refs = 0;
  friend auto operator<=>(const counted&, const counted&) = default;
};

// One operation on it. `ways`: that operations have gone so far.
class spec {
 public:
  spec(counted& of, bool merges_for_the_blocked, std::set<std::string_view>& ways)
      : o_(of), merges_for_the_blocked_(merges_for_the_blocked), ways_(ways) {}

  // Whether a user of the object can make it: references are there to be copied and dropped, memory to be looked at.
  [[nodiscard]] bool possible(op what) const {
    const bool runs = o_.owner == thread_is::running, memory = !o_.dead || o_.weak_refs != 0;
    switch (what) {
      case op::owners_copy:
      case op::owners_drop: return runs && o_.refs != 0;
      case op::copy:
      case op::drop: return o_.refs != 0;
      case op::owners_try: return runs && memory;
      case op::try_copy: return memory;
      case op::owners_weak: return runs && o_.refs != 0 && o_.weak_refs == 0;
      case op::weak: return o_.refs != 0 && o_.weak_refs == 0;
      case op::poll:
      case op::block:
      case op::leave: return runs && memory;
      case op::unblock: return o_.owner == thread_is::blocked;
      case op::inherit: return o_.owner == thread_is::gone;
    }
    return false;
  }
  void make(op what) {
    switch (what) {
      case op::owners_copy: return increment(o_.owned);
      case op::copy: return increment(false);
      case op::owners_drop: return decrement(o_.owned);
      case op::drop: return decrement(false);
      case op::owners_try: return try_increment(o_.owned);
      case op::try_copy: return try_increment(false);
      case op::owners_weak:
      case op::weak: return make_weak();
      case op::poll: return merge_queue();
      case op::block: return merge_queue(), set(thread_is::blocked);
      case op::unblock: return set(thread_is::running);
      case op::leave: return merge_queue(), set(thread_is::gone);  // what is not queued is not touched
      case op::inherit: return set(thread_is::running);  // a new thread may get an old one's id, and owns what that made
    }
  }

 private:
  void goes(std::string_view way) { ways_.insert(way); }
  void set(thread_is s) { o_.owner = s; }
  void dealloc() { o_.dead = true; }

  // Py_INCREF
  void increment(bool by_owner) {
    by_owner ? o_.local += 1 : o_.shared += counted::one;
    ++o_.refs;
  }
  // Py_DECREF
  void decrement(bool by_owner) {
    --o_.refs;
    if (!by_owner) return decrement_shared();
    if (--o_.local == 0) merge_zero_local();
  }
  // _Py_DecRefSharedIsDead
  void decrement_shared() {
    if (o_.shared == 0 || o_.shared == counted::maybe_weak) {
      goes(o_.shared == 0 ? "queued from 0" : "queued from maybe_weak");
      o_.shared = counted::queued;
      return enqueue();
    }
    o_.shared -= counted::one;
    if (o_.shared < 0) goes("below 0 while queued");
    if (o_.shared != counted::merged) return;
    goes("freed by the last drop of a merged object");
    dealloc();
  }
  // _Py_MergeZeroLocalRefcount
  void merge_zero_local() {
    if (o_.shared == 0) {
      goes("freed by its owner, which nobody else counted");
      return dealloc();
    }
    goes((o_.shared & counted::flags) == counted::queued ? "given up while queued" : "given up");
    o_.owned = false;
    o_.shared |= counted::merged;
    if (o_.shared != counted::merged) return;
    goes("freed by its owner, after weak refs");
    dealloc();
  }
  // _Py_ExplicitMergeRefcount
  std::int64_t explicit_merge(std::int64_t extra) {
    const std::int64_t refcount = (o_.shared >> 2) + o_.local + extra;
    o_.local = 0;
    o_.owned = false;
    o_.shared = refcount * counted::one + counted::merged;
    return refcount;
  }
  // _Py_brc_queue_object. With one thread at a time nobody has merged since the word was written.
  void enqueue() {
    if (o_.owner == thread_is::gone) {
      goes("merged for an owner that is gone");
      if (explicit_merge(-1) == 0) dealloc();
      return;
    }
    o_.in_queue = true;
    if (o_.owner != thread_is::blocked) return;
    goes("queued to a blocked owner");
    if (!merges_for_the_blocked_) return;
    o_.in_queue = false;
    explicit_merge(0);
    decrement_shared();
  }
  // _Py_brc_merge_refcounts
  void merge_queue() {
    if (!o_.in_queue) return;
    goes(o_.owned ? "merged by its owner" : "merged when it was given up already");
    o_.in_queue = false;
    if (explicit_merge(-1) == 0) dealloc();
  }
  // _Py_TryIncref
  void try_increment(bool by_owner) {
    if (by_owner) return increment(true);
    if (o_.shared == 0 || o_.shared == counted::merged) {
      return goes(o_.shared == 0 ? "an upgrade refused the word 0" : "an upgrade refused the dead");
    }
    if (o_.shared == counted::queued) goes("an upgrade of what is queued with count 0");
    increment(false);
  }
  // _PyObject_SetMaybeWeakref
  void make_weak() {
    if ((o_.shared & counted::flags) == 0) o_.shared |= counted::maybe_weak;
    ++o_.weak_refs;
  }

  counted& o_;
  const bool merges_for_the_blocked_;
  std::set<std::string_view>& ways_;
};

}  // namespace unit_biased_spec
