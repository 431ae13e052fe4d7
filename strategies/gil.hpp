// gil: plain counts, and one lock that a thread must hold to run at all (CPython's global interpreter lock).
//
// A context holds the lock from attach to detach, except inside blocked(). So counts, slots and shared slots are plain
// accesses. A thread that has waited `interval_us` for the lock asks for it; the holder looks at the request at every poll()
// (one relaxed load), lets go, and waits until another thread has taken it: without that the holder, which is awake, would
// take it straight back (the convoy that CPython's "forced switching" ended). Threads take turns; nothing scales.
//
//   heap      where objects come from (heap_choice in counting_heap.hpp)
//   cycles    what finds cyclic garbage (cycle_kind.hpp)
//   counts    plain: the lock is what makes them safe. atomic: each count operation is the read-modify-write that it would be
//             without the lock, which nothing needs here: what the instruction costs by itself. With heap=malloc and cycles=none only
//   immortal  no: all objects are counted. yes: as CPython 3.12 and 3.13 do. A count of all ones is immortal: an increment that would
//             wrap it is left out, and so is a decrement of a count with the highest bit set. What 2^31 references bring there
//             stays for ever, too
//
// What it can't do: run two threads at once; cycles. Waiting for the lock is blocking, all else is wait-free. A thread that
// does not poll holds everybody up.
// Sources: CPython's ceval_gil.c since 3.2; the default interval is its DEFAULT_INTERVAL. Immortals: [PEP683].
#pragma once

#include "harness/contract/family.hpp"
#include "harness/cycles/cyclic_heap.hpp"
#include "strategies/immortal.hpp"

namespace tally::strategies {

// The lock. Threads are told apart by the ids that join() gives.
template <class M>
class interpreter_lock {
 public:
  explicit interpreter_lock(std::uint64_t interval) : interval_(interval) {}

  [[nodiscard]] std::uint32_t join() { return ids_.fetch_add(1, std::memory_order_relaxed) + 1; }  // relaxed: only distinct

  void take(std::uint32_t me) {
    for (bool first = true; !free_now(); first = false) {
      if (first) note_periodic<M, "gil_wait">(), note_delay<M, delay::lock>();  // a turn that is to come
      const std::uint32_t before = switches_.load(std::memory_order_relaxed);
      const bool taken = M::wait_until([&] { return free_now(); }, M::now() + interval_);
      if (taken) break;
      // Asks only if the same holder had it all the time: a switch meanwhile means that turns are being taken.
      if (switches_.load(std::memory_order_relaxed) == before) requested_.store(1, std::memory_order_relaxed);
    }
    // Holding it. relaxed: the next holder is ordered by the lock; who reads without it takes these for hints.
    if (holder_.load(std::memory_order_relaxed) != me) {
      holder_.store(me, std::memory_order_relaxed);
      switches_.store(switches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    requested_.store(0, std::memory_order_relaxed);
  }
  void drop(std::uint32_t me) {
    const bool asked = requested();
    if (!mutant<M, "gil: the lock is kept in a blocked region">()) lock_.unlock();
    // Whoever asked is still waiting, since taking the lock takes the request back; so somebody else becomes the holder.
    if (asked) M::wait_until([&] { return holder_.load(std::memory_order_relaxed) != me; });
  }
  // relaxed: a late look costs a poll
  [[nodiscard]] bool requested() const { return requested_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] std::uint32_t switches() const { return switches_.load(std::memory_order_relaxed); }

 private:
  bool free_now() { return lock_.try_lock() || mutant<M, "gil: nobody waits for the lock">(); }

  typename M::mutex lock_;
  tally::atomic<M, std::uint32_t, "gil"> requested_, switches_, holder_, ids_;
  const std::uint64_t interval_;  // in M::now()'s unit: nanoseconds where it is a clock
};

enum class gil_counts { plain, atomic };

struct gil_options {
  object_source heap = object_source::malloc;
  cycle_kind cycles = cycle_kind::none;
  gil_counts counts = gil_counts::plain;
  immortality immortal = immortality::no;
};

// A count that is changed by a read-modify-write, although who changes it holds the lock. relaxed: the lock orders.
template <class M, field_name Name>
class gil_atomic_count {
 public:
  [[nodiscard]] std::uint32_t load() const { return word_.load(std::memory_order_relaxed); }
  void store(std::uint32_t n) { word_.store(n, std::memory_order_relaxed); }
  std::uint32_t add(std::uint32_t by) { return word_.fetch_add(by, std::memory_order_relaxed) + by; }

 private:
  tally::atomic<M, std::uint32_t, Name> word_;
};
template <class M, gil_counts Counts, field_name Name>
using gil_count = std::conditional_t<Counts == gil_counts::plain, var<M, std::uint32_t, Name>, gil_atomic_count<M, Name>>;

constexpr bool sensible(const gil_options& o) {
  if (o.cycles == cycle_kind::stop) return false;  // who holds the lock runs alone
  return o.counts == gil_counts::plain || (o.heap == object_source::malloc && o.cycles == cycle_kind::none);
}

template <class M, gil_options O = gil_options{}>
  requires(sensible(O))
class gil_heap : public heap_with_cycles<O.cycles, gil_heap<M, O>, M, slot_kind::unlocked, O.heap> {
  using heap_base = heap_with_cycles<O.cycles, gil_heap, M, slot_kind::unlocked, O.heap>;

 public:
  static constexpr double default_interval_us = 5000;
  static constexpr bool takes_turns = true;
  static constexpr std::string_view thread_bound = "a context holds the lock from attach to detach";
  explicit gil_heap(const heap_config& config)
      : heap_base(config), gil_(static_cast<std::uint64_t>(config.tunable("interval_us", default_interval_us) * 1000)) {}
  [[nodiscard]] interpreter_lock<M>& gil() { return gil_; }

  struct header {
    object_word<M> word;
    gil_count<M, O.counts, "count"> count;
    gil_count<M, O.counts, "weak"> weak;
  };

  class context : public context_with_cycles<O.cycles, context, gil_heap, header> {
    using base = context_with_cycles<O.cycles, context, gil_heap, header>;
    static constexpr bool plainly = O.counts == gil_counts::plain, immortals = O.immortal == immortality::yes;

   public:
    explicit context(gil_heap& heap) : base(heap), id_(heap.gil().join()) { heap.gil().take(id_); }
    ~context() { this->heap_.gil().drop(id_); }

    // All under the lock: as in plain.hpp.
    void init(header& h) {
      h.count.store(1);
      h.weak.store(1);
    }
    void increment(header& h) {
      const std::uint32_t next = before(h.count, immortals) + 1;
      if (immortals && next == 0 && !mutant<M, "gil: an immortal is counted up">()) return note_path<M, "immortal">();
      add(h.count, 1, next);
    }
    bool decrement(header& h) {
      const std::uint32_t n = before(h.count, immortals);
      if (is_immortal(n) && !mutant<M, "gil: an immortal is counted down">()) return note_path<M, "immortal">(), false;
      return add(h.count, minus_one, n - 1) == 0;
    }
    // An immortal is always held.
    [[nodiscard]] std::uint64_t count_of(header& h) const {
      const std::uint32_t n = h.count.load();
      return is_immortal(n) ? always_held : n;
    }
    void revive(header& h) { h.count.store(1); }
    bool try_increment(header& h) {
      if (h.count.load() == 0) return false;
      increment(h);
      return true;
    }
    void weak_increment(header& h) { add(h.weak, 1, before(h.weak) + 1); }
    [[nodiscard]] bool only_weak(header& h) const { return h.weak.load() == 1; }
    bool weak_decrement(header& h) { return only_weak(h) || add(h.weak, minus_one, before(h.weak) - 1) == 0; }

    // From now on copies and drops of the object touch nothing.
    template <class T>
    void make_immortal(const counted_ref<header, T>& r)
      requires(immortals)
    {
      r.at->count.store(immortal_count);
    }
    // Frees an immortal, whatever refs were made of it; weak refs find it dead. Only when nobody uses it any more.
    template <class T>
    void release_immortal(counted_ref<header, T> r)
      requires(immortals)
    {
      r.at->count.store(0);
      this->reclaim(*r.at);
    }

    void poll() {
      if (this->heap_.gil().requested()) [[unlikely]]
        hand_over();
      base::poll();
    }
    template <class F>
    void blocked(F&& f) {
      const released outside(*this);
      f();
    }

   private:
    static constexpr std::uint32_t minus_one = ~std::uint32_t{0}, immortal_count = ~std::uint32_t{0};
    static constexpr bool is_immortal(std::uint32_t n) { return immortals && static_cast<std::int32_t>(n) < 0; }
    class released {
     public:
      explicit released(context& c) : context_(c) { context_.heap_.gil().drop(context_.id_); }
      ~released() { context_.heap_.gil().take(context_.id_); }

     private:
      context& context_;
    };
    [[gnu::noinline]] void hand_over() {
      note_path<M, "hand_over">();
      const released outside(*this);
    }
    // What a count is, for add(); nothing that an RMW needs, unless it is looked at.
    static std::uint32_t before(const auto& count, bool looked_at = false) { return plainly || looked_at ? count.load() : 0; }
    // Adds to a count, which makes `sum` of what it was before(); returns what it is then.
    static std::uint32_t add(auto& count, std::uint32_t by, std::uint32_t sum) {
      if constexpr (plainly) {
        count.store(sum);
        return sum;
      } else {
        return count.add(by);
      }
    }
    std::uint32_t id_;
  };

 private:
  interpreter_lock<M> gil_;
};

struct gil {
  static constexpr strategy_info info{"gil", "plain counts under one lock with a switch interval (CPython)", "[CPython]"};
  using options = gil_options;
  static constexpr std::array tunables{
      number<options>("interval_us", gil_heap<native>::default_interval_us, 1, 1e9,
                      "how long a thread waits before it asks for the lock, in us", "CPython's sys.getswitchinterval()"),
      heap_choice<options>(),
      cycles_choice<options>(),
      choice<&options::counts, options>("counts", {"plain", "atomic"}, "how a count is changed under the lock", "CPython"),
      immortal_choice<options>(),
      rule_setting<options>(),
      candidates_number<options>(),
      automatic_setting<options>("cycles=generational")};
  static constexpr std::array refusals{
      refusal{"cycles=stop", "who holds the lock runs alone, and has nobody to stop"},
      refusal{"counts=atomic", "what the instruction costs hangs on no heap (heap=malloc) and no collector (cycles=none)"}};
  template <class M, options O>
    requires(sensible(O))
  using heap = gil_heap<M, O>;
  using variants = variant_list<options{}, options{.heap = object_source::block}, options{.cycles = cycle_kind::generational},
                                options{.cycles = cycle_kind::trial}, options{.counts = gil_counts::atomic},
                                options{.immortal = immortality::yes},
                                options{.cycles = cycle_kind::generational, .immortal = immortality::yes}>;
  // When cyclic garbage is freed hangs on these.
  using stamped_variants =
      variant_list<options{}, options{.cycles = cycle_kind::generational}, options{.cycles = cycle_kind::trial}>;
};

static_assert(strategy<gil_heap<native>> && has_weak<gil_heap<native>> && has_shared_slot<gil_heap<native>>);
static_assert(has_immortal<gil_heap<native, gil_options{.immortal = immortality::yes}>> && !has_immortal<gil_heap<native>>);

}  // namespace tally::strategies
