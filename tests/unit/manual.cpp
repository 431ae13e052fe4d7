// By hand: a drop frees at once, with all that hangs on the object, and a second ref is a program error.
#include "strategies/manual.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "harness/engine/bind.hpp"
#include "workloads/chain.hpp"
#include "workloads/copy_drop.hpp"
#include "workloads/tree_churn.hpp"

namespace tally::unit_manual {
namespace {

using strategies::manual_options;
using on_malloc = strategies::manual_heap<native>;
using on_blocks = strategies::manual_heap<native, manual_options{.heap = object_source::block}>;

template <class H>
struct node {
  using trailing = node;
  node() = default;
  explicit node(std::uint32_t n) : places(n) {}
  typename H::template slot<node> left, right;
  std::uint32_t places = 0;
  void each_slot(auto&& f) {
    f(left);
    f(right);
    auto* more = slots_behind<typename H::template slot<node>>(*this);
    for (std::uint32_t i = 0; i < places; ++i) f(more[i]);
  }
};
template <class H>
struct wealthy {
  wealthy() { ++alive; }
  wealthy(const wealthy&) = delete;
  wealthy& operator=(const wealthy&) = delete;
  ~wealthy() { --alive; }
  void each_slot(auto&&) {}
  static inline int alive = 0;
};

template <class H>
class Manual : public ::testing::Test {};
using heaps = ::testing::Types<on_malloc, on_blocks>;
TYPED_TEST_SUITE(Manual, heaps);

template <class H>
typename H::template ref<node<H>> tree(typename H::context& c, int depth) {
  auto r = make<node<H>>(c, {});
  if (depth > 0) {
    c.store(c.get(r).left, tree<H>(c, depth - 1));
    c.store(c.get(r).right, tree<H>(c, depth - 1));
  }
  return r;
}

TYPED_TEST(Manual, ADropFreesWhatHangsOnTheObjectAndNothingElse) {
  using H = TypeParam;
  H heap{heap_config{}};
  typename H::context c(heap);
  auto a = tree<H>(c, 9), b = tree<H>(c, 4);
  EXPECT_EQ(heap.live(), 1023 + 31);
  c.store(c.get(b).left, tree<H>(c, 2));  // 15 go, 7 come
  EXPECT_EQ(heap.live(), 1023 + 31 - 15 + 7);
  auto taken = c.take(c.get(a).left);
  EXPECT_EQ(c.peek(c.get(a).left), nullptr);
  c.drop(a);
  EXPECT_EQ(heap.live(), 511 + 23);
  c.drop(taken);
  c.drop(b);
  EXPECT_EQ(heap.live(), 0);
  EXPECT_EQ(heap.live_bytes(), 0);
}

TYPED_TEST(Manual, TrailingSlotsLargeObjectsAndDestructorsGoToo) {
  using H = TypeParam;
  H heap{heap_config{}};
  typename H::context c(heap);
  for (int round = 0; round < 20; ++round) {
    auto wide = make<node<H>>(c, {.slots = 5000}, 5000U);  // 40 KB: blocks of its own
    auto* places = c.trailing_slots(c.get(wide));
    for (int i = 0; i < 5000; ++i) {
      ASSERT_EQ(c.peek(places[i]), nullptr) << "not zero";
      if (i % 2 == 0) c.store(places[i], make<node<H>>(c, {}));
    }
    EXPECT_EQ(heap.live(), 2501);
    c.drop(wide);
    EXPECT_EQ(heap.live(), 0);
    auto w = make<wealthy<H>>(c, {.bytes = 20'000});
    EXPECT_EQ(wealthy<H>::alive, 1);
    c.drop(w);
    EXPECT_EQ(wealthy<H>::alive, 0);
  }
}

TYPED_TEST(Manual, ASecondRefEndsTheProcess) {
  using H = TypeParam;
  EXPECT_DEATH(
      {
        H heap{heap_config{}};
        typename H::context c(heap);
        auto r = make<node<H>>(c, {});
        static_cast<void>(c.copy(r));
      },
      "a second reference to an object that has one owner");
}

TEST(Manual, RunsOnlyWhereObjectsHaveOneOwner) {
  EXPECT_EQ((bind_cell<on_malloc, workloads::copy_drop>().unmet),
            "copies references: its objects have no one owner who could free them");
  const cell churn = bind_cell<on_malloc, workloads::tree_churn>();
  EXPECT_EQ(churn.unmet, "");
  EXPECT_EQ(churn.unmet_for(parameters(workloads::tree_churn::info)), "");
  EXPECT_EQ(churn.unmet_for(parameters(workloads::tree_churn::info, {{"walk", "load"}})),
            "walk=load takes a second reference to each node");
  EXPECT_EQ((bind_cell<on_blocks, workloads::chain>().unmet), "");
}

}  // namespace
}  // namespace tally::unit_manual
