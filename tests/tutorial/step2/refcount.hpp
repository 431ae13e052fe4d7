// refcount, step 2: the count is atomic, and threads share objects.
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
    tally::atomic<M, std::uint64_t, "count"> count;
  };

  class context : public counting_context<context, refcount_heap, header> {
   public:
    using counting_context<context, refcount_heap, header>::counting_context;

    void init(header& h) { h.count.store(1, std::memory_order_relaxed); }  // relaxed: nobody else can see the object yet
    void increment(header& h) {
      h.count.fetch_add(1, std::memory_order_relaxed);  // relaxed: the caller's own ref keeps the object alive
    }
    bool decrement(header& h) {
      // release: pairs with the acquire of whoever takes the last one away, so that this owner's uses happen before the object is
      // taken apart.
      return h.count.fetch_sub(1, std::memory_order_acq_rel) == 1;
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

static_assert(strategy<refcount_heap<native>> && has_shared_slot<refcount_heap<native>>);

}  // namespace tally::strategies
