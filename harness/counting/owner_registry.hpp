// Owners of biased objects, found by id, and their queues of objects to merge.
//
// An object counted by biased counting has an owner: a context, named in the object by a small id. A thread that finds an
// object it can't free alone hands it to that owner's queue. Everything about an owner that other threads need (is there one
// with this id, its queue, joining and leaving) is guarded by one lock per bucket of ids. That single lock is what makes
// "no owner has this id" a safe answer: while it is held nobody with that id can appear or leave, so the asker may count in
// the owner's place.
//
// The queue is a list through the objects themselves (two words of the header that nothing else uses), so that an enqueue
// can't fail for want of memory. An object is in at most one queue, once in its life: the states of biased counting see to it.
//
// Ids are 1 ... 0xFFFC, handed out last-freed-first, so that reuse is the rule and not a rarity. A context that gets the id
// of one that is gone becomes the owner of what that one left behind. That is sound: the old owner registered, counted and
// left before the new one registers, all under this bucket's lock, so its plain counts are seen and nobody else writes them.
//
// Can't do: more than 65,532 contexts at once (attach throws).
// Source: [PEP703] (CPython's Python/brc.c has the same shape, with arrays for queues).
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally {

using owner_id = std::uint16_t;
inline constexpr owner_id no_owner = 0;  // merged: all counts are in the shared word
// Never ids of contexts: what these own lives until somebody says otherwise. Deferred objects' refs on stacks are not counted, and
// their others in the shared word, or by each thread for itself.
inline constexpr owner_id by_threads_owner = 0xFFFD, deferred_owner = 0xFFFE, immortal_owner = 0xFFFF;
inline constexpr owner_id last_context_owner = by_threads_owner - 1;

// What a context's thread is doing, as far as its counts are concerned.
enum class presence : std::uint32_t {
  running,    // it alone may touch what it owns
  detached,   // in a blocked region: whoever suspends it may merge its queue for it
  suspended,  // somebody does; it can't leave its blocked region before that ends
};

// An owner's record, a part of its context. Aligned away from the context's hot words, since other threads write here.
template <class M, class Header>
struct alignas(64) owner_record {
  owner_id id = no_owner;
  tally::atomic<M, std::uint32_t, "queue"> pending;  // 1: something is queued; written under the bucket's lock
  tally::atomic<M, presence, "queue"> state;
  var<M, Header*, "queue"> first;       // the queue, newest first; guarded by the bucket's lock
  var<M, owner_record*, "queue"> next;  // the bucket's list; guarded by its lock
};

// Header must have queue_next() and set_queue_next(Header*).
template <class M, class Header, std::size_t Buckets = crowded<M> ? 2 : 64>
class owner_registry {
 public:
  using record = owner_record<M, Header>;

  void attach(record& r) {
    r.id = take_id();
    bucket& b = bucket_of(r.id);
    const std::lock_guard hold(b.lock);
    r.next.store(b.first.load());
    b.first.store(&r);
  }

  // Leaves, unless something is queued: then false, and the caller drains and asks again. Once it is true no count of an
  // object may be touched through this record: another context may have the id by now.
  [[nodiscard]] bool detach(record& r) {
    {
      bucket& b = bucket_of(r.id);
      const std::lock_guard hold(b.lock);
      if (r.first.load() != nullptr && !mutant<M, "registry: an owner leaves its queue behind">()) return false;
      var<M, record*, "queue">* at = &b.first;
      while (at->load() != &r) at = &at->load()->next;
      at->store(r.next.load());
    }
    give_id(r.id);
    return true;
  }

  // The whole queue, for its owner, or for one who holds the lock and has suspended the owner.
  [[nodiscard]] Header* take(record& r) {
    const std::lock_guard hold(bucket_of(r.id).lock);
    return take_locked(r);
  }
  [[nodiscard]] static Header* take_locked(record& r) {
    Header* all = r.first.load();
    r.first.store(nullptr);
    r.pending.store(0, std::memory_order_relaxed);  // relaxed: written only under the lock, and only a hint outside it
    return all;
  }
  static void push_locked(record& r, Header& h) {
    h.set_queue_next(r.first.load());
    r.first.store(&h);
    // seq_cst: before the caller's look at `state`; pairs with go_away(), which writes `state` and then looks here. One of
    // the two sees the other, so nothing stays queued behind an owner that blocks just now.
    r.pending.store(1, std::memory_order_seq_cst);
  }

  // Calls f(record*) with the bucket's lock held; null: no context has this id, and none can get it before f returns.
  // f must not run destructors: they may need this lock.
  template <class F>
  auto with_owner(owner_id id, F&& f) {
    bucket& b = bucket_of(id);
    std::unique_lock hold(b.lock);
    record* r = b.first.load();
    while (r != nullptr && r->id != id) r = r->next.load();
    if (mutant<M, "registry: the answer is used without the lock">()) hold.unlock();
    return f(r);
  }

  // Running to detached; false: something is queued (and it is running still), drain first.
  [[nodiscard]] static bool go_away(record& r) {
    r.state.exchange(presence::detached, std::memory_order_seq_cst);  // pairs with push_locked() and suspend()
    if (r.pending.load(std::memory_order_seq_cst) == 0 || mutant<M, "registry: who goes away does not look back">()) return true;
    come_back(r);
    return false;
  }
  // Detached to running; waits while suspended. acquire: pairs with resume(), so that the counts merged for us are seen.
  static void come_back(record& r) {
    M::wait_until([&] {
      presence p = presence::detached;
      return r.state.compare_exchange_strong(p, presence::running, std::memory_order_acquire, std::memory_order_relaxed);
    });
  }
  // By another thread that holds the bucket's lock. seq_cst: after push_locked(); it also acquires what go_away() released,
  // the owner's plain counts. On failure, too: a look at `state` that may be older than the push would find an owner running that
  // has gone away and seen nothing, and the queue would wait for its return.
  [[nodiscard]] static bool suspend(record& r) {
    presence p = presence::detached;
    return r.state.compare_exchange_strong(p, presence::suspended, std::memory_order_seq_cst, std::memory_order_seq_cst);
  }
  static void resume(record& r) { r.state.store(presence::detached, std::memory_order_release); }  // pairs: come_back()

  // f(record&) for every owner. In a stop: all of them are outside of these locks.
  template <class F>
  void for_each_record(F&& f) {
    for (bucket& b : buckets_) {
      for (record* r = b.first.load(); r != nullptr; r = r->next.load()) f(*r);
    }
  }

 private:
  struct alignas(64) bucket {
    typename M::mutex lock;
    var<M, record*, "queue"> first;
  };
  bucket& bucket_of(owner_id id) { return buckets_[id % Buckets]; }

  owner_id take_id() {
    const std::lock_guard hold(ids_lock_);
    if (!free_.empty()) {
      const owner_id id = free_.back();
      free_.pop_back();
      return id;
    }
    if (last_ == last_context_owner) throw std::length_error("biased counting has ids for 65532 contexts at once");
    free_.reserve(last_ + std::size_t{1});  // so that giving it back can't fail
    return ++last_;
  }
  void give_id(owner_id id) {
    const std::lock_guard hold(ids_lock_);
    free_.push_back(id);
  }

  std::array<bucket, Buckets> buckets_;
  typename M::mutex ids_lock_;
  std::vector<owner_id> free_;
  owner_id last_ = no_owner;
};

}  // namespace tally
