// Trial deletion: what is a candidate and for how long, what a collection looks at, when it comes, and that none is overlooked.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

#include "harness/base/random.hpp"
#include "strategies/gil.hpp"
#include "strategies/plain.hpp"

namespace unit_collector_trial {
namespace {

using namespace tally;
template <cycle_kind Kind>
using plain = strategies::plain_heap<native, {.cycles = Kind}>;
using trial = plain<cycle_kind::trial>;
using gil = strategies::gil_heap<native, {.cycles = cycle_kind::trial}>;

template <class H>
struct part {
  using context = typename H::context;
  using ref = typename H::template ref<part>;
  static inline int alive = 0;
  typename H::template slot<part> next, other;
  std::function<void(context&, const ref&)> then;
  explicit part(std::function<void(context&, const ref&)> f = {}) : then(std::move(f)) { ++alive; }
  ~part() { --alive; }
  part(const part&) = delete;
  part& operator=(const part&) = delete;
  void each_slot(auto&& f) {
    f(next);
    f(other);
  }
  void finalize(context& c, const ref& self) {
    if (then) then(c, self);
  }
};
template <class H>
struct leaf {
  using context = typename H::context;
  std::function<void(context&)> then;
  explicit leaf(std::function<void(context&)> f = {}) : then(std::move(f)) {}
  void each_slot(auto&&) {}
  void finalize(context& c, const typename H::template ref<leaf>&) {
    if (then) then(c);
  }
};
template <class H>
using part_ref = typename part<H>::ref;

template <class H>
heap_config with_candidates(double n) {
  static std::pair<std::string_view, double> tunable;
  tunable = {"candidates", n};
  heap_config c;
  c.tunables = &tunable;
  c.tunable_count = 1;
  return c;
}

// A ring of `n` that nobody holds.
template <class H>
void drop_ring(typename H::context& c, int n = 2) {
  part_ref<H> first = c.template make<part<H>>({}), last = c.copy(first);
  for (int i = 1; i < n; ++i) {
    part_ref<H> more = c.template make<part<H>>({});
    c.store(c.get(more).next, last);
    last = more;
  }
  c.store(c.get(first).next, last);
  c.drop(first);
}

TEST(trial, a_candidate_lost_a_reference_and_lives_once_and_until_it_dies) {
  trial heap({});
  trial::context c(heap);
  auto r = c.make<part<trial>>({});
  EXPECT_EQ(heap.cycles().candidates(), 0U);
  for (int i = 0; i < 5; ++i) c.drop(c.copy(r));
  EXPECT_EQ(heap.cycles().candidates(), 1U);
  c.drop(r);
  EXPECT_EQ(heap.cycles().candidates(), 0U);
  EXPECT_EQ(part<trial>::alive, 0);
}

TEST(trial, what_can_hold_nothing_is_no_candidate) {
  trial heap({});
  trial::context c(heap);
  auto r = c.make<leaf<trial>>({});
  c.drop(c.copy(r));
  EXPECT_EQ(heap.cycles().candidates(), 0U);
  c.drop(r);
}

TEST(trial, a_collection_looks_at_what_candidates_reach) {
  trial heap({});
  trial::context c(heap);
  auto chain = c.make<part<trial>>({});
  for (int i = 1; i < 1000; ++i) {
    auto more = c.make<part<trial>>({});
    c.store(c.get(more).next, chain);
    chain = more;
  }
  EXPECT_EQ(c.collect(0), 0U);
  EXPECT_EQ(heap.cycles().candidates(), 0U);
  const std::uint64_t before = heap.totals().looked_at;
  drop_ring<trial>(c, 3);
  EXPECT_EQ(c.collect(0), 3U);
  EXPECT_EQ(heap.totals().looked_at - before, 3U);
  c.drop(chain);
  EXPECT_EQ(part<trial>::alive, 0);
}

TEST(trial, a_collection_comes_at_the_next_poll_when_candidates_are_too_many) {
  gil heap(with_candidates<gil>(10));
  gil::context c(heap);
  for (int i = 0; i < 10; ++i) drop_ring<gil>(c, 1);
  c.poll();
  EXPECT_EQ(part<gil>::alive, 10);
  drop_ring<gil>(c, 1);
  auto more = c.make<part<gil>>({});
  EXPECT_EQ(part<gil>::alive, 12);
  c.poll();
  EXPECT_EQ(part<gil>::alive, 1);
  heap.cycles().enable(false);
  for (int i = 0; i < 30; ++i) drop_ring<gil>(c, 1);
  c.poll();
  EXPECT_EQ(part<gil>::alive, 31);
  heap.cycles().enable(true);
  c.poll();
  EXPECT_EQ(part<gil>::alive, 1);
  c.drop(more);
}

TEST(trial, the_threshold_rises_where_hardly_any_is_garbage_and_falls_again) {
  trial heap(with_candidates<trial>(10));
  trial::context c(heap);
  std::vector<part_ref<trial>> kept;
  const auto many = [&](std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) {
      kept.push_back(c.make<part<trial>>({}));
      c.drop(c.copy(kept.back()));
    }
    c.poll();
    return heap.cycles().threshold();
  };
  EXPECT_EQ(many(11), 20U);
  EXPECT_EQ(many(11), 20U);  // not yet
  EXPECT_EQ(many(10), 30U);
  c.collect();  // asked for: it does not say how much comes by itself
  EXPECT_EQ(heap.cycles().threshold(), 30U);
  for (const std::uint64_t then : {20U, 10U, 10U}) {
    for (int i = 0; i < 100; ++i) drop_ring<trial>(c, 1);
    c.poll();
    EXPECT_EQ(heap.cycles().threshold(), then);
  }
  for (const auto& r : kept) c.drop(r);
}

TEST(trial, a_ring_of_any_length_goes_without_recursion) {
  trial heap({});
  trial::context c(heap);
  drop_ring<trial>(c, 300'000);
  EXPECT_EQ(c.collect(0), 300'000U);
  EXPECT_EQ(part<trial>::alive, 0);
}

// What owners() says, in finalisers of garbage and of what lives.
template <class H>
std::vector<std::uint64_t> counts_seen() {
  std::vector<std::uint64_t> seen;
  H heap({});
  typename H::context c(heap);
  auto lives = c.template make<part<H>>({});
  const auto look = [&](auto& context, const auto& self) {
    seen.push_back(context.owners(self));
    seen.push_back(context.owners(lives));
  };
  auto a = c.template make<part<H>>({}, look), b = c.template make<part<H>>({}, look);
  c.store(c.get(a).next, c.copy(b));
  c.store(c.get(b).next, c.copy(a));
  c.store(c.get(a).other, c.copy(lives));
  c.store(c.get(b).other, c.copy(lives));
  c.store(c.get(lives).next, c.copy(lives));
  c.collect();
  for (const auto& r : {lives, a, b}) seen.push_back(c.owners(r));
  c.drop(a);
  c.drop(b);
  c.collect();
  seen.push_back(c.owners(lives));
  c.drop(lives);
  c.collect();
  EXPECT_EQ(part<H>::alive, 0);
  return seen;
}
TEST(trial, counts_are_what_they_are_under_another_collector) {
  const auto seen = counts_seen<trial>();
  EXPECT_EQ(seen.size(), 8U);
  EXPECT_EQ(seen, (counts_seen<plain<cycle_kind::generational>>()));
}

// Holds itself, and something without slots.
template <class H>
struct holder {
  typename H::template slot<holder> self;
  typename H::template slot<leaf<H>> end;
  void each_slot(auto&& f) {
    f(self);
    f(end);
  }
};
// What a finaliser revived is let go where others are taken apart: it is garbage again, and not forgotten.
TEST(trial, what_is_revived_and_let_go_in_one_collection_goes_in_the_next) {
  trial heap({});
  trial::context c(heap);
  part_ref<trial> revived{};
  auto a = c.make<part<trial>>({}, [&](auto& context, const auto& self) { revived = context.copy(self); });
  auto h = c.make<holder<trial>>({});
  c.store(c.get(h).end, c.make<leaf<trial>>({}, [&](auto& context) { context.drop(std::exchange(revived, {})); }));
  c.store(c.get(h).self, h);
  c.store(c.get(a).next, a);
  EXPECT_EQ(c.collect(0), 1U);
  EXPECT_FALSE(revived);
  EXPECT_EQ(part<trial>::alive, 1);
  EXPECT_EQ(c.collect(0), 1U);
  EXPECT_EQ(part<trial>::alive, 0);
}

TEST(trial, what_makes_itself_cyclic_in_its_end_is_found) {
  trial heap({});
  trial::context c(heap);
  c.drop(c.make<part<trial>>({}, [](auto& context, const auto& self) {
    context.store(context.get(self).next, context.copy(self));
    EXPECT_EQ(context.collect(0), 0U);  // it is held: a look in vain
  }));
  EXPECT_EQ(part<trial>::alive, 1);
  EXPECT_EQ(c.collect(0), 1U);
  EXPECT_EQ(part<trial>::alive, 0);
}

struct subject {
  trial::observers<subject> watched;
  void each_slot(auto&&) {}
  auto& observers() { return watched; }
};
struct watcher {
  static inline int alive = 0;
  trial::slot<watcher> self;
  trial::observation<subject> place;
  std::function<void()> then;
  explicit watcher(std::function<void()> f) : then(std::move(f)) { ++alive; }
  ~watcher() { --alive; }
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  void each_slot(auto&& f) { f(self); }
  auto& observation() { return place; }
  void notify(auto&) { then(); }
};
// While it is told it is held, too.
TEST(trial, an_observer_that_is_let_go_while_it_is_told_is_found) {
  trial heap({});
  trial::context c(heap);
  trial::ref<watcher> w{};
  w = c.make<watcher>({}, [&] {
    c.drop(w);
    EXPECT_EQ(c.collect(0), 0U);
  });
  c.store(c.get(w).self, c.copy(w));
  auto s = c.make<subject>({});
  c.observe(w, s);
  c.drop(s);
  EXPECT_EQ(watcher::alive, 1);
  EXPECT_EQ(c.collect(0), 1U);
  EXPECT_EQ(watcher::alive, 0);
}

// Random programs: after a collection there is what variables reach, and no more.
TEST(trial, no_garbage_is_overlooked_and_nothing_else_goes) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    trial heap(with_candidates<trial>(seed % 3 == 0 ? 3 : 1000));
    trial::context c(heap);
    random_source random(seed, 1);
    std::vector<part_ref<trial>> v(6);
    const auto any = [&]() -> part_ref<trial>& { return v[random.below(v.size())]; };
    const auto slot_of = [&](const part_ref<trial>& r) -> auto& { return random.below(2) == 0 ? c.get(r).next : c.get(r).other; };
    for (int i = 0; i < 400; ++i) {
      part_ref<trial>& r = any();
      part_ref<trial>& s = any();
      switch (random.below(8)) {
        case 0:
        case 1:
          if (!r) r = c.make<part<trial>>({});
          break;
        case 2:
          if (r) c.drop(std::exchange(r, {}));
          break;
        case 3:
          if (r && s) c.store(slot_of(r), c.copy(s));
          break;
        case 4:  // moved, into itself, too
          if (r && s) {
            auto& into = slot_of(r);
            c.store(into, std::exchange(s, {}));
          }
          break;
        case 5:
          if (r && !s) s = c.load(slot_of(r));
          break;
        case 6:
          if (r && !s) s = c.take(slot_of(r));
          break;
        default: c.poll();
      }
      if (random.below(20) != 0) continue;
      c.collect();
      std::set<part<trial>*> seen;
      std::vector<part<trial>*> todo;
      const auto reach = [&](part<trial>* p) {
        if (p != nullptr && seen.insert(p).second) todo.push_back(p);
      };
      for (const auto& root : v) {
        if (root) reach(&c.get(root));
      }
      while (!todo.empty()) {
        part<trial>* p = todo.back();
        todo.pop_back();
        reach(c.peek(p->next));
        reach(c.peek(p->other));
      }
      ASSERT_EQ(part<trial>::alive, static_cast<int>(seen.size())) << "seed " << seed << ", step " << i;
    }
    for (auto& r : v) {
      if (r) c.drop(r);
    }
    c.collect();
    ASSERT_EQ(part<trial>::alive, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace unit_collector_trial
