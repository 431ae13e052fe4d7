// lock_in(context, mutex): how a workload takes a lock of its own.
//
// A thread that waits for a lock cannot be stopped, and the thread that holds the lock may be: a stop-the-world, or a GIL
// whose holder waits for that lock, would never end. So the wait is a blocked region, which collectors need not wait for
// and in which a GIL is let go; a free lock is taken without one. Coming out of the region may wait for a running
// collection while the lock is already held; that is safe, since everybody else who wants the lock waits in a blocked
// region too.
//
// Rules: lock_in is a safepoint (no borrow guard crosses it). Hold the lock for slots and words only: no make, poll,
// blocked, collect or quiesce inside, or the lock is held for as long as others please. Take old values out and drop them
// after the lock; a drop may free a whole graph. One lock at a time.
#pragma once

namespace tally {

template <class Mutex>
class [[nodiscard]] held_lock {
 public:
  explicit held_lock(Mutex& taken) : mutex_(taken) {}
  held_lock(const held_lock&) = delete;
  held_lock& operator=(const held_lock&) = delete;
  ~held_lock() { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

template <class Context, class Mutex>
[[gnu::noinline]] void wait_for_lock(Context& c, Mutex& mutex) {
  c.blocked([&] { mutex.lock(); });
}
template <class Context, class Mutex>
[[gnu::always_inline]] inline held_lock<Mutex> lock_in(Context& c, Mutex& mutex) {
  if (!mutex.try_lock()) [[unlikely]]
    wait_for_lock(c, mutex);
  return held_lock<Mutex>(mutex);
}

}  // namespace tally
