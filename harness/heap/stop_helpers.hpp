// The threads that a stop finds at safepoints, put to work: they have nothing else to do, and their objects are in their cores'
// caches. One who stops the world recruits; who stands at a safepoint and sees it joins; then they do calls together, in which
// they may wait for each other at a barrier.
//
//   stopper                          a thread at a safepoint
//   recruit()                        join(), while it is open
//   muster(): who has come           waits for a call, or for the end of the stop
//   work(f): f(0), and waits         f(its number)
//
// It never waits for threads that do not come: with no helpers work() is a plain call. They help for as long as the stop lasts.
// Progress: blocking. Between muster() and the end of a work() everybody waits for everybody, as in any parallel collector.
#pragma once

#include <cassert>
#include <cstdint>
#include <mutex>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally {

template <class M, class Member>
class stop_helpers {
 public:
  // By the stopper, and no memory is needed for those who join: at most `most`.
  void recruit(std::size_t most) {
    const std::lock_guard hold(lock_);
    members_.clear();
    members_.reserve(most_ = most);
    ++stop_;
    // release: pairs with the acquire in the loop of serve(). Who still waits for a call of an earlier stop sees that it is over.
    call_.store(stop_ << calls_bits, std::memory_order_release);
    open_.store(most != 0 ? 1 : 0, std::memory_order_relaxed);  // relaxed: a hint; the lock decides
  }
  // Closes. Helper number i is [i - 1] of this; the stopper is number 0.
  const std::vector<Member*>& muster() {
    const std::lock_guard hold(lock_);
    open_.store(0, std::memory_order_relaxed);
    return members_;
  }
  // f(0) here and f(i) on each helper; returns when all have returned.
  template <class F>
  void work(F&& f) {
    if (!members_.empty()) {
      run_ = [](void* what, std::size_t i) { (*static_cast<std::remove_reference_t<F>*>(what))(i); };
      what_ = &f;
      busy_.store(members_.size(), std::memory_order_relaxed);  // relaxed: published by the call
      // release: pairs with the acquire in serve()
      call_.store(call_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    f(0);
    // acquire: pairs with the release in serve(), so that what the others did is seen
    if (!members_.empty()) wait([this] { return busy_.load(std::memory_order_acquire) == 0; });
  }
  // For all who are in a work(): returns when all have called it, and what they did before is seen.
  void barrier() {
    if (members_.empty()) return;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);  // relaxed: nobody can go on before this thread arrives
    // acq_rel: the last one acquires what the others did, by their releases, and passes it on
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == members_.size() || mutant<M, "crew: nobody waits at a barrier">()) {
      arrived_.store(0, std::memory_order_relaxed);        // relaxed: published by the phase
      phase_.store(phase + 1, std::memory_order_release);  // release: pairs with the acquire below
    } else {
      wait([&] { return phase_.load(std::memory_order_acquire) != phase; });
    }
  }

  // At a safepoint, while the stop lasts (over() is false). True: this thread is one of the helpers now, and must serve.
  [[nodiscard]] bool join(Member& m) {
    if (open_.load(std::memory_order_relaxed) == 0) return false;  // relaxed: a late look is a helper less
    const std::lock_guard hold(lock_);
    if (open_.load(std::memory_order_relaxed) == 0 || members_.size() == most_) return false;
    members_.push_back(&m);
    m.helper_number_ = members_.size();
    m.helper_call_ = stop_ << calls_bits;
    return true;
  }
  template <class Over>
  void serve(Member& m, Over&& over) {
    for (;;) {
      std::uint64_t call = 0;
      // acquire: pairs with the release in work() and recruit()
      wait([&] { return (call = call_.load(std::memory_order_acquire)) != m.helper_call_ || over(); });
      if (call >> calls_bits != m.helper_call_ >> calls_bits || call == m.helper_call_) return;
      m.helper_call_ = call;
      run_(what_, m.helper_number_);
      busy_.fetch_sub(1, std::memory_order_release);  // release: pairs with the acquire in work()
    }
  }

 private:
  static constexpr int calls_bits = 16;  // calls of one stop
  static constexpr int spins = M::measured ? 2000 : 0;

  // Who joined was on a core, and stays there for as long as most stops last: on a machine that others use, too, a yield is a
  // time slice, and all would wait for it.
  template <class F>
  static void wait(F&& done) {
    for (int i = 0; i < spins; ++i) {
      if (done()) return;
      M::pause();
    }
    M::wait_until(done);
  }

  typename M::mutex lock_;
  std::vector<Member*> members_;  // guarded, while open
  std::size_t most_ = 0;
  std::uint64_t stop_ = 0;
  void (*run_)(void*, std::size_t) = nullptr;
  void* what_ = nullptr;
  atomic<M, std::uint32_t, "crew"> open_;
  atomic<M, std::uint64_t, "crew"> call_;  // number of the stop, and of the call in it
  atomic<M, std::size_t, "crew"> busy_, arrived_;
  atomic<M, std::uint32_t, "crew"> phase_;
};

}  // namespace tally
