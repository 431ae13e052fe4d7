// Ends without a collector: what finalisers and observers see, what bounds the stack, and what an end needs of a strategy's counts.
#include "harness/counting/ends.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "strategies/atomic.hpp"
#include "strategies/biased.hpp"
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"
#include "strategies/rc_arc.hpp"

namespace unit_ends {
namespace {

using namespace tally;
using strategies::atomic_heap;
using unique = atomic_heap<native, {.unique = strategies::unique_path::on}>;
using typed = strategies::rc_arc_typed_heap<native>;

template <class H>
constexpr bool ends = has_finalizers<H> && has_observers<H>;
static_assert(ends<strategies::plain_heap<native>> && ends<strategies::gil_heap<native>> && ends<atomic_heap<native>> &&
              ends<typed>);
static_assert(ends<strategies::rc_arc_heap<native>> && ends<strategies::biased_heap<native>>);
static_assert(!has_finalizers<atomic_heap<native, {.slot = slot_kind::epoch}>> &&
              !has_observers<strategies::biased_heap<native, {.slot = slot_kind::epoch}>>);

template <class H>
class ends_of : public ::testing::Test {
 public:
  H heap{heap_config{}};
  typename H::context attached{heap};
};
using heaps = ::testing::Types<strategies::plain_heap<native>, strategies::gil_heap<native>, atomic_heap<native>, unique,
                               strategies::rc_arc_heap<native>, typed, strategies::biased_heap<native>,
                               strategies::biased_heap<native, {.rule = strategies::biased_rule::paper}>>;
TYPED_TEST_SUITE(ends_of, heaps);

// Without an end.
template <class H, class T>
struct holder {
  typename H::template slot<holder> next;
  typename H::template slot<T> held;
  void each_slot(auto&& f) {
    f(next);
    f(held);
  }
};
struct open_type {};
struct closed_type {
  static constexpr bool confined = true;
};
template <class H, bool Confined = false>
struct finalised : std::conditional_t<Confined, closed_type, open_type> {
  using context = typename H::context;
  using ref = typename H::template ref<finalised>;
  typename H::template slot<finalised> next;
  std::function<void(context&, const ref&)>* then = nullptr;
  int number = 0;
  void each_slot(auto&& f) { f(next); }
  void finalize(context& c, const ref& self) {
    if (then != nullptr) (*then)(c, self);
  }
};

template <class H, bool Confined = false>
using action = std::function<void(typename H::context&, const typename finalised<H, Confined>::ref&)>;

template <class T, class C>
auto made(C& c, auto* then, int number = 0, extent e = {}) {
  auto r = c.template make<T>(e);
  c.get(r).then = then;
  c.get(r).number = number;
  return r;
}

constexpr int long_chain = 1'000'000;

TYPED_TEST(ends_of, a_million_finalisers_that_drop_the_next_themselves_need_no_stack) {
  using mortal = finalised<TypeParam>;
  auto& c = this->attached;
  int ended = 0, wrong = 0;
  action<TypeParam> then = [&](auto& context, const auto& self) {
    wrong += context.get(self).number != ended++;
    if (ended % 2 != 0) context.store(context.get(self).next, {});
  };
  typename mortal::ref head{};
  for (int i = long_chain; i-- > 0;) {
    auto one = made<mortal>(c, &then, i);
    c.store(c.get(one).next, head);
    head = one;
  }
  c.drop(head);
  EXPECT_EQ(ended, long_chain);
  EXPECT_EQ(wrong, 0);
}

TYPED_TEST(ends_of, a_cascade_of_what_has_none_ends_what_it_finds) {
  using mortal = finalised<TypeParam>;
  using plain = holder<TypeParam, mortal>;
  auto& c = this->attached;
  int ended = 0;
  action<TypeParam> then = [&](auto& context, const auto&) {
    ++ended;
    // A cascade inside the cascade, which is over before the finaliser goes on.
    auto last = context.template make<plain>({});
    auto inner = context.template make<mortal>({});
    int seen = 0;
    action<TypeParam> count = [&seen](auto&, const auto&) { ++seen; };
    context.get(inner).then = &count;
    auto first = context.template make<plain>({});
    context.store(context.get(last).held, inner);
    context.store(context.get(first).next, last);
    context.drop(first);
    EXPECT_EQ(seen, 1);
  };
  typename TypeParam::template ref<plain> head{};
  for (int i = 0; i < 10'000; ++i) {
    auto one = c.template make<plain>({});
    c.store(c.get(one).held, made<mortal>(c, &then));
    c.store(c.get(one).next, head);
    head = one;
  }
  c.drop(head);
  EXPECT_EQ(ended, 10'000);
}

// What an object with an end holds is gone, whatever it is, before the next.
template <class H>
struct two {
  typename H::template slot<holder<H, finalised<H>>> first;
  typename H::template slot<finalised<H>> second;
  void each_slot(auto&& f) {
    f(first);
    f(second);
  }
  void finalize(typename H::context&, const typename H::template ref<two>&) {}
};
TYPED_TEST(ends_of, an_object_between_two_that_have_ends_keeps_their_order) {
  using mortal = finalised<TypeParam>;
  auto& c = this->attached;
  std::vector<int> order;
  action<TypeParam> then = [&](auto& context, const auto& self) { order.push_back(context.get(self).number); };
  auto top = c.template make<two<TypeParam>>({});
  auto between = c.template make<holder<TypeParam, mortal>>({});
  auto below = c.template make<holder<TypeParam, mortal>>({});
  c.store(c.get(below).held, made<mortal>(c, &then, 1));
  c.store(c.get(between).next, below);
  c.store(c.get(top).first, between);
  c.store(c.get(top).second, made<mortal>(c, &then, 2));
  c.drop(top);
  EXPECT_THAT(order, ::testing::ElementsAre(1, 2));
}

// Watched by an observer and a weak ref. Lets go of the next, in its finaliser, and looks for it.
template <class H>
struct watched;
template <class H>
struct watcher {
  typename H::template observation<watched<H>> place;
  int told = 0;
  void each_slot(auto&&) {}
  auto& observation() { return place; }
  void notify(auto&) { ++told; }
};
template <class H>
struct chain_books {
  std::vector<typename H::template weak<watched<H>>> weak;
  std::vector<typename H::template ref<watcher<H>>> observers;
  typename H::template ref<watched<H>> kept{};
  std::size_t ended = 0, found = 0;
};
template <class H>
struct watched {
  typename H::template slot<watched> next;
  typename H::template observers<watched> seen_by;
  chain_books<H>* books = nullptr;
  std::size_t number = 0;
  void each_slot(auto&& f) { f(next); }
  auto& observers() { return seen_by; }
  void finalize(typename H::context& c, const typename H::template ref<watched>& self) {
    ++books->ended;
    if (number + 1 == books->weak.size()) {
      books->kept = c.copy(self);
      return;
    }
    c.store(next, {});
    if (const auto& w = books->weak[number + 1]) look(c, c.upgrade(w));
    look(c, c.observed(books->observers[number + 1]));
  }
  void look(typename H::context& c, typename H::template ref<watched> r) {
    if (!r || number + 2 == books->weak.size()) {  // the last one was revived
      if (r) c.drop(r);
      return;
    }
    ++books->found;
    c.drop(r);
  }
};

// Beyond a depth an end is put off. Whoever looks meanwhile finds the object dead, and all of it is there when it is finalised.
template <class H>
void ends_of_a_watched_chain(typename H::context& c, bool weak_too) {
  constexpr std::size_t length = 200, bytes = 1000;
  chain_books<H> books;
  typename H::template ref<watched<H>> head{};
  for (std::size_t i = length; i-- > 0;) {
    auto one = c.template make<watched<H>>({.slots = 0, .bytes = bytes});
    c.get(one).books = &books;
    c.get(one).number = i;
    std::fill_n(reinterpret_cast<std::byte*>(&c.get(one) + 1), bytes, std::byte{0xA5});
    books.weak.insert(books.weak.begin(), weak_too ? c.downgrade(one) : typename H::template weak<watched<H>>{});
    books.observers.insert(books.observers.begin(), c.template make<watcher<H>>({}));
    c.observe(books.observers.front(), one);
    c.store(c.get(one).next, head);
    head = one;
  }
  c.drop(head);
  EXPECT_EQ(books.ended, length);
  EXPECT_EQ(books.found, 0U);
  ASSERT_TRUE(books.kept);
  EXPECT_EQ(c.get(books.kept).number, length - 1);
  const auto* at = reinterpret_cast<const std::byte*>(&c.get(books.kept) + 1);
  EXPECT_TRUE(std::all_of(at, at + bytes, [](std::byte b) { return b == std::byte{0xA5}; }));
  c.drop(books.kept);
  EXPECT_EQ(books.ended, length);
  for (const auto& w : books.weak) {
    if (w) c.drop(w);
  }
  for (const auto& o : books.observers) {
    EXPECT_EQ(c.get(o).told, 1);
    c.drop(o);
  }
}

TYPED_TEST(ends_of, what_is_put_off_is_dead_and_keeps_its_bytes) {
  ends_of_a_watched_chain<TypeParam>(this->attached, false);
  ends_of_a_watched_chain<TypeParam>(this->attached, true);
}

template <class H>
struct bare {
  std::uint64_t word[2] = {};
  void each_slot(auto&&) {}
};
TYPED_TEST(ends_of, objects_without_an_end_are_as_large_as_they_were) {
  auto r = this->attached.template make<bare<TypeParam>>({});
  EXPECT_EQ(r.at->word.bytes(), sizeof(typename TypeParam::header) + 16);
  this->attached.drop(r);
}

template <class H>
struct weak_holder {
  typename H::template weak_slot<finalised<H>> seen;
  void each_slot(auto&& f) { f(seen); }
};
template <class H>
struct pair_of {
  typename H::template slot<finalised<H>> first, second;
  void each_slot(auto&& f) {
    f(first);
    f(second);
  }
  void finalize(typename H::context&, const typename H::template ref<pair_of>&) {}
};

// An object that is dead, and put off, is published through a weak ref: as the dead are, without what it holds. Its finaliser then
// keeps it, for another thread.
TEST(ends, what_is_published_when_it_is_dead_is_published_whole_if_it_is_revived) {
  using H = strategies::rc_arc_heap<native>;
  using mortal = finalised<H>;
  H heap{heap_config{}};
  {
    H::context c(heap);
    H::weak<mortal> put_off{};
    H::parcel<mortal> kept{};
    action<H> keep = [&](auto& context, const auto& self) { kept = context.pack(context.copy(self)); };
    action<H> publish = [&](auto& context, const auto&) {
      EXPECT_FALSE(kept);
      EXPECT_FALSE(context.upgrade(put_off));
      auto one = context.template make<weak_holder<H>>({});
      context.store(context.get(one).seen, context.copy(put_off));
      context.drop(context.unpack(context.pack(one)));
    };
    action<H>* const nothing = nullptr;
    auto chain = made<mortal>(c, &keep);
    put_off = c.downgrade(chain);
    c.store(c.get(chain).next, made<mortal>(c, nothing));
    constexpr int above = 49;  // with `top`, as many as end inside each other
    for (int i = 0; i < above; ++i) {
      auto one = made<mortal>(c, nothing);
      c.store(c.get(one).next, chain);
      chain = one;
    }
    auto top = c.make<pair_of<H>>({});
    c.store(c.get(top).first, chain);
    c.store(c.get(top).second, made<mortal>(c, &publish));
    c.drop(top);
    auto r = c.unpack(kept);
    EXPECT_TRUE(r.at->count.load(std::memory_order_relaxed) & H::context::shared);
    auto held = c.load(c.get(r).next);
    EXPECT_TRUE(held.at->count.load(std::memory_order_relaxed) & H::context::shared);
    c.drop(held);
    c.drop(r);
    c.drop(put_off);
  }
  EXPECT_EQ(heap.live(), 0);
}

// A confined object's counts are its type's.
TEST(ends, a_confined_object_is_finalised_and_revived) {
  typed heap{heap_config{}};
  {
    typed::context c(heap);
    using mortal = finalised<typed, true>;
    int ended = 0;
    mortal::ref kept{};
    action<typed, true> then = [&](auto& context, const auto& self) {
      if (++ended == 1) kept = context.copy(self);
    };
    c.drop(made<mortal>(c, &then));
    ASSERT_TRUE(kept);
    c.drop(kept);
    EXPECT_EQ(ended, 1);
  }
  EXPECT_EQ(heap.live(), 0);
}

}  // namespace
}  // namespace unit_ends
