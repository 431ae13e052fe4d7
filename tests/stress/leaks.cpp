// LeakSanitizer sees into our heaps: memory that only their objects refer to is no leak, and what nobody refers to is one.
#include <gtest/gtest.h>

#include <memory>

#include "harness/memory/leak_roots.hpp"
#include "strategies/atomic.hpp"
#include "strategies/deferred.hpp"
#include "strategies/none.hpp"

#ifdef TALLY_LEAK_ROOTS

namespace tally::stress_leaks {
namespace {

template <class H>
struct owner {
  using trailing = owner;
  std::unique_ptr<int[]> memory = std::make_unique<int[]>(10);
  typename H::template slot<owner> next;
  void each_slot(auto&& f) { f(next); }
};

template <class H>
class Leaks : public ::testing::Test {
 public:
  // In a frame that is gone when the leaks are counted.
  [[gnu::noinline]] static void build(H& heap, typename H::template root<owner<H>>& root) {
    typename H::context c(heap);
    auto head = make<owner<H>>(c, {});
    for (int i = 0; i < 100; ++i) {
      auto next = make<owner<H>>(c, {});
      c.store(c.get(next).next, head);
      head = next;
    }
    root.store(c, head);
  }
};

using heaps = ::testing::Types<strategies::atomic_heap<native>, strategies::deferred_heap<native>, strategies::none_heap<native>>;
TYPED_TEST_SUITE(Leaks, heaps);

TYPED_TEST(Leaks, MemoryThatObjectsOwnIsNone) {
  using H = TypeParam;
  const auto heap = std::make_unique<H>(heap_config{.limit_bytes = 1 << 20});
  {
    typename H::template root<owner<H>> root(*heap);
    this->build(*heap, root);
    EXPECT_EQ(__lsan_do_recoverable_leak_check(), 0);
    typename H::context c(*heap);
    if constexpr (H::oracle == oracle_class::never_frees) {  // nobody ends them: by hand
      for (auto* o = root.get(); o != nullptr; o = c.peek(o->next)) o->memory.reset();
    }
    root.store(c, {});
  }
  heap->settle();
}

TEST(LeakSanitizer, FindsWhatNobodyRefersTo) {
  volatile auto hidden = ~reinterpret_cast<std::uintptr_t>(new int[1000]);
  const int found = __lsan_do_recoverable_leak_check();
  delete[] reinterpret_cast<int*>(~hidden);
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace tally::stress_leaks

#else

TEST(Leaks, AreLookedForUnderAddressSanitizer) { GTEST_SKIP() << "this build has no LeakSanitizer"; }

#endif
