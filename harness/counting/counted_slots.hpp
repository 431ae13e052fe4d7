// How a racy read of a shared slot is made safe: between reading the pointer and counting it, another thread may overwrite the
// slot and drop the last reference.
//
//   lockbit   the low bit of the slot's word is a lock, held while the reader counts. Blocking; two RMWs' worth of traffic on
//             the slot's line for every read
//   epoch     the reader announces an epoch (on a line of its own), reads, and counts with try_increment; an object that was ever
//             in a shared slot is taken apart only after every reader that could have seen it has left. Lock-free; a read does
//             not write the slot's line. Also makes borrow possible: a read that counts nothing
//   unlocked  all accesses are made under a lock that the strategy holds anyway (the GIL)
//
// A word is used by counting_context, which hands itself in: it supplies increment, try_increment, enter and leave.
#pragma once

#include "harness/counting/epoch.hpp"

namespace tally {

enum class slot_kind { lockbit, epoch, unlocked };

// The object's address, bit 0 the lock.
template <class M, class Header>
class lockbit_word {
 public:
  Header* load(auto& context) {
    Header* h = lock();
    const bool late = mutant<M, "lockbit: a reader counts when it has let the slot go">();
    if (h != nullptr && !late) context.increment(*h);
    unlock(h);
    if (h != nullptr && late) context.increment(*h);
    return h;
  }
  Header* exchange(auto&, Header* now) {
    Header* old = lock();
    unlock(now);
    return old;
  }
  bool compare_exchange(auto&, Header* expected, Header* desired) {
    Header* old = lock();
    const bool same = old == expected;
    unlock(same ? desired : old);
    return same;
  }
  // With no other thread left (cascade).
  [[nodiscard]] Header* alone() const { return reinterpret_cast<Header*>(word_.load(std::memory_order_relaxed)); }

 private:
  // Takes the lock; returns the object. acquire: pairs with the release in unlock(), so that the object's count and payload
  // are seen as the last writer left them.
  Header* lock() {
    for (;;) {
      std::uintptr_t w = word_.load(std::memory_order_relaxed);  // only a guess for the CAS
      if ((w & 1) == 0 && word_.compare_exchange_weak(w, w | 1, std::memory_order_acquire, std::memory_order_relaxed)) {
        return reinterpret_cast<Header*>(w);
      }
      if ((w & 1) != 0) [[unlikely]]
        wait();
    }
  }
  [[gnu::noinline]] void wait() {  // out of line: a lock that is free costs no registers to be saved
    note_path<M, "slot_waits">();
    M::wait_until([&] { return (word_.load(std::memory_order_relaxed) & 1) == 0; });
  }
  // release: pairs with the acquire in lock().
  void unlock(Header* now) { word_.store(reinterpret_cast<std::uintptr_t>(now), std::memory_order_release); }

  atomic<M, std::uintptr_t, "slot"> word_;
};

// The object's address. Every operation is seq_cst for the argument in epoch.hpp (B and C there); as acquire and release, a
// reader also pairs with the writer whose value it finds.
template <class M, class Header>
class epoch_word {
 public:
  Header* load(auto& context) {
    context.enter();
    Header* h = nullptr;
    do {
      h = word_.load(std::memory_order_seq_cst);
      // Refused: the count was zero, and the slot's own share of it is gone, so the slot holds something else by now.
      if (mutant<M, "epoch: a reader counts after its guard">()) {
        context.leave();
        context.enter();
      }
    } while (h != nullptr && !context.try_increment(*h));
    context.leave();
    return h;
  }
  // Inside a guard.
  [[nodiscard]] Header* look() const { return word_.load(std::memory_order_seq_cst); }
  Header* exchange(auto&, Header* now) { return word_.exchange(now, std::memory_order_seq_cst); }
  bool compare_exchange(auto&, Header* expected, Header* desired) {
    // relaxed on failure: the value found is not used
    return word_.compare_exchange_strong(expected, desired, std::memory_order_seq_cst, std::memory_order_relaxed);
  }
  [[nodiscard]] Header* alone() const { return word_.load(std::memory_order_relaxed); }

 private:
  atomic<M, Header*, "slot"> word_;
};

template <class M, class Header>
class unlocked_word {
 public:
  Header* load(auto& context) {
    Header* h = word_.load();
    if (h != nullptr) context.increment(*h);
    return h;
  }
  Header* exchange(auto&, Header* now) {
    Header* old = word_.load();
    word_.store(now);
    return old;
  }
  bool compare_exchange(auto&, Header* expected, Header* desired) {
    if (word_.load() != expected) return false;
    word_.store(desired);
    return true;
  }
  [[nodiscard]] Header* alone() const { return word_.load(); }

 private:
  var<M, Header*, "slot"> word_;
};

template <slot_kind Kind, class M, class Header>
using slot_word =
    std::conditional_t<Kind == slot_kind::lockbit, lockbit_word<M, Header>,
                       std::conditional_t<Kind == slot_kind::epoch, epoch_word<M, Header>, unlocked_word<M, Header>>>;

// A borrowed object: stays what it is until the guard ends.
template <class Context, class T>
class [[nodiscard]] epoch_guard {
 public:
  epoch_guard(Context& c, T* at) : context_(c), at_(at) {}
  epoch_guard(const epoch_guard&) = delete;
  epoch_guard& operator=(const epoch_guard&) = delete;
  ~epoch_guard() { context_.leave(); }
  [[nodiscard]] T* get() const { return at_; }

 private:
  Context& context_;
  T* at_;
};

}  // namespace tally
