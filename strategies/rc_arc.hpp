// rc_arc: plain counts while an object is confined to one thread, atomic counts once it has been published.
//
// The lowest bit of the count says `shared`. While it is 0 only one thread can reach the object, and counting is a load and a
// store; whoever publishes an object sets it, in the object and in everything that can be reached from it, before any other
// thread can look. Publishing is share(), or what implies it: a store into a shared slot, pack, a root. The bit never goes
// back. It is in the count's own word, so that one load decides and brings the line that is needed anyway.
//
// What it can't do: cycles; an object that was shared once pays atomic counts for ever; share() visits all that it marks, and
// a slot of a shared object must only be given shared objects (the contract's rule for share).
//
//   sharing  dynamic: as said. typed: the object's type says whether it is ever shared (rc_arc_typed.hpp)
//   slot     how racy reads of shared slots are made safe (shared_slots.hpp)
//   heap     where objects come from (heap_choice in counting_heap.hpp)
// Source: [hybrid-rc], [trc].
#pragma once

#include <vector>

#include "harness/contract/family.hpp"
#include "harness/cycles/cyclic_heap.hpp"
#include "strategies/rc_arc_typed.hpp"

namespace tally::strategies {

enum class sharing_kind { dynamic, typed };

struct rc_arc_options {
  sharing_kind sharing = sharing_kind::dynamic;
  slot_kind slot = slot_kind::lockbit;
  object_source heap = object_source::malloc;
  cycle_kind cycles = cycle_kind::none;
};

// As in atomic.hpp. And a typed object has no bit that would let another thread's collection count it.
constexpr bool sensible(const rc_arc_options& o) {
  return o.cycles == cycle_kind::none || (o.cycles == cycle_kind::stop && o.heap == object_source::block &&
                                          o.slot == slot_kind::lockbit && o.sharing == sharing_kind::dynamic);
}

template <class M, rc_arc_options O = rc_arc_options{}>
  requires(sensible(O))
class rc_arc_heap : public heap_with_cycles<O.cycles, rc_arc_heap<M, O>, M, O.slot, O.heap> {
 public:
  explicit rc_arc_heap(const heap_config& c) : heap_with_cycles<O.cycles, rc_arc_heap, M, O.slot, O.heap>(c) {}

  struct header {
    object_word<M> word;
    tally::atomic<M, std::uint32_t, "count"> count;  // refs * one + shared
    tally::atomic<M, std::uint32_t, "weak"> weak;    // all strong refs together hold one
  };

  class context : public context_with_cycles<O.cycles, context, rc_arc_heap, header> {
   public:
    using base = context_with_cycles<O.cycles, context, rc_arc_heap, header>;
    explicit context(rc_arc_heap& h) : base(h) {}
    static constexpr std::uint32_t shared = 1, one = 2;

    // Relaxed loads and stores where the bit is 0: only this thread can reach the object. The bit is set before the object is
    // published, so whoever finds the object another way sees it. The shared path's orders are Arc's, see atomic.hpp.
    void init(header& h) {
      h.count.store(one, std::memory_order_relaxed);
      h.weak.store(1, std::memory_order_relaxed);
    }
    void increment(header& h) {
      const std::uint32_t n = h.count.load(std::memory_order_relaxed);
      if ((n & shared) == 0) {
        note_path<M, "fast">();
        h.count.store(n + one, std::memory_order_relaxed);
      } else {
        note_path<M, "slow">();
        h.count.fetch_add(one, std::memory_order_relaxed);  // relaxed: the caller's own ref keeps the object alive
      }
    }
    bool decrement(header& h) {
      const std::uint32_t n = h.count.load(std::memory_order_relaxed);
      if ((n & shared) == 0) {
        note_path<M, "fast">();
        h.count.store(n - one, std::memory_order_relaxed);
        return n == one;
      }
      note_path<M, "slow">();
      // release: pairs with the acquire, on the same operation, of whoever finds the count at zero.
      return h.count.fetch_sub(one, std::memory_order_acq_rel) == (one | shared);
    }
    // For collections: in a stop, or of an object that the caller alone can reach.
    [[nodiscard]] std::uint64_t count_of(header& h) const { return h.count.load(std::memory_order_relaxed) / one; }
    // If its bit came when it was dead, what it holds has none: see mark().
    void revive(header& h) {
      h.count.store(h.count.load(std::memory_order_relaxed) + one, std::memory_order_relaxed);
      if (is_shared(h)) mark_or_end(h, "rc_arc: no memory to publish what a finaliser may revive");
    }
    // What this thread takes apart was another's: it is published to it, with all that it holds.
    void keep_alive(header& h) {
      if (!is_shared(h)) mark_or_end(h, "rc_arc: no memory to publish garbage to the thread that takes it apart");
      increment(h);
    }
    bool try_increment(header& h) {
      std::uint32_t n = h.count.load(std::memory_order_relaxed);
      if ((n & shared) == 0) {
        if (n == 0) return false;
        h.count.store(n + one, std::memory_order_relaxed);
        return true;
      }
      while (n >= one || mutant<M, "rc_arc: an upgrade revives the dead">()) {
        // relaxed: what made the object reachable published its content
        if (h.count.compare_exchange_weak(n, n + one, std::memory_order_relaxed, std::memory_order_relaxed)) return true;
      }
      return false;
    }
    // The bit outlives the refs: a dead object that was shared has weak refs on other threads.
    void weak_increment(header& h) {
      if (is_shared(h)) {
        h.weak.fetch_add(1, std::memory_order_relaxed);
      } else {
        h.weak.store(h.weak.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      }
    }
    // Whoever has the only weak ref, or the one of a dead object's strong refs, sees 1, and nobody can make another. acquire:
    // pairs with the release of other weak drops.
    [[nodiscard]] bool only_weak(header& h) const { return h.weak.load(std::memory_order_acquire) == 1; }
    bool weak_decrement(header& h) {
      const std::uint32_t n = h.weak.load(std::memory_order_acquire);
      if (n == 1) return true;
      if (is_shared(h) && !mutant<M, "rc_arc: weak refs of a shared object are counted plainly">()) {
        return h.weak.fetch_sub(1, std::memory_order_acq_rel) == 1;  // release and acquire: as in decrement
      }
      h.weak.store(n - 1, std::memory_order_relaxed);
      return false;
    }

    // Marks what `r` reaches. A shared object's slots hold shared objects already. Without memory for the list of what it has
    // marked it takes all marks back and throws: an object that is marked while what it reaches is not could not be published.
    template <class T>
    void share(const typename base::template ref<T>& r) {
      if (!is_shared(*r.at) && !mutant<M, "rc_arc: publishing does not mark">()) [[unlikely]]
        mark_from(*r.at);
    }
    // For the type table: a slot of an object that is being marked.
    void scan_slot(slot_base<M, header>& s) { mark(s.word.load()); }
    void scan_slot(typename base::shared_word& s) { mark(s.alone()); }
    void scan_slot(weak_slot_base<M, header>& s) { mark(s.word.load()); }

   private:
    static bool is_shared(const header& h) { return (h.count.load(std::memory_order_relaxed) & shared) != 0; }
    // `first` and what it reaches; of one that is marked, what it reaches.
    [[gnu::noinline]] void mark_from(header& first) {
      try {
        is_shared(first) ? scan(first) : mark(&first);
        for (std::size_t i = 0; i < marked_.size(); ++i) scan(*marked_[i]);
      } catch (const std::bad_alloc&) {
        unmark(marked_);
        unmark(marked_dead_);
        throw;
      }
      marked_.clear();
      marked_dead_.clear();
    }
    void scan(header& h) { type_table<context>::entries[h.word.type()].scan(*this, &h + 1); }
    void mark_or_end(header& h, const char* why) {
      try {
        mark_from(h);
      } catch (const std::bad_alloc&) {
        no_way_on(why);
      }
    }
    static void unmark(std::vector<header*>& all) {
      for (header* h : all) h->count.store(h->count.load(std::memory_order_relaxed) & ~shared, std::memory_order_relaxed);
      all.clear();
    }
    // A dead object that a weak slot still refers to gets the bit for its weak count, and its slots are not looked at: it has none
    // any more, or its end is yet to come.
    void mark(header* h) {
      if (h == nullptr) return;
      const std::uint32_t n = h->count.load(std::memory_order_relaxed);
      if ((n & shared) != 0) return;
      note_path<M, "published">();
      const bool follow = !mutant<M, "rc_arc: what a published object reaches stays private">();
      if (follow) (n >= one ? marked_ : marked_dead_).push_back(h);
      h->count.store(n | shared, std::memory_order_relaxed);
    }
    std::vector<header*> marked_, marked_dead_;  // by the call that runs; the slots of the first are visited in this order
  };
};

struct rc_arc {
  static constexpr strategy_info info{"rc_arc", "plain counts until an object is published, atomic ones after",
                                      "[hybrid-rc], [trc]"};
  using options = rc_arc_options;
  static constexpr std::array tunables{
      choice<&options::sharing, options>("sharing", {"dynamic", "typed"},
                                         "what says that an object is shared: a bit in it that is set once, or its type",
                                         "hybrid-rc has both; every workload can use the first"),
      choice<&options::slot, options>("slot", {"lockbit", "epoch"}, "how racy reads of shared slots are made safe",
                                      "libstdc++'s atomic<shared_ptr>"),
      heap_choice<options>(), cycles_choice<options>(), automatic_setting<options>("cycles=stop")};
  static constexpr std::array refusals{
      refusal{"cycles=generational", "generations need counts that no other thread changes meanwhile"},
      refusal{"cycles=stop",
              "objects are found by a walk over cells (heap=block), and a reader in an epoch may still see what is taken apart "
              "(slot=lockbit); another thread can't count a confined type (sharing=dynamic)"},
      no_trial};
  template <class M, options O>
    requires(sensible(O))
  using heap = std::conditional_t<O.sharing == sharing_kind::typed, rc_arc_typed_heap<M, O.slot, O.heap>, rc_arc_heap<M, O>>;
  using variants =
      variant_list<options{}, options{.slot = slot_kind::epoch}, options{.sharing = sharing_kind::typed},
                   options{.heap = object_source::block}, options{.heap = object_source::block, .cycles = cycle_kind::stop}>;
};

static_assert(strategy<rc_arc_heap<native>> && has_weak<rc_arc_heap<native>> && has_shared_slot<rc_arc_heap<native>>);
static_assert(has_borrow<rc_arc_heap<native, rc_arc_options{.slot = slot_kind::epoch}>>);
static_assert(strategy<rc_arc_typed_heap<native>> && has_weak<rc_arc_typed_heap<native>>);
static_assert(has_shared_slot<rc_arc_typed_heap<native>>);

}  // namespace tally::strategies
