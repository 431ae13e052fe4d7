// rule=incremental: how much a collection looks at, that a pass finds what is garbage, and what each of collect()'s numbers does.
#include "harness/cycles/old_spaces.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "harness/cycles/cycle_kind.hpp"
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"

namespace tally::unit_old_spaces {
namespace {

const std::pair<std::string_view, double> incremental{"rule", 3};
heap_config by_rule() {
  heap_config c;
  c.tunables = &incremental;
  c.tunable_count = 1;
  return c;
}

template <class H>
struct node {
  typename H::template slot<node> next, other;
  void each_slot(auto&& f) {
    f(next);
    f(other);
  }
};

template <class Heap>
struct old_spaces : ::testing::Test {
  using ref = typename Heap::template ref<node<Heap>>;

  ref make() {
    const ref r = c.template make<node<Heap>>(extent{});
    c.poll();
    return r;
  }
  void let_go(std::size_t n) {
    for (; n != 0; --n, kept.pop_back()) c.drop(kept.back());
  }
  void keep(std::size_t n) {
    while (n-- != 0) kept.push_back(make());
  }
  void refer(const ref& from, const ref& to) { c.store(c.get(from).next, c.copy(to)); }
  ref ring(std::size_t n) {
    const ref first = make();
    ref last = c.copy(first);
    for (; n > 1; --n) {
      const ref r = make();
      refer(last, r);
      c.drop(last);
      last = r;
    }
    refer(last, first);
    c.drop(last);
    return first;
  }
  void make_ring(std::size_t n) { c.drop(ring(n)); }
  // How many were looked at.
  std::uint64_t collect(int generation) {
    const std::uint64_t before = h.totals().looked_at;
    found = c.collect(generation);
    return h.totals().looked_at - before;
  }
  static constexpr std::size_t endless = 1000;
  // To the end of one that has something to look at; `found` is all of it.
  std::vector<std::uint64_t> pass() {
    std::vector<std::uint64_t> increments;
    std::uint64_t all = 0;
    do {
      increments.push_back(collect(1));
      all += found;
    } while ((increments.back() == 0 || of(1) != 0) && increments.size() < endless);
    EXPECT_LT(increments.size(), endless);
    found = all;
    return increments;
  }
  std::size_t of(int space) {
    std::size_t n = 0;
    h.cycles().of(space).for_each([&n](auto&) { ++n; });
    return n;
  }
  static std::uint64_t sum(const std::vector<std::uint64_t>& of) {
    return std::accumulate(of.begin(), of.end(), std::uint64_t{0});
  }
  void TearDown() override { let_go(kept.size()); }

  Heap h{by_rule()};
  typename Heap::context c{h};
  std::vector<ref> kept;
  std::uint64_t found = 0;
};

using heaps = ::testing::Types<strategies::plain_heap<native, {.cycles = cycle_kind::generational}>,
                               strategies::gil_heap<native, {.cycles = cycle_kind::generational}>>;
TYPED_TEST_SUITE(old_spaces, heaps);

// A share is a hundredth of the heap, and there are two: one in advance, the other after the fact.
TYPED_TEST(old_spaces, an_increment_looks_at_a_share) {
  this->h.cycles().enable(false);
  this->keep(50'000);
  EXPECT_EQ(this->collect(2), 50'000U);
  EXPECT_EQ(this->collect(1), 0U);  // marks
  EXPECT_EQ(this->collect(1), 0U);  // nothing was made
  EXPECT_EQ(this->collect(1), 500U);
  EXPECT_EQ(this->collect(1), 500U);
  this->keep(1000);
  EXPECT_EQ(this->collect(1), 500U + 1000 + 510);
  this->keep(100);
  EXPECT_EQ(this->collect(1), 510U + 100 + 150);  // the first share is no more than half as much again as what was made
  this->h.cycles().set_thresholds({2000, 100, 0});
  EXPECT_EQ(this->collect(1), 511U);
  EXPECT_EQ(this->collect(1), 51U);
  EXPECT_EQ(this->collect(2), 51'100U);
}

TYPED_TEST(old_spaces, one_comes_by_itself_beyond_the_threshold_and_only_then) {
  this->keep(2000);
  EXPECT_EQ(this->h.totals().collections[1], 0U);
  this->keep(1);
  EXPECT_EQ(this->h.totals().collections[1], 1U);
  this->keep(2001);
  EXPECT_EQ(this->h.totals().collections[1], 2U);
  EXPECT_EQ(this->h.totals().looked_at, 4002U);  // the first one marked
  this->h.cycles().set_thresholds({0, 10, 0});
  this->keep(5000);
  EXPECT_EQ(this->h.totals().collections, (std::array<std::uint64_t, 3>{0, 2, 0}));
}

TYPED_TEST(old_spaces, swap_when_nothing_is_pending) {
  this->h.cycles().enable(false);
  this->keep(10'000);
  this->collect(0);
  EXPECT_EQ(this->of(1), 10'000U);
  EXPECT_EQ(this->of(2), 0U);
  for (int i = 0; i < 3; ++i) {
    this->collect(2);
    EXPECT_EQ(this->of(1), 0U);
    EXPECT_EQ(this->of(2), 10'000U);
    this->collect(1);
    this->collect(1);
    this->collect(1);
    EXPECT_EQ(this->of(1), 100U);
    EXPECT_EQ(this->of(2), 9'900U);
    EXPECT_EQ(this->sum(this->pass()), 9'900U);
    EXPECT_EQ(this->of(1), 0U);
    EXPECT_EQ(this->of(2), 10'000U);
  }
}

TYPED_TEST(old_spaces, a_pass_finds_the_garbage_among_them) {
  this->h.cycles().enable(false);
  for (int i = 0; i < 1000; ++i) {
    this->keep(3);
    for (std::size_t k = 0; k < 3; ++k)
      this->refer(this->kept[this->kept.size() - 3 + k], this->kept[this->kept.size() - 3 + (k + 1) % 3]);
    this->keep(1);
  }
  this->collect(2);
  EXPECT_EQ(this->found, 0U);
  for (std::size_t i = 0; i < this->kept.size(); ++i) {
    if (i % 4 != 3) this->c.drop(std::exchange(this->kept[i], this->c.copy(this->kept[3])));
  }
  EXPECT_EQ(this->collect(0), 0U);
  const auto increments = this->pass();
  EXPECT_EQ(this->found, 3000U);
  EXPECT_EQ(this->sum(increments), 4000U);
  EXPECT_LE(*std::max_element(increments.begin(), increments.end()), 42U);
  EXPECT_EQ(this->h.live(), 1000);
}

// As many as these are; later ones do less.
TYPED_TEST(old_spaces, an_increment_has_all_that_its_objects_reach) {
  this->h.cycles().enable(false);
  this->keep(1000);
  auto last = this->c.copy(this->kept[0]);
  for (int i = 0; i < 3000; ++i) {
    const auto r = this->make();
    this->refer(last, r);
    this->c.drop(last);
    last = r;
  }
  this->c.drop(last);
  this->collect(2);
  this->collect(1);
  this->collect(1);
  EXPECT_EQ(this->collect(1), 3001U);
  int without = 0;
  while (without < 100 && this->collect(1) == 0) ++without;
  EXPECT_EQ(without, 74);  // of 40 each
}

TYPED_TEST(old_spaces, a_ring_is_not_split) {
  this->h.cycles().enable(false);
  this->keep(1000);
  this->kept.push_back(this->ring(20'000));
  EXPECT_EQ(this->collect(2), 21'000U);
  EXPECT_EQ(this->found, 0U);
  this->let_go(1);
  this->pass();
  EXPECT_EQ(this->found, 20'000U);
  EXPECT_EQ(this->h.live(), 1000);
}

TYPED_TEST(old_spaces, a_cycle_that_was_visited_in_part_waits_for_the_next_pass) {
  this->h.cycles().enable(false);
  const auto a = this->make();
  this->keep(98);
  const auto b = this->make();
  this->collect(2);
  this->collect(1);
  this->collect(1);
  EXPECT_EQ(this->collect(1), 1U);
  this->refer(a, b);
  this->refer(b, a);
  this->c.drop(a);
  this->c.drop(b);
  this->pass();
  EXPECT_EQ(this->found, 0U);
  this->pass();
  EXPECT_EQ(this->found, 2U);
}

TYPED_TEST(old_spaces, collections_by_number) {
  this->h.cycles().enable(false);
  this->make_ring(10);
  EXPECT_EQ(this->collect(0), 10U);
  EXPECT_EQ(this->found, 10U);
  this->keep(20);
  EXPECT_EQ(this->h.cycles().count(0), 20U);
  EXPECT_EQ(this->h.cycles().count(1), 1U);
  this->collect(0);
  EXPECT_EQ(this->h.cycles().count(0), 0U);
  EXPECT_EQ(this->h.cycles().count(1), 2U);
  EXPECT_EQ(this->h.cycles().count(2), 0U);
  this->make_ring(10);
  EXPECT_EQ(this->collect(1), 0U);
  EXPECT_EQ(this->h.cycles().count(0), 0U);
  EXPECT_EQ(this->collect(1), 10U);
  EXPECT_EQ(this->found, 10U);
  EXPECT_EQ(this->h.cycles().count(1), 0U);  // the spaces have swapped, and their counts
  EXPECT_EQ(this->h.cycles().count(2), 2U);
  this->make_ring(10);
  EXPECT_EQ(this->collect(2), 30U);
  EXPECT_EQ(this->h.cycles().count(2), 0U);
}

// Freed ones are no part of it, however many more they are than those that were made.
TYPED_TEST(old_spaces, a_share_is_of_what_is_alive) {
  this->h.cycles().enable(false);
  this->keep(30'000);
  this->collect(2);
  this->let_go(20'000);
  for (int i = 0; i < 3; ++i) this->collect(1);
  EXPECT_EQ(this->collect(1), 100U);
}

TYPED_TEST(old_spaces, what_is_frozen_is_not_looked_at) {
  this->h.cycles().enable(false);
  this->keep(1000);
  this->collect(0);
  this->keep(1000);
  this->h.cycles().freeze();
  this->keep(10);
  this->refer(this->kept[2000], this->kept[0]);
  this->refer(this->kept[2001], this->kept[1000]);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(this->collect(2), 10U);
    this->collect(1);
    EXPECT_EQ(this->sum(this->pass()), 10U);
  }
  this->h.cycles().unfreeze();
  EXPECT_EQ(this->of(1), 2000U);
  EXPECT_EQ(this->collect(2), 2010U);
}

}  // namespace
}  // namespace tally::unit_old_spaces
