// Stopping the world, and the roots that are found then: for strategies that do not count what a stack holds.
//
// Every attached thread is a mutator, in one of three states: running; blocked (its registers are on its stack, the stack
// pointer is published, and it promises not to touch a ref); held (blocked, and a stopper keeps it so). There is no fourth
// state for "stopped": a thread that stops at a safepoint enters a blocked region whose end is the end of the stop, and a
// stopper is itself blocked, so that two stoppers are two threads waiting for one lock. A transition out of blocked is a
// compare-and-swap, and that is the whole protocol:
//
//   running -> blocked   the thread itself: spill, publish sp, release
//   blocked -> running   the thread itself, by CAS: it waits while it is held
//   blocked -> held      the stopper, by CAS: acquires what the thread did and sees the stack as of sp
//   held -> blocked      the stopper at the end of the stop: releases what it did (freed, merged, swept)
//
// A running thread learns that it is wanted from a flag of its own, which poll() and make() read: one relaxed load and a
// branch. Only the stopping thread runs while a stop lasts, and those of the threads at safepoints that it gives work to
// (stop_helpers.hpp); a thread that is blocked goes on with whatever it waits for.
//
// Roots are the words of every mutator's stack, from its published stack pointer to its base (conservative: any word may be a
// pointer, or look like one), and registered places (precise, see root_place). What is in parcels is the strategy's business:
// see parcel_cells.hpp. Stack bounds are asked of M at attach, so fibers are stacks like any other. AddressSanitizer's fake
// stacks are not scanned: run with detect_stack_use_after_return=0 (the tests do).
//
// Progress: everything here blocks but asked(), which is wait-free. Sources: [Boehm88] for conservative roots; the states are
// those of every runtime with safepoints (HotSpot's native and blocked, CPython's detached and suspended).
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "harness/heap/stop_helpers.hpp"
#include "harness/memory/policy.hpp"

namespace tally {

// A registered place that can hold one object's address: what root<T> is made of. Its address is fixed while it lives.
template <class M>
struct root_place {
  var<M, void*, "root"> object;
  std::size_t index = 0;  // in the world's list, so that it is removed without a search
};

template <class M>
class world {
 public:
  class mutator;

  world() = default;
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  // Runs f() on the calling mutator's thread while every other mutator is blocked or stopped at a safepoint, and `self` is
  // spilled as well: its stack is scanned like the others'. Stops do not overlap: a second one waits, as a blocked mutator,
  // so that what f() wants to do may have been done by the time it runs. f must not stop, attach, detach or block.
  template <class F>
  void stop(mutator& self, F&& f) {
    note_delay<M, delay::stop>();
    self.blocked([&] {
      const std::lock_guard hold(lock_);
      const held_world all(*this, self);
      f();
    });
  }

  // Inside a stop, or with no mutator attached. f(word) for every word of every stack.
  template <class F>
  void for_each_stack_word(F&& f) {
    if (mutant<M, "world: stacks are not scanned">()) return;
    for (mutator* m : mutators_) {
      if (m == mutators_.front() && mutant<M, "world: one stack is not scanned">()) continue;
      M::scan(m->sp_.load(), m->stack_.high, f);
    }
  }
  // The same for registered places: f(address), never null.
  template <class F>
  void for_each_root(F&& f) {
    for (root_place<M>* r : roots_) {
      if (void* object = r->object.load()) f(object);
    }
  }
  // Inside a stop: the threads that can help with it.
  [[nodiscard]] stop_helpers<M, mutator>& helpers() { return helpers_; }

  // Inside a stop: how many mutators there are, the stopper included.
  [[nodiscard]] std::size_t mutators() const { return mutators_.size(); }

  // Roots come and go with no mutator attached, or on a running mutator's thread; never inside a stop.
  void add(root_place<M>& r) {
    const std::lock_guard hold(roots_lock_);
    r.index = roots_.size();
    roots_.push_back(&r);
  }
  void remove(root_place<M>& r) {
    const std::lock_guard hold(roots_lock_);
    roots_[r.index] = roots_.back();
    roots_[r.index]->index = r.index;
    roots_.pop_back();
  }

 private:
  struct held_world {
    held_world(world& w, mutator& self) : of(w), stopper(self) {
      // relaxed: the flag carries nothing; what the threads did comes with their state.
      for (mutator* m : of.mutators_) {
        if (m != &stopper) m->asked_.fetch_or(mutator::stop_bit, std::memory_order_relaxed);
      }
      for (mutator* m : of.mutators_) {
        if (m != &stopper && !mutant<M, "world: a stop does not wait for the others">()) m->hold();
      }
    }
    ~held_world() {
      for (mutator* m : of.mutators_) {
        if (m != &stopper) m->let_go();
      }
    }
    held_world(const held_world&) = delete;
    held_world& operator=(const held_world&) = delete;
    world& of;
    mutator& stopper;
  };

  typename M::mutex lock_;        // held through a stop; guards mutators_. Waited for in the blocked state only
  typename M::mutex roots_lock_;  // held for a few instructions by running threads: a stopper never waits for it
  std::vector<mutator*> mutators_;
  std::vector<root_place<M>*> roots_;
  stop_helpers<M, mutator> helpers_;
};

// One attached thread (or fiber). Made, used and destroyed on that thread.
template <class M>
class world<M>::mutator {
 public:
  // Waits for a running stop: a thread may not appear in the middle of one.
  explicit mutator(world& w) : world_(w), stack_(M::stack()) {
    const std::lock_guard hold(world_.lock_);
    world_.mutators_.push_back(this);
  }
  ~mutator() {
    blocked([this] {
      const std::lock_guard hold(world_.lock_);
      std::erase(world_.mutators_, this);
    });
  }
  mutator(const mutator&) = delete;
  mutator& operator=(const mutator&) = delete;

  // The fast path of a safepoint: true when attend() must be called (or the strategy's own request be met).
  // relaxed: a stop that is seen one poll later is as good.
  [[nodiscard]] bool asked() const { return asked_.load(std::memory_order_relaxed) != 0; }

  // The slow path: stops here while a stop is wanted. Returns whether the mutator had asked itself, and forgets it.
  [[gnu::noinline]] bool attend() {
    const std::uint32_t asked = asked_.load(std::memory_order_relaxed);
    if ((asked & stop_bit) != 0) {
      note_delay<M, delay::stop>();
      blocked([this] { wait_for_the_end(); });
    }
    if ((asked & own_bit) == 0) return false;
    asked_.fetch_and(~own_bit, std::memory_order_relaxed);  // relaxed: set and cleared by this thread
    return true;
  }
  // The owner's wish to be sent through attend() at its next safepoint, for work that only safepoints may do.
  void ask() { asked_.fetch_or(own_bit, std::memory_order_relaxed); }

  // Runs f in a blocked region: the stack pointer is published before f starts, and every callee-saved register is stored
  // above it until f has returned. If f throws, the region is left as usual.
  template <class F>
  void blocked(F&& f) {
    M::with_spilled_registers([&](const std::byte* sp) {
      sp_.store(sp);
      // release: pairs with the acquire in hold(): sp, and all that this thread did to objects, is seen by the stopper
      state_.store(is_blocked, std::memory_order_release);
      const resumer at_the_end{*this};
      f();
    });
  }

 private:
  friend class world;
  friend class stop_helpers<M, mutator>;
  static constexpr std::uint32_t is_running = 0, is_blocked = 1, is_held = 2;
  static constexpr std::uint32_t stop_bit = 1, own_bit = 2;

  struct resumer {
    mutator& of;
    ~resumer() { of.resume(); }
  };

  // Of a stop; helps with it if that is wanted.
  void wait_for_the_end() {
    const auto over = [this] { return (asked_.load(std::memory_order_relaxed) & stop_bit) == 0; };
    for (bool joined = true; joined;) {
      joined = false;
      M::wait_until([&] { return over() || (joined = world_.helpers_.join(*this)); });
      if (joined) world_.helpers_.serve(*this, over);
    }
  }

  // acquire: pairs with the release in let_go(), so that this thread sees what the stopper freed and merged.
  // Here and in hold(): looks first, since a failing exchange takes the line from the thread that is waited for.
  void resume() {
    M::wait_until([this] {
      std::uint32_t s = state_.load(std::memory_order_relaxed);  // a guess
      return s == is_blocked &&
             state_.compare_exchange_strong(s, is_running, std::memory_order_acquire, std::memory_order_relaxed);
    });
  }
  // By a stopper. acquire: pairs with the release in blocked().
  void hold() {
    M::wait_until([this] {
      std::uint32_t s = state_.load(std::memory_order_relaxed);  // a guess
      return s == is_blocked && state_.compare_exchange_strong(s, is_held, std::memory_order_acquire, std::memory_order_relaxed);
    });
  }
  void let_go() {
    asked_.fetch_and(~stop_bit, std::memory_order_relaxed);  // relaxed: see asked()
    state_.store(is_blocked, std::memory_order_release);     // release: pairs with the acquire in resume()
  }

  world& world_;
  stack_range stack_;
  atomic<M, std::uint32_t, "safepoint"> asked_;
  atomic<M, std::uint32_t, "safepoint"> state_{is_running};
  var<M, const std::byte*, "safepoint"> sp_;
  std::size_t helper_number_ = 0;  // among the helpers of a stop; and the last call of it that this thread has seen
  std::uint64_t helper_call_ = 0;
};

}  // namespace tally
