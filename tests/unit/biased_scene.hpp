// What the tests of biased counting share: an owner, another context and an object, on real policies and on the scripted one.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <ostream>
#include <string_view>

#include "strategies/biased.hpp"
#include "tests/unit/recording_policy.hpp"
#include "tests/unit/scripted_policy.hpp"

namespace unit_biased {

using namespace tally;
using strategies::biased_heap;
using strategies::biased_merge;
using strategies::biased_options;
using strategies::biased_rule;
namespace word = strategies::shared_word;

template <class H>
struct node {
  typename H::template slot<node> next;
  typename H::template weak_slot<node> back;
  void each_slot(auto&& f) {
    f(next);
    f(back);
  }
};

struct counts {
  int owner;
  std::int64_t local, shared, state;
  friend bool operator==(const counts&, const counts&) = default;
};
inline void PrintTo(const counts& c, std::ostream* os) {
  *os << "{owner " << c.owner << ", local " << c.local << ", shared " << c.shared << ", state " << c.state << "}";
}
template <class R>
counts of(const R& r) {
  const std::int64_t s = r.at->shared.load(std::memory_order_relaxed);
  return {r.at->owner.load(std::memory_order_relaxed), r.at->local.load(), word::count(s), word::state(s)};
}

template <biased_options O>
struct option {
  static constexpr biased_options value = O;
};
using all_options = ::testing::Types<option<biased_options{}>, option<biased_options{.merge = biased_merge::detached}>,
                                     option<biased_options{.rule = biased_rule::paper}>,
                                     option<biased_options{.rule = biased_rule::paper, .merge = biased_merge::detached}>>;

template <class Option>
class Biased : public ::testing::Test {};
TYPED_TEST_SUITE(Biased, all_options);

// An owner, another context, and an object of the owner's with one reference. Everything must be gone at the end.
template <class Option>
struct scene {
  static constexpr biased_options O = Option::value;
  static constexpr bool paper = O.rule == biased_rule::paper;
  static constexpr bool detached = O.merge == biased_merge::detached;
  // What the shared count shows for n foreign drops beyond it, the first of which queued: the paper subtracts every one,
  // CPython leaves the first to the queue.
  static constexpr std::int64_t below(std::int64_t n) { return paper ? -n : 1 - n; }
  using heap_type = biased_heap<native, O>;
  using context = typename heap_type::context;
  using ref = typename heap_type::template ref<node<heap_type>>;

  ~scene() {
    owner.reset();
    other.reset();
    EXPECT_EQ(heap.live(), 0);
    EXPECT_EQ(heap.live_bytes(), 0);
  }
  static ref make(context& c) { return tally::make<node<heap_type>>(c, {}); }
  // A copy made by the owner: counted in local, whoever drops it.
  ref owners() { return owner->copy(r); }

  heap_type heap{heap_config{}};
  std::optional<context> owner{heap}, other{heap};
  ref r = make(*owner);
  int id = of(r).owner;
};

// The same on any policy, with both contexts there from the start.
template <class M, biased_options O = biased_options{}>
struct scene_on {
  using heap_type = biased_heap<M, O>;
  using object = node<heap_type>;
  using ref = typename heap_type::template ref<object>;
  heap_type heap{heap_config{}};
  typename heap_type::context owner{heap}, other{heap};
  ref r = tally::make<object>(owner, {});
};

// Runs `script` before the n-th access (from 0) to `field` of kind `access` during `step`.
template <class Step, class Script>
bool between(std::string_view field, std::string_view access, int n, Step&& step, Script&& script) {
  bool ran = false;
  scripted::before = [&](std::string_view f, std::string_view a) {
    if (f != field || a != access || n-- != 0) return;
    ran = true;
    script();
  };
  step();
  scripted::before = nullptr;
  return ran;
}

}  // namespace unit_biased
