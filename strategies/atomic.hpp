// atomic: one atomic count in the object, and one for weak refs (Rust's Arc, shared_ptr, Swift before biased counting).
//
// All strong refs together hold one weak ref; the last strong drop releases the slots, the last weak drop the memory.
//   order=relaxed   copies are relaxed, drops release, the last drop acquires: what the standard libraries do
//   order=seq_cst   every count operation is sequentially consistent (CPython's choice for its shared counts)
// Source: [Boehm04] for the orders.
#pragma once

#include "harness/counting.hpp"
#include "harness/family.hpp"

namespace tally::strategies {

enum class count_order { relaxed, seq_cst };

struct atomic_options {
  count_order order = count_order::relaxed;
};

template <class M, atomic_options O = atomic_options{}>
class atomic_heap : public counting_heap<atomic_heap<M, O>, M> {
 public:
  using counting_heap<atomic_heap<M, O>, M>::counting_heap;

  struct header {
    object_word<M> word;
    tally::atomic<M, std::uint32_t, "count"> count;
    tally::atomic<M, std::uint32_t, "weak"> weak;
  };

  class context : public counting_context<context, atomic_heap, header> {
   public:
    using counting_context<context, atomic_heap, header>::counting_context;
    static constexpr bool strict = O.order == count_order::seq_cst;
    static constexpr auto copies = strict ? std::memory_order_seq_cst : std::memory_order_relaxed;
    // release: pairs with the acquire of whoever finds the count at zero, so that this owner's last uses happen before the
    // object is taken apart. The last owner's own acquire is on the same operation (a fence would be invisible to TSan).
    static constexpr auto drops = strict ? std::memory_order_seq_cst : std::memory_order_acq_rel;

    void init(header& h) {
      h.count.store(1, std::memory_order_relaxed);  // relaxed: nobody else can see the object yet
      h.weak.store(1, std::memory_order_relaxed);
    }
    void increment(header& h) { h.count.fetch_add(1, copies); }  // relaxed: the caller's own ref keeps the object alive
    bool decrement(header& h) { return h.count.fetch_sub(1, drops) == 1; }
    bool try_increment(header& h) {
      std::uint32_t n = h.count.load(std::memory_order_relaxed);
      while (n != 0) {
        if (h.count.compare_exchange_weak(n, n + 1, copies, std::memory_order_relaxed)) return true;
      }
      return false;
    }
    void weak_increment(header& h) { h.weak.fetch_add(1, copies); }
    bool weak_decrement(header& h) { return h.weak.fetch_sub(1, drops) == 1; }
  };

  template <class T>
  using ref = typename context::template ref<T>;
  template <class T>
  using weak = typename context::template weak<T>;
  template <class T>
  using slot = typename context::template slot<T>;
  template <class T>
  using weak_slot = typename context::template weak_slot<T>;
  template <class T>
  using shared_slot = typename context::template shared_slot<T>;
  template <class T>
  using parcel = typename context::template parcel<T>;
  template <class T>
  using root = counted_root<atomic_heap, T>;
};

struct atomic {
  static constexpr strategy_info info{"atomic", "one atomic count, with weak refs (Rust's Arc, shared_ptr)", "[Boehm04]"};
  using options = atomic_options;
  static constexpr std::array tunables{
      choice<&options::order, options>("order", {"relaxed", "seq_cst"}, "memory order of the count operations",
                                       "what libstdc++, libc++ and Rust's Arc do")};
  template <class M, options O>
  using heap = atomic_heap<M, O>;
  using variants = variant_list<options{}, options{.order = count_order::seq_cst}>;
};

static_assert(strategy<atomic_heap<native>> && has_weak<atomic_heap<native>> && has_shared_slot<atomic_heap<native>>);

}  // namespace tally::strategies
