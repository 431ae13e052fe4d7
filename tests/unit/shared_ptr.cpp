#include "strategies/shared_ptr.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <thread>
#include <vector>

namespace unit_shared_ptr {
namespace {

using namespace tally;
using heap = strategies::shared_ptr_heap<native>;
using context = heap::context;

struct node {
  using trailing = node;
  heap::slot<node> next;
  heap::weak_slot<node> back;
  void each_slot(auto&& f) { f(next), f(back); }
};
struct place {
  heap::shared_slot<node> slot;
  void each_slot(auto&& f) { f(slot); }
};

TEST(SharedPtr, AnObjectIsOneAllocationOfItsOwnSizeAndAControlBlock) {
  heap h(heap_config{});
  context c(h);
  const auto r = make<node>(c, {});
  EXPECT_EQ(h.live_bytes(), static_cast<std::int64_t>(sizeof(heap::header) + sizeof(node)));
#ifdef __GLIBCXX__
  // The block that malloc gave begins one control block before the object; malloc knows its size.
  void* block = reinterpret_cast<std::byte*>(&c.get(r)) - sizeof(heap::header);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GE(malloc_usable_size(block), sizeof(heap::header) + sizeof(node));
  EXPECT_LT(malloc_usable_size(block), sizeof(heap::header) + sizeof(node) + 16);
#endif
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u);
#endif
  c.drop(r);
  EXPECT_EQ(h.live_bytes(), 0);
}

TEST(SharedPtr, ARefOfNothingIsAPointerToNothing) {
  const heap::ref<node> nothing{};
  const heap::weak<node> never{};
  EXPECT_EQ(*nothing.as(), nullptr);
  EXPECT_EQ(nothing.as()->use_count(), 0);
  EXPECT_EQ(never.as()->use_count(), 0);
  EXPECT_EQ(nothing, heap::ref<node>(std::shared_ptr<node>()));
  EXPECT_FALSE(static_cast<bool>(nothing));
  EXPECT_FALSE(static_cast<bool>(never));
  heap h(heap_config{});
  context c(h);
  auto a = make<node>(c, {});
  c.store(c.get(a).next, {});
  EXPECT_FALSE(static_cast<bool>(c.load(c.get(a).next)));
  c.drop(a);
  EXPECT_EQ(h.live(), 0);
}

TEST(SharedPtr, CountsAreTheLibrarysOwn) {
  heap h(heap_config{});
  context c(h);
  auto a = make<node>(c, {});
  EXPECT_EQ(a.as()->use_count(), 1);
  auto b = c.copy(a);
  c.store(c.get(a).next, c.copy(b));  // a cycle on purpose
  EXPECT_EQ(a.as()->use_count(), 3);
  auto t = c.take(c.get(a).next);
  EXPECT_EQ(a.as()->use_count(), 3);
  c.drop(t);
  c.drop(b);
  EXPECT_EQ(a.as()->use_count(), 1);
  EXPECT_EQ(h.live(), 1);
  c.drop(a);
  EXPECT_EQ(h.live(), 0);
}

TEST(SharedPtr, TrailingSlotsLiveAndDieWithTheirObject) {
  heap h(heap_config{});
  context c(h);
  auto a = make<node>(c, {.slots = 100, .bytes = 24});
  auto* more = c.trailing_slots(c.get(a));
  for (int i = 0; i < 100; ++i) c.store(more[i], make<node>(c, {}));
  EXPECT_EQ(h.live(), 101);
  EXPECT_GT(h.live_bytes(), 100 * static_cast<std::int64_t>(sizeof(node) + sizeof(heap::header) + sizeof(void*)));
  c.drop(a);
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

TEST(SharedPtr, AWeakRefOutlivesItsObjectWhichIsNoLongerLive) {
  heap h(heap_config{});
  context c(h);
  auto a = make<node>(c, {});
  auto w = c.downgrade(a);
  c.store(c.get(a).back, c.copy(w));
  auto again = c.upgrade(w);
  EXPECT_EQ(again, a);
  c.drop(again);
  c.drop(a);
  EXPECT_EQ(h.live(), 0);
  EXPECT_TRUE(static_cast<bool>(w));
  EXPECT_FALSE(static_cast<bool>(c.upgrade(w)));
  c.drop(w);
}

TEST(SharedPtr, AChainOfTheStatedLengthIsFreed) {
#ifdef __SANITIZE_THREAD__
  const std::size_t length = heap::max_chain / 10;  // ThreadSanitizer's stacks end at 65536 frames, and this recurses
#else
  const std::size_t length = heap::max_chain;
#endif
  heap h(heap_config{});
  std::thread([&] {
    context c(h);
    auto head = make<node>(c, {});
    for (std::size_t i = 1; i < length; ++i) {
      auto next = make<node>(c, {});
      c.store(c.get(next).next, head);
      head = next;
    }
    c.drop(head);
  }).join();
  EXPECT_EQ(h.live(), 0);
}

TEST(SharedPtr, ACompareExchangeConsumesOnlyWhenItStores) {
  heap h(heap_config{});
  context c(h);
  auto p = make<place>(c, {});
  auto a = make<node>(c, {}), b = make<node>(c, {});
  c.store(c.get(p).slot, c.copy(a));
  EXPECT_FALSE(c.compare_exchange(c.get(p).slot, b, b));
  EXPECT_EQ(b.as()->use_count(), 1);
  EXPECT_TRUE(c.compare_exchange(c.get(p).slot, a, b));
  EXPECT_EQ(a.as()->use_count(), 1);
  c.drop(a);
  EXPECT_EQ(h.live(), 2);
  c.drop(p);
  EXPECT_EQ(h.live(), 0);
}

TEST(SharedPtr, DropsOnAnotherThreadAreCountedExactly) {
  heap h(heap_config{});
  std::vector<heap::parcel<node>> box;
  {
    context c(h);
    for (int i = 0; i < 1000; ++i) box.push_back(c.pack(make<node>(c, {.slots = static_cast<std::uint32_t>(i % 3)})));
  }
  EXPECT_EQ(h.live(), 1000);
  std::thread([&] {
    context c(h);
    for (auto& p : box) c.drop(c.unpack(p));
  }).join();
  EXPECT_EQ(h.live(), 0);
  EXPECT_EQ(h.live_bytes(), 0);
}

}  // namespace
}  // namespace unit_shared_ptr
