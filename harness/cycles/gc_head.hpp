// What stands before the header of an object that can be part of a cycle: two words, CPython's PyGC_Head. And lists of such
// objects, doubly linked through these words, so that one leaves its list in constant time wherever it dies.
//
// Outside of a collection the words are the neighbours. In one, `prev` holds a count and a bit that says so; the list is then
// linked one way only. What was seen with a count of zero is on a list of its own, doubly linked again, with that bit and one in
// `next`: so that it is found there, and can come back. Two bits more of `prev` say outside of a collection in which of two spaces
// an object is.
#pragma once

#include <cstdint>

#include "harness/memory/policy.hpp"

namespace tally {

template <class M>
class gc_list;

template <class M>
class gc_head {
 public:
  [[nodiscard]] bool tracked() const { return next_.load(relaxed) != 0; }
  [[nodiscard]] gc_head* next() const { return at(next_.load(relaxed)); }

  // Where a walk over the heap finds it: its first word is like no other cell's. A header begins with a small type number, and a
  // free cell with an address.
  void mark() { next_.store(walked, relaxed); }
  void unmark() { next_.store(0, relaxed); }
  [[nodiscard]] bool marked() const { return next_.load(relaxed) == walked; }

  // Of a dead one, in nobody's list.
  void link(void* next) { prev_.store(reinterpret_cast<std::uintptr_t>(next)); }
  [[nodiscard]] void* linked() const { return reinterpret_cast<void*>(prev_.load()); }

  // Which of two lists of old objects it is in (old_spaces.hpp), 1 or 2; 0: neither. Who leaves a list or begins is in neither.
  [[nodiscard]] unsigned space() const { return static_cast<unsigned>(prev_.load() & space_bits) >> 1; }
  void set_space(unsigned number) { prev_.store((prev_.load() & ~space_bits) | std::uintptr_t{number} << 1); }

  // In a collection: how many references to it were not found yet.
  void begin(std::uint64_t references) { prev_.store(references << 1 | collecting_bit); }
  [[nodiscard]] bool collecting() const { return (prev_.load() & collecting_bit) != 0; }
  [[nodiscard]] std::uint64_t references() const { return prev_.load() >> 1; }
  void found_one() {
    const std::uintptr_t now = prev_.load();
    if ((now & collecting_bit) != 0) prev_.store(now - 2);
  }
  // Of one that was split off: a neighbour like any other.
  void end() {
    prev_.store(prev_.load() & ~collecting_bit);
    next_.store(next_.load(relaxed) & ~unreachable_bit, relaxed);
  }

 private:
  friend class gc_list<M>;
  static constexpr std::uintptr_t collecting_bit = 1, unreachable_bit = 1, space_bits = 6;
  static constexpr std::uintptr_t walked = std::uintptr_t{0xFFFF} << 48;
  static std::uintptr_t word(const gc_head* h) { return reinterpret_cast<std::uintptr_t>(h); }
  static gc_head* at(std::uintptr_t word) { return reinterpret_cast<gc_head*>(word & ~(collecting_bit | space_bits)); }
  // Its neighbour is another one now; its space is what it was.
  void replace_prev(const gc_head* from, const gc_head* to) { prev_.store(prev_.load() + (word(to) - word(from))); }

  // Atomic because a walk over the heap's cells reads the first word of each, whatever it is. relaxed: it does so in a stop.
  static constexpr auto relaxed = std::memory_order_relaxed;
  tally::atomic<M, std::uintptr_t, "cycles"> next_;
  var<M, std::uintptr_t, "cycles"> prev_;
};

// Not thread-safe.
template <class M>
class gc_list {
 public:
  using head = gc_head<M>;
  static constexpr auto relaxed = std::memory_order_relaxed;

  gc_list() { reset(); }
  gc_list(const gc_list&) = delete;
  gc_list& operator=(const gc_list&) = delete;

  [[nodiscard]] bool empty() const { return end_.next() == &end_; }
  [[nodiscard]] head* first() const { return end_.next(); }

  void append(head& h) {
    head* const last = head::at(end_.prev_.load());
    last->next_.store(head::word(&h), relaxed);
    h.prev_.store(head::word(last));
    h.next_.store(head::word(&end_), relaxed);
    end_.prev_.store(head::word(&h));
  }
  // Out of whatever list it is in.
  static void remove(head& h) {
    head* const prev = head::at(h.prev_.load());
    head* const next = h.next();
    prev->next_.store(head::word(next), relaxed);
    next->replace_prev(&h, prev);
    h.next_.store(0, relaxed);
    h.prev_.store(0);
  }
  void move_here(head& h) {
    remove(h);
    append(h);
  }
  // All of `from`, behind what is here. Constant time.
  void merge(gc_list& from) {
    if (from.empty()) return;
    head* const last = head::at(end_.prev_.load());
    head* const first = from.end_.next();
    head* const tail = head::at(from.end_.prev_.load());
    last->next_.store(head::word(first), relaxed);
    first->replace_prev(&from.end_, last);
    tail->next_.store(head::word(&end_), relaxed);
    end_.prev_.store(head::word(tail));
    from.reset();
  }
  // f may do with the object's `prev` what it likes, and take the object itself out of the list.
  template <class F>
  void for_each(F&& f) {
    for (head* h = first(); h != &end_;) {
      head* const next = h->next();
      f(*h);
      h = next;
    }
  }

  // None is in a list any more.
  void clear() {
    for_each([](head& h) {
      h.next_.store(0, relaxed);
      h.prev_.store(0);
    });
    reset();
  }
  // f of h, which is in this list, and of all behind it, what f appends included.
  template <class F>
  void for_each_from(head& h, F&& f) {
    for (head* each = &h; each != &end_; each = each->next()) f(*each);
  }

  // The list's objects have begun, and what they hold of each other was found. Moves those without a reference left, and not held
  // by one that has, to the end of `unreachable`, an empty list, where they are collecting still; the others are neighbours again
  // and collecting no more. hold(head) calls reached() with all that an object holds. One pass, and what comes back. Source: CPython's
  // move_unreachable.
  template <class Hold>
  void split(gc_list& unreachable, Hold&& hold) {
    head* prev = &end_;
    for (head* h = first(); h != &end_; h = prev->next()) {
      if (h->references() != 0) {
        hold(*h);
        h->prev_.store(head::word(prev));
        prev = h;
      } else {
        prev->next_.store(h->next_.load(relaxed), relaxed);
        head* const last = head::at(unreachable.end_.prev_.load());
        last->next_.store(head::word(h) | head::unreachable_bit, relaxed);
        h->next_.store(head::word(&unreachable.end_) | head::unreachable_bit, relaxed);
        h->prev_.store(head::word(last) | head::collecting_bit);
        unreachable.end_.prev_.store(head::word(h));
      }
    }
    end_.prev_.store(head::word(prev));
    unreachable.end_.next_.store(head::word(unreachable.first()), relaxed);
  }
  // For hold(): something that is not in the collection is left alone; what was split off comes back, to the end of this list.
  void reached(head& h) {
    if (!h.collecting()) return;
    if ((h.next_.load(relaxed) & head::unreachable_bit) != 0) {
      head* const prev = head::at(h.prev_.load());
      head* const next = h.next();
      prev->next_.store(h.next_.load(relaxed), relaxed);  // with the bit
      next->prev_.store(head::word(prev) | (next->prev_.load() & head::collecting_bit));
      append(h);
      h.begin(1);
    } else if (h.references() == 0) {
      h.begin(1);
    }
  }

 private:
  void reset() {
    end_.next_.store(head::word(&end_), relaxed);
    end_.prev_.store(head::word(&end_));
  }
  head end_;
};

}  // namespace tally
