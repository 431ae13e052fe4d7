// The conformance suite must be able to fail: two strategies that are wrong on purpose, and what catches them.
#include "harness/counting.hpp"
#include "tests/conform/support.hpp"
#ifdef TALLY_RAPIDCHECK
#include "tests/conform/model.hpp"
#endif

namespace tally::conform {
namespace {

enum class defect { none, leaks, frees_early };

// A plain count that forgets every third increment (frees early) or every third decrement (leaks). Dead objects are poisoned
// and kept, so that the test itself stays defined.
template <defect D>
class broken_heap : public counting_heap<broken_heap<D>, native> {
 public:
  using counting_heap<broken_heap<D>, native>::counting_heap;
  static constexpr bool single_threaded = true;
  struct header {
    object_word<native> word;
    std::int64_t count = 0;
    std::int64_t bytes = 0;
  };
  class context : public counting_context<context, broken_heap, header> {
   public:
    using counting_context<context, broken_heap, header>::counting_context;
    void init(header& h) {
      h.count = 1;
      h.bytes = static_cast<std::int64_t>(h.word.bytes());
    }
    void increment(header& h) { h.count += D == defect::frees_early && ++calls_ % 3 == 0 ? 0 : 1; }
    bool decrement(header& h) { return (h.count -= D == defect::leaks && ++calls_ % 3 == 0 ? 0 : 1) == 0; }
    void dispose(header& h) { __builtin_memset(static_cast<void*>(&h + 1), 0x5a, static_cast<std::size_t>(h.bytes) - sizeof h); }

   private:
    int calls_ = 0;
  };
  template <class T>
  using ref = typename context::template ref<T>;
  template <class T>
  using slot = typename context::template slot<T>;
  template <class T>
  using parcel = typename context::template parcel<T>;
  template <class T>
  using root = counted_root<broken_heap, T>;
};
static_assert(strategy<broken_heap<defect::none>>);

#ifdef TALLY_RAPIDCHECK
template <defect D>
bool passes() {
  return rc::check([] { check_against_model<broken_heap<D>>(); });
}
TEST(Negative, TheModelPassesTheSameStrategyWithoutADefect) { EXPECT_TRUE(passes<defect::none>()); }
TEST(Negative, TheModelCatchesALeak) { EXPECT_FALSE(passes<defect::leaks>()); }
TEST(Negative, TheModelCatchesAnEarlyFree) { EXPECT_FALSE(passes<defect::frees_early>()); }
#endif

TEST(Negative, HoldsTellsALeakFromABalance) {
  auto heap = make_heap<broken_heap<defect::leaks>>();
  with_context(*heap, [](auto& c) {
    for (int i = 0; i < 9; ++i) c.drop(make<node<broken_heap<defect::leaks>>>(c, {}, 1u));
  });
  EXPECT_FALSE(holds(*heap, 0));
  EXPECT_TRUE(holds(*heap, 3));
}

}  // namespace
}  // namespace tally::conform
