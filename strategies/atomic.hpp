// atomic: one atomic count in the object, and one for weak refs (Rust's Arc, shared_ptr, Swift before biased counting).
//
// All strong refs together hold one weak ref; the last strong drop releases the slots, the last weak drop the memory. A strong
// count that has reached zero stays there, so an upgrade, or a reader of a shared slot, counts only while it is not zero.
//
//   order    relaxed: copies are relaxed, drops release, the last drop acquires: what the standard libraries do.
//            seq_cst: every count operation is sequentially consistent (CPython's choice for its shared counts)
//   rmw      fetch_add: one instruction, never fails. cas: a loop (libobjc2, old runtimes)
//   padding  packed: counts beside the type word. line: the counts share a cache line with nothing else
//   unique   on: the owner that finds itself the only one frees without an RMW ([Nim#26073], Boost, WebKit)
//   slot     how racy reads of shared slots are made safe (shared_slots.hpp)
//   immortal no: all objects are counted. yes: a count with a bit that references don't reach is left alone, at the price of a load and
//            a test before each RMW, which is the same whatever the RMW is: with packed counts and fetch_add only
//   heap     where objects come from (heap_choice in counting_heap.hpp); block with packed counts, relaxed and fetch_add only: an
//            allocator has nothing to do with these
//
// What it can't do: cycles; and a count that many threads write is a line that travels. No overflow check.
// Sources: [Boehm04] for the orders, [PEP683] for immortals.
#pragma once

#include "harness/contract/family.hpp"
#include "harness/cycles/cyclic_heap.hpp"
#include "strategies/immortal.hpp"

namespace tally::strategies {

enum class count_order { relaxed, seq_cst };
enum class count_rmw { fetch_add, cas };
enum class count_padding { packed, line };
enum class unique_path { off, on };

struct atomic_options {
  count_order order = count_order::relaxed;
  count_rmw rmw = count_rmw::fetch_add;
  count_padding padding = count_padding::packed;
  unique_path unique = unique_path::off;
  slot_kind slot = slot_kind::lockbit;
  object_source heap = object_source::malloc;
  cycle_kind cycles = cycle_kind::none;
  immortality immortal = immortality::no;
};

namespace detail {

template <class M>
struct atomic_header {
  object_word<M> word;
  tally::atomic<M, std::uint32_t, "count"> count;
  tally::atomic<M, std::uint32_t, "weak"> weak;
};
// 56 bytes on either side: wherever the 16-byte aligned block begins, the counts' line holds neither word nor payload.
template <class M>
struct padded_atomic_header {
  object_word<M> word;
  std::byte before[56];
  tally::atomic<M, std::uint32_t, "count"> count;
  tally::atomic<M, std::uint32_t, "weak"> weak;
  std::byte behind[56];
};

}  // namespace detail

constexpr bool sensible(const atomic_options& o) {
  // A collection of generations needs counts that nobody changes meanwhile; one that stops threads finds objects by their cells, and
  // frees what a reader in an epoch may see.
  if (o.cycles == cycle_kind::generational || o.cycles == cycle_kind::trial) return false;
  if (o.cycles == cycle_kind::stop && (o.heap == object_source::malloc || o.slot == slot_kind::epoch)) return false;
  if (o.immortal == immortality::yes && (o.rmw == count_rmw::cas || o.padding == count_padding::line)) return false;
  return o.heap == object_source::malloc ||
         (o.order == count_order::relaxed && o.rmw == count_rmw::fetch_add && o.padding == count_padding::packed);
}

template <class M, atomic_options O = atomic_options{}>
  requires(sensible(O))
class atomic_heap : public heap_with_cycles<O.cycles, atomic_heap<M, O>, M, O.slot, O.heap> {
 public:
  explicit atomic_heap(const heap_config& c) : heap_with_cycles<O.cycles, atomic_heap, M, O.slot, O.heap>(c) {}
  using header = std::conditional_t<O.padding == count_padding::line, detail::padded_atomic_header<M>, detail::atomic_header<M>>;

  class context : public context_with_cycles<O.cycles, context, atomic_heap, header> {
   public:
    using base = context_with_cycles<O.cycles, context, atomic_heap, header>;
    explicit context(atomic_heap& h) : base(h) {}
    static constexpr bool strict = O.order == count_order::seq_cst;
    static constexpr bool unique = O.unique == unique_path::on;
    static constexpr auto copies = strict ? std::memory_order_seq_cst : std::memory_order_relaxed;
    // release: pairs with the acquire of whoever finds the count at zero, so that this owner's last uses happen before the
    // object is taken apart. The last owner's own acquire is on the same operation (a fence would be invisible to TSan).
    static constexpr auto drops = strict ? std::memory_order_seq_cst : std::memory_order_acq_rel;
    static constexpr auto looks = strict ? std::memory_order_seq_cst : std::memory_order_acquire;
    // unique=on: a bit of the count that says that there was ever a weak ref. One load then decides uniqueness; two counts in
    // two words can't be read as one.
    static constexpr std::uint32_t weak_bit = unique ? std::uint32_t{1} << 31 : 0;
    // Of an immortal's count. 2^30 references would take 8 GiB; in a world of a few references it is so low that one drop too many
    // of each is noticed.
    static constexpr bool immortals = O.immortal == immortality::yes;
    static constexpr std::uint32_t immortal_bit = crowded<M> ? 16 : std::uint32_t{1} << 30;

    void init(header& h) {
      h.count.store(1, std::memory_order_relaxed);  // relaxed: nobody else can see the object yet
      h.weak.store(1, std::memory_order_relaxed);
    }
    void increment(header& h) {
      if (is_immortal(h)) return note_path<M, "immortal">();
      add(h.count, 1, copies);  // relaxed: the caller's own ref keeps the object alive
    }
    bool decrement(header& h) {
      if (is_immortal(h) && !mutant<M, "atomic: a drop of an immortal is counted">()) return note_path<M, "immortal">(), false;
      if constexpr (unique) {
        if (is_unique(h)) return true;
      }
      return (add(h.count, ~std::uint32_t{0}, drops) & ~weak_bit) == 1;
    }
    // relaxed: in a stop, or of an object that the caller alone can reach.
    [[nodiscard]] std::uint64_t count_of(header& h) const {
      return is_immortal(h) ? always_held : h.count.load(std::memory_order_relaxed) & ~weak_bit;
    }
    void revive(header& h) {
      // A unique owner's end leaves the count at 1.
      if (!unique || count_of(h) == 0) h.count.fetch_add(1, std::memory_order_relaxed);
    }
    // Of what observes and what is observed, as of what has weak refs: no end without an RMW.
    void allow_racy_reads(header& h)
      requires(unique && !base::by_epoch)
    {
      set_weak_bit(h);
    }
    bool try_increment(header& h) {
      std::uint32_t n = h.count.load(std::memory_order_relaxed);  // a guess for the CAS
      while ((n & ~weak_bit) != 0 || mutant<M, "atomic: an upgrade revives the dead">()) {
        if (immortals && (n & immortal_bit) != 0) return true;
        // relaxed: the object was made visible to us with its weak ref or shared slot; the count protects, it publishes nothing
        if (h.count.compare_exchange_weak(n, n + 1, copies, std::memory_order_relaxed)) return true;
      }
      return false;
    }
    void weak_increment(header& h) {
      if constexpr (unique) set_weak_bit(h);
      add(h.weak, 1, copies);
    }
    // The only weak ref is ours, or stands for strong refs that are all gone: nobody can make another, and no RMW is needed
    // (libc++ does so). acquire: pairs with the other weak drops' release.
    [[nodiscard]] bool only_weak(header& h) const { return h.weak.load(looks) == 1; }
    bool weak_decrement(header& h) { return only_weak(h) || add(h.weak, ~std::uint32_t{0}, drops) == 1; }

    // From now on copies and drops of the object touch nothing. Only while no other thread can reach it. With the weak bit: it is
    // nobody's alone.
    template <class T>
    void make_immortal(const counted_ref<header, T>& r)
      requires(immortals)
    {
      // relaxed: what shares the object publishes this too
      r.at->count.store(immortal_bit | weak_bit, std::memory_order_relaxed);
    }
    // Frees an immortal, whatever refs were made of it; weak refs find it dead. Only when nobody uses it any more.
    template <class T>
    void release_immortal(counted_ref<header, T> r)
      requires(immortals)
    {
      r.at->count.store(weak_bit, std::memory_order_relaxed);  // relaxed: the caller ordered all other uses
      this->reclaim(*r.at);
    }

   private:
    // relaxed: an object is immortal before another thread can reach it, and for good
    static bool is_immortal(const header& h) {
      return immortals && (h.count.load(std::memory_order_relaxed) & immortal_bit) != 0;
    }
    // relaxed: whoever could find itself unique after us reads a later value of the count, which keeps the bit
    static void set_weak_bit(header& h) {
      if ((h.count.load(std::memory_order_relaxed) & weak_bit) == 0) h.count.fetch_or(weak_bit, copies);
    }
    // True: the caller's ref is the only strong one, and nobody can make another, so that the RMW can be left out. The value 1
    // was written after the caller got its ref (coherence), and counts it; a further strong ref comes from a strong ref (the
    // caller's only), from a weak one (there never was one: the bit would be set, and a weak ref is made by an owner, before
    // its drop, which this value includes), from a shared slot under its lock (it would own a count), or, with slot=epoch,
    // from a reader that still looks at an object that was in a slot: therefore not for those.
    // acquire: pairs with the release of the drops before, whose RMWs this value ends.
    bool is_unique(header& h) {
      if constexpr (base::by_epoch) {
        if (h.word.flag() && !mutant<M, "atomic: an object that was in a slot can be unique">()) return false;
      }
      return h.count.load(looks) == 1;
    }
    static std::uint32_t add(auto& n, std::uint32_t by, std::memory_order order) {
      if constexpr (O.rmw == count_rmw::fetch_add) return n.fetch_add(by, order);
      std::uint32_t old = n.load(std::memory_order_relaxed);  // a guess for the CAS
      while (!n.compare_exchange_weak(old, old + by, order, std::memory_order_relaxed)) {}
      return old;
    }
  };
};

struct atomic {
  static constexpr strategy_info info{"atomic", "one atomic count, with weak refs (Rust's Arc, shared_ptr)", "[Boehm04]"};
  using options = atomic_options;
  static constexpr std::array tunables{
      choice<&options::order, options>("order", {"relaxed", "seq_cst"}, "memory order of the count operations",
                                       "what libstdc++, libc++ and Rust's Arc do"),
      choice<&options::rmw, options>("rmw", {"fetch_add", "cas"}, "how a count is changed", "every current implementation"),
      choice<&options::padding, options>("padding", {"packed", "line"}, "what shares a cache line with the counts",
                                         "every current implementation"),
      choice<&options::unique, options>("unique", {"off", "on"}, "the only owner frees without an RMW",
                                        "Rust's Arc and libc++ (libstdc++ has it)"),
      choice<&options::slot, options>("slot", {"lockbit", "epoch"}, "how racy reads of shared slots are made safe",
                                      "libstdc++'s atomic<shared_ptr>"),
      heap_choice<options>(),
      cycles_choice<options>(),
      immortal_choice<options>(),
      automatic_setting<options>("cycles=stop")};
  static constexpr std::array refusals{
      refusal{"cycles=generational", "generations need counts that no other thread changes meanwhile"},
      refusal{"cycles=stop",
              "objects are found by a walk over cells (heap=block), and a reader in an epoch may still see what is taken apart "
              "(slot=lockbit); heap=block is built with the default counts"},
      refusal{"immortal=yes",
              "what the look at a count costs hangs on nothing that comes after it (rmw=fetch_add, padding=packed)"},
      no_trial};
  template <class M, options O>
    requires(sensible(O))
  using heap = atomic_heap<M, O>;
  using variants =
      variant_list<options{}, options{.order = count_order::seq_cst}, options{.rmw = count_rmw::cas},
                   options{.padding = count_padding::line}, options{.unique = unique_path::on}, options{.slot = slot_kind::epoch},
                   options{.padding = count_padding::line, .slot = slot_kind::epoch}, options{.heap = object_source::block},
                   options{.unique = unique_path::on, .heap = object_source::block},
                   options{.heap = object_source::block, .cycles = cycle_kind::stop}, options{.immortal = immortality::yes}>;
  // On the simulated policy: without the memory orders.
  using simulated_variants = variant_list<options{}, options{.rmw = count_rmw::cas}, options{.padding = count_padding::line},
                                          options{.unique = unique_path::on}, options{.slot = slot_kind::epoch},
                                          options{.heap = object_source::block}, options{.immortal = immortality::yes}>;
};

static_assert(strategy<atomic_heap<native>> && has_weak<atomic_heap<native>> && has_shared_slot<atomic_heap<native>>);
static_assert(has_immortal<atomic_heap<native, atomic_options{.immortal = immortality::yes}>> &&
              !has_immortal<atomic_heap<native>>);
static_assert(has_borrow<atomic_heap<native, atomic_options{.slot = slot_kind::epoch}>> && !has_borrow<atomic_heap<native>>);

}  // namespace tally::strategies
