// refcount, step 3: weak refs, which are counted beside the others.
#pragma once

#include "harness/contract/family.hpp"
#include "harness/counting/counting.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class refcount_heap : public counting_heap<refcount_heap<M>, M> {
 public:
  using counting_heap<refcount_heap<M>, M>::counting_heap;

  struct header {
    object_word<M> word;
    tally::atomic<M, std::uint32_t, "count"> count;
    tally::atomic<M, std::uint32_t, "weak"> weak;  // all strong refs together hold one
  };

  class context : public counting_context<context, refcount_heap, header> {
   public:
    using counting_context<context, refcount_heap, header>::counting_context;

    void init(header& h) {
      h.count.store(1, std::memory_order_relaxed);  // relaxed: nobody else can see the object yet
      h.weak.store(1, std::memory_order_relaxed);
    }
    void increment(header& h) {
      h.count.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller's own ref keeps the object alive
    }
    bool decrement(header& h) {
      // release: pairs with the acquire of whoever takes the last one away, so that this owner's uses happen before the object is
      // taken apart.
      return h.count.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    bool try_increment(header& h) {
      std::uint32_t n = h.count.load(std::memory_order_relaxed);  // a guess for the CAS
      while (n != 0) {
        // relaxed: the object became visible with the weak ref that we hold; the count protects it and publishes nothing
        if (h.count.compare_exchange_weak(n, n + 1, std::memory_order_relaxed, std::memory_order_relaxed)) return true;
      }
      return false;
    }
    void weak_increment(header& h) {
      h.weak.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller's own ref, strong or weak, keeps the memory
    }
    bool weak_decrement(header& h) {
      // release: pairs with the acquire of whoever takes the last one away and frees the memory.
      return h.weak.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
  };
};

struct refcount {
  static constexpr strategy_info info{"refcount", "the tutorial's count", "-"};
  using options = no_options;
  static constexpr std::array<tunable<options>, 0> tunables{};
  template <class M, options O>
  using heap = refcount_heap<M, O>;
  using variants = variant_list<options{}>;
};

static_assert(strategy<refcount_heap<native>> && has_shared_slot<refcount_heap<native>> && has_weak<refcount_heap<native>>);

}  // namespace tally::strategies
