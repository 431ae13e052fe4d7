// saturating: a plain count that stays at its top once it gets there, so that an overflow leaks instead of freeing early
// (Linux's refcount_t). What a strategy outside the tree looks like: this header, and one line in strategies.cmake.
#pragma once

#include <limits>

#include "harness/contract/family.hpp"
#include "harness/counting/counting.hpp"

namespace tally::strategies {

template <class M, no_options = no_options{}>
class saturating_heap : public counting_heap<saturating_heap<M>, M> {
 public:
  using counting_heap<saturating_heap<M>, M>::counting_heap;
  static constexpr bool single_threaded = true;
  static constexpr std::uint32_t top = std::numeric_limits<std::uint32_t>::max();

  struct header {
    object_word<M> word;
    var<M, std::uint32_t, "count"> count;
    std::uint32_t unused = 0;  // keeps the payload at 16
  };

  class context : public counting_context<context, saturating_heap, header> {
   public:
    using counting_context<context, saturating_heap, header>::counting_context;
    void init(header& h) { h.count.store(1); }
    void increment(header& h) {
      if (const auto n = h.count.load(); n != top) h.count.store(n + 1);
    }
    bool decrement(header& h) {
      const auto n = h.count.load();
      if (n == top) return false;
      h.count.store(n - 1);
      return n == 1;
    }
  };
};

struct saturating {
  static constexpr strategy_info info{"saturating", "a plain count that sticks at its top", "-"};
  using options = no_options;
  static constexpr std::array<tunable<options>, 0> tunables{};
  template <class M, options O>
  using heap = saturating_heap<M, O>;
  using variants = variant_list<options{}>;
};

static_assert(strategy<saturating_heap<native>>);

}  // namespace tally::strategies
