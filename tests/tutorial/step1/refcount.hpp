// refcount, step 1: one plain count in every object, for one thread.
#pragma once

#include "harness/contract/family.hpp"
#include "harness/counting/counting.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class refcount_heap : public counting_heap<refcount_heap<M>, M> {
 public:
  using counting_heap<refcount_heap<M>, M>::counting_heap;
  static constexpr bool single_threaded = true;

  struct header {
    object_word<M> word;
    var<M, std::uint64_t, "count"> count;
  };

  class context : public counting_context<context, refcount_heap, header> {
   public:
    using counting_context<context, refcount_heap, header>::counting_context;

    void init(header& h) { h.count.store(1); }
    void increment(header& h) { h.count.store(h.count.load() + 1); }
    bool decrement(header& h) {
      const std::uint64_t left = h.count.load() - 1;
      h.count.store(left);
      return left == 0;
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

static_assert(strategy<refcount_heap<native>>);

}  // namespace tally::strategies
