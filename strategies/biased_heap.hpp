// The heap of biased.hpp, which says what it does and why it may.
#pragma once

#include "harness/counting/owner_registry.hpp"
#include "harness/counting/thread_counts.hpp"
#include "harness/cycles/cyclic_heap.hpp"
#include "strategies/biased_counts.hpp"
#include "strategies/immortal.hpp"

namespace tally::strategies {

namespace detail {
struct no_thread_counts {
  struct counts {
    explicit counts(no_thread_counts&) {}
  };
};
}  // namespace detail

template <class M, biased_options O = biased_options{}>
  requires(sensible(O))
class biased_heap : public heap_with_cycles<O.cycles, biased_heap<M, O>, M, O.slot, O.heap> {
 public:
  explicit biased_heap(const heap_config& c) : heap_with_cycles<O.cycles, biased_heap, M, O.slot, O.heap>(c) {}
  static constexpr bool defers_stacks = O.stack == biased_stack::deferred, counts_by_thread = O.edges == biased_edges::thread;
  using thread_counts = std::conditional_t<counts_by_thread, thread_count_table<M>, detail::no_thread_counts>;
  using header = biased_header<M, defers_stacks>;
  using registry = owner_registry<M, header>;
  // An object that only a blocked owner holds up is freed by who drops it; else it waits until the owner is back.
  static constexpr bool frees_for_the_blocked = O.merge == biased_merge::detached;

  class context : public context_with_cycles<O.cycles, context, biased_heap, header> {
    using base = context_with_cycles<O.cycles, context, biased_heap, header>;

   public:
    explicit context(biased_heap& heap) : base(heap), by_thread_(heap.by_threads_) {
      heap.owners_.attach(record_);
      id_ = record_.id;
    }
    // What this context owns and others still hold keeps its id and counts; see owner_registry.hpp for why that is sound.
    ~context() {
      do {
        drain();
      } while (!this->heap_.owners_.detach(record_));
    }

    void init(header& h) {
      h.owner.store(id_, std::memory_order_relaxed);  // relaxed here and below: nobody else can see the object yet
      h.local.store(1);
      h.shared.store(shared_word::initial, std::memory_order_relaxed);
      h.weak.store(1, std::memory_order_relaxed);
    }

    // owner is read relaxed throughout. If it is this context's id it was written by this thread, or by one that is ordered
    // with it by the registry. If it is another's it may be stale: the foreign path's RMW on shared sees what became of it.
    void increment(header& h) {
      const owner_id owner = h.owner.load(std::memory_order_relaxed);
      note_owner(owner);
      if (owner == id_) [[likely]] {
        h.local.store(h.local.load() + 1);
      } else if (owner != immortal_owner && !count_by_thread(h, owner, 1)) {
        h.shared.fetch_add(shared_word::one, std::memory_order_relaxed);  // relaxed: the caller's ref keeps it alive
      }
    }
    bool decrement(header& h) {
      const owner_id owner = h.owner.load(std::memory_order_relaxed);
      note_owner(owner);
      if (owner == id_) [[likely]] {
        const std::int32_t n = h.local.load() - 1;
        h.local.store(n);
        return n == 0 && local_end(h);
      }
      return owner != immortal_owner && !count_by_thread(h, owner, -1) && foreign_drop(h);
    }
    // The same and the free, in tail calls: the owner's path needs no stack frame.
    template <class T>
    void release(header& h) {
      const owner_id owner = h.owner.load(std::memory_order_relaxed);
      note_owner(owner);
      if (owner == id_) [[likely]] {
        const std::int32_t n = h.local.load() - 1;
        h.local.store(n);
        if (n == 0) [[unlikely]]
          release_last<T>(h);
      } else if (owner != immortal_owner && !count_by_thread(h, owner, -1)) {
        release_foreign<T>(h);
      }
    }
    // For counting_context. relaxed: as in increment(); what becomes deferred or immortal does so before others can reach it.
    [[nodiscard]] static bool needs_no_count(const header& h) {
      return h.owner.load(std::memory_order_relaxed) > last_context_owner;
    }
    // 0: its owner may be freeing it without an RMW. merged: it is dead. All else is alive: a queued object whose counts
    // add up to 0 (rule=paper) is not freed before its queue is emptied, and may be revived until then.
    bool try_increment(header& h) {
      const owner_id owner = h.owner.load(std::memory_order_relaxed);
      if (owner == id_) {  // not merged, so not dead; whoever has a weak ref or a published slot made it maybe_weak
        h.local.store(h.local.load() + 1);
        return true;
      }
      if (owner == immortal_owner || count_by_thread(h, owner, 1)) return true;
      std::int64_t s = h.shared.load(std::memory_order_relaxed);  // a guess for the CAS
      while ((s != shared_word::initial || mutant<M, "biased: an upgrade takes the word 0 for alive">()) &&
             s != shared_word::merged) {
        // relaxed: what made the object reachable published its content
        if (h.shared.compare_exchange_weak(s, s + shared_word::one, std::memory_order_relaxed, std::memory_order_relaxed)) {
          return true;
        }
      }
      return false;
    }
    // For collections: in a stop, or of an object that the caller alone can reach. An immortal is always held, and so is what stacks
    // may refer to.
    [[nodiscard]] std::uint64_t count_of(header& h) const {
      if (needs_no_count(h)) return always_held;
      return static_cast<std::uint64_t>(h.local.load() + shared_word::count(h.shared.load(std::memory_order_relaxed)));
    }
    void revive(header& h) { merge_to(h, 1); }
    void keep_alive(header& h) { merge_to(h, static_cast<std::int64_t>(count_of(h)) + 1); }
    // Every owner's queue, in its place: after that nothing is queued.
    template <class F>
    header* settle_counts(F&& died) {
      header* all = nullptr;
      this->heap_.owners_.for_each_record([&](typename registry::record& r) {
        for (header *h = merge_all(registry::take_locked(r)), *next = nullptr; h != nullptr; h = next) {
          next = h->queue_next();
          died(*h);
          h->set_queue_next(all);
          all = h;
        }
      });
      return all;
    }
    void reclaim_settled(header* dead) { reclaim_all(dead); }
    // A reader may find the object in the slot after the slot gave its reference away. The mark makes the owner's end an RMW,
    // so that exactly one of the reader's CAS and that RMW comes first.
    void allow_racy_reads(header& h) {
      if (!mutant<M, "biased: a published object is not marked">()) mark_maybe_weak(h);
    }
    void weak_increment(header& h) {
      if (!mutant<M, "biased: an object with weak refs is not marked">()) mark_maybe_weak(h);
      h.weak.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller holds a strong or a weak ref
    }
    // Who holds the only weak ref, or the one of a dead object's strong refs, sees 1 and needs no RMW: nobody else can make
    // another. acquire: pairs with the release of earlier drops; acq_rel: that release, and the acquire of the last.
    [[nodiscard]] bool only_weak(header& h) const { return h.weak.load(std::memory_order_acquire) == 1; }
    bool weak_decrement(header& h) { return only_weak(h) || h.weak.fetch_sub(1, std::memory_order_acq_rel) == 1; }

    void poll() {
      // relaxed: a hint; the queue itself is read under its lock
      if (record_.pending.load(std::memory_order_relaxed) != 0) [[unlikely]]
        drain();
      base::poll();
    }
    void quiesce() {
      drain();
      base::quiesce();
    }
    template <class F>
    void blocked(F&& f) {
      poll();
      if constexpr (O.merge == biased_merge::detached) {
        while (!registry::go_away(record_)) drain();
        struct away {
          typename registry::record& record;
          ~away() { registry::come_back(record); }
        } const until_done{record_};
        base::blocked(f);
      } else {
        base::blocked(f);
      }
    }

    // From now on copies and drops of the object touch nothing. Only while no other thread can reach it: in its owner's
    // hands, before it is shared.
    template <class T>
    void make_immortal(const counted_ref<header, T>& r) {
      r.at->owner.store(immortal_owner, std::memory_order_relaxed);  // relaxed: what shares the object publishes this too
    }
    // Frees an immortal, whatever refs were made of it; weak refs find it dead. Only when nobody uses it any more.
    template <class T>
    void release_immortal(counted_ref<header, T> r) {
      r.at->shared.store(shared_word::merged, std::memory_order_relaxed);  // relaxed: the caller ordered all other uses
      r.at->owner.store(no_owner, std::memory_order_relaxed);
      this->reclaim(*r.at);
    }

    // From now on refs that copy and load make of the object are not counted; `many_edges`: and each thread counts its other ones for
    // itself, with edges=thread. Only while no other thread can reach it. Throws std::bad_alloc.
    template <class T>
    void make_deferred(const counted_ref<header, T>& r, bool many_edges)
      requires(O.stack != biased_stack::counted)
    {
      if constexpr (!defers_stacks) {
        make_immortal(r);
        return;
      }
      header& h = *r.at;
      const std::int64_t references = h.local.load() + shared_word::count(h.shared.load(std::memory_order_relaxed));
      std::int32_t place = 0;
      if constexpr (counts_by_thread) {
        if (many_edges) place = static_cast<std::int32_t>(this->heap_.by_threads_.join());
      }
      h.local.store(place);
      // relaxed: what shares the object publishes all of this
      const std::int64_t ahead = mutant<M, "biased: a deferred object's count is not ahead">() ? 0 : shared_word::deferral;
      h.shared.store((references + ahead) * shared_word::one + shared_word::merged, std::memory_order_relaxed);
      h.owner.store(counts_by_thread && many_edges ? by_threads_owner : deferred_owner, std::memory_order_relaxed);
    }
    // Counts it like any other from now on, without this ref: frees it if no other is left. Only when no ref that is not counted is left
    // but this, and no other thread uses the object meanwhile.
    template <class T>
    void release_deferred(counted_ref<header, T> r)
      requires(O.stack != biased_stack::counted)
    {
      if constexpr (!defers_stacks) {
        release_immortal(r);
      } else {
        header& h = *r.at;
        std::int64_t references = shared_word::count(h.shared.load(std::memory_order_relaxed)) - shared_word::deferral;
        if constexpr (counts_by_thread) {
          if (h.owner.load(std::memory_order_relaxed) == by_threads_owner)
            references += this->heap_.by_threads_.leave(static_cast<std::uint32_t>(h.local.load()));
        }
        if (!r.at.is_uncounted()) --references;
        merge_to(h, references);
        if (references == 0) this->reclaim(h);
      }
    }

   private:
    static constexpr bool paper = O.rule == biased_rule::paper;

    // True: done. Where a thread has no memory for its own count it counts in the shared word.
    [[nodiscard]] bool count_by_thread(header& h, owner_id owner, std::int64_t by) {
      if constexpr (counts_by_thread) {
        return owner == by_threads_owner && by_thread_.count(static_cast<std::uint32_t>(h.local.load()), by);
      } else {
        return false;
      }
    }
    // relaxed: in a stop, or of a dead object, which nobody else counts.
    static void merge_to(header& h, std::int64_t count) {
      h.local.store(0);
      h.owner.store(no_owner, std::memory_order_relaxed);
      h.shared.store(count * shared_word::one + shared_word::merged, std::memory_order_relaxed);
    }

    void note_owner(owner_id owner) const {
      if (owner == id_) return note_path<M, "fast">();
      if (owner == by_threads_owner) return note_path<M, "by_thread">();
      owner == immortal_owner ? note_path<M, "immortal">() : note_path<M, "slow">();
    }
    template <class T>
    [[gnu::noinline]] void release_last(header& h) {
      if (local_end(h)) this->template reclaim<T>(h);
    }
    template <class T>
    [[gnu::noinline]] void release_foreign(header& h) {
      if (foreign_drop(h)) this->template reclaim<T>(h);
    }

    // The owner's local count has come to 0; true: free it.
    // If the object is not queued by now, no thread can queue it from here on: with local 0 every reference is counted in shared,
    // so it can't go below. And if it is, the load below sees that: what took the count below 0 is older than what the owner has
    // been given since, without which local would not be at its end.
    bool local_end(header& h) {
      // acquire: pairs with foreign_drop()'s release, so that foreign uses happen before the free
      const std::int64_t s = h.shared.load(std::memory_order_acquire);
      if constexpr (paper) {
        // merge() of the queue frees it; until then it is still ours, and counted on
        if (shared_word::state(s) == shared_word::queued && !mutant<M, "biased: the owner frees what is queued">()) return false;
      } else {
        if (s == shared_word::initial) return true;
        if (mutant<M, "biased: the owner looks at the count only, not the state">() && shared_word::count(s) == 0) return true;
      }
      // Before the RMW: after it others may free the object. On the path above the id stays, so 0 is never seen unmerged
      // for longer than this takes.
      h.owner.store(no_owner, std::memory_order_relaxed);
      // acq_rel: releases this owner's uses and the store above to whoever frees; acquires theirs if that is us.
      return (h.shared.fetch_or(shared_word::merged, std::memory_order_acq_rel) | shared_word::merged) == shared_word::merged;
    }

    bool foreign_drop(header& h) {
      std::int64_t s = h.shared.load(std::memory_order_relaxed);  // a guess for the CAS
      std::int64_t next;
      bool queues;
      do {
        if constexpr (paper) {
          next = s - shared_word::one;
          queues = next < 0 && shared_word::state(s) < shared_word::queued;
          if (queues) next = (next & ~shared_word::states) | shared_word::queued;
        } else {
          queues = s == shared_word::initial ||
                   (s == shared_word::maybe_weak && !mutant<M, "biased: a drop that finds maybe_weak is not queued">());
          next = queues && !mutant<M, "biased: a drop that queues is subtracted, too">() ? shared_word::queued
                                                                                         : s - shared_word::one;
        }
        // acq_rel: releases this thread's uses to whoever frees (local_end, merge, another drop); acquires theirs if we do.
      } while (!h.shared.compare_exchange_weak(s, next, std::memory_order_acq_rel, std::memory_order_relaxed));
      return queues ? enqueue(h) : next == shared_word::merged;
    }

    // Hands h to its owner; true: the caller must free it.
    bool enqueue(header& h) {
      note_path<M, "queued">();
      const owner_id owner = h.owner.load(std::memory_order_relaxed);
      // Merged since our CAS (rule=cpython only: see local_end): the queue's reference is dropped like any other. A stale id
      // is as good: merge() of a merged object is the same drop.
      if (owner == no_owner) return foreign_drop(h);
      header* dead = nullptr;
      const bool mine = this->heap_.owners_.with_owner(owner, [&](typename registry::record* r) {
        if (r == nullptr) return merge(h);  // the owner is gone, and its id can't come back while we hold the lock
        note_queued(h, 1);                  // before: who takes it from the queue may end it
        registry::push_locked(*r, h);
        if constexpr (O.merge == biased_merge::detached) {
          if (registry::suspend(*r)) {
            dead = merge_all(registry::take_locked(*r));
            if (mutant<M, "biased: the dead are taken apart under the bucket's lock">())
              reclaim_all(std::exchange(dead, nullptr));
            registry::resume(*r);
          }
        }
        return false;
      });
      reclaim_all(dead);
      return mine;
    }

    // Folds local into shared. By the owner, or in its place under its bucket's lock. True: it is dead.
    static bool merge(header& h) {
      note_path<M, "merged">();
      note_delay<M, delay::merge>();
      constexpr bool drops = !paper;  // the queue's reference
      std::int64_t extra = h.local.load();
      if (mutant<M, "biased: a merge takes a local count below 0 for a large one">()) extra &= 0xFFFFFFFF;
      if (drops && !mutant<M, "biased: a merge keeps the queue's reference">()) --extra;
      h.local.store(0);
      h.owner.store(no_owner, std::memory_order_relaxed);         // before the CAS, as in local_end()
      std::int64_t s = h.shared.load(std::memory_order_relaxed);  // a guess for the CAS
      std::int64_t next;
      do {
        next = (shared_word::count(s) + extra) * shared_word::one + shared_word::merged;
        // acq_rel: as in local_end()
      } while (!h.shared.compare_exchange_weak(s, next, std::memory_order_acq_rel, std::memory_order_relaxed));
      return next == shared_word::merged;
    }
    void note_queued([[maybe_unused]] const header& h, [[maybe_unused]] std::int64_t sign) {
      if constexpr (M::measured) this->live_.hold(held_cause::queued, sign * static_cast<std::int64_t>(h.word.bytes()));
    }
    // Merges a list taken from a queue; returns the dead of it, linked in the same way. One that is not dead may be freed by
    // another thread as soon as it is merged, so its link is read before.
    header* merge_all(header* list) {
      header* dead = nullptr;
      while (list != nullptr) {
        header& h = *list;
        header* const next = h.queue_next();
        note_queued(h, -1);
        const bool is_dead = merge(h);
        list = mutant<M, "biased: the queue's link is read after the merge">() ? h.queue_next() : next;
        if (is_dead) {
          h.set_queue_next(dead);
          dead = &h;
        }
      }
      return dead;
    }
    void reclaim_all(header* dead) {
      if constexpr (requires { this->set_aside(*dead); }) {
        for (header* h = dead; h != nullptr; h = h->queue_next()) this->set_aside(*h);
      }
      while (dead != nullptr) {
        header& h = *dead;
        dead = h.queue_next();
        this->reclaim(h);
      }
    }
    [[gnu::noinline]] void drain() { reclaim_all(merge_all(this->heap_.owners_.take(record_))); }

    void mark_maybe_weak(header& h) {
      std::int64_t s = h.shared.load(std::memory_order_relaxed);  // a guess for the CAS
      while (
          shared_word::state(s) == shared_word::initial &&
          !h.shared.compare_exchange_weak(s, s | shared_word::maybe_weak, std::memory_order_relaxed, std::memory_order_relaxed)) {
        // relaxed: the caller's ref orders this before the object's end, and the weak ref's way to others before its use
      }
    }

    owner_id id_ = no_owner;
    typename registry::record record_;
    [[no_unique_address]] typename thread_counts::counts by_thread_;
  };

 private:
  registry owners_;
  [[no_unique_address]] thread_counts by_threads_;
};

}  // namespace tally::strategies
