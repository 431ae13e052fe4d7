// The laws of ends: finalisers, observers, and the order in which they come. For heaps that have them.
#pragma once

#include <functional>
#include <string>

#include "tests/conform/laws_suite.hpp"

namespace tally::conform {

using told = std::vector<std::string>;

// Says what happens to it, and does what it is told to do at its end.
template <class H>
struct mortal {
  using context = typename H::context;
  using ref = typename H::template ref<mortal>;
  mortal(told& t, std::string n, std::function<void(context&, const ref&)> f = {})
      : log(t), name(std::move(n)), then(std::move(f)) {}
  ~mortal() { log.push_back("gone " + name); }
  mortal(const mortal&) = delete;
  mortal& operator=(const mortal&) = delete;
  typename H::template slot<mortal> left, right;
  typename H::template observers<mortal> watched;
  typename H::template observation<mortal> place;
  told& log;
  std::string name;
  std::function<void(context&, const ref&)> then;
  void each_slot(auto&& f) {
    f(left);
    f(right);
  }
  auto& observers() { return watched; }
  auto& observation() { return place; }
  void finalize(context& c, const ref& self) {
    log.push_back("final " + name);
    if (then) then(c, self);
  }
  void notify(context&) { log.push_back("told " + name); }
};

// f(context, make): make(name, then) is a new mortal.
template <class H, class F>
told what_happens(F&& f) {
  told log;
  auto heap = make_heap<H>();
  with_context(*heap, [&](auto& c) {
    f(c, [&](std::string name, std::function<void(typename H::context&, const typename mortal<H>::ref&)> then = {}) {
      return make<mortal<H>>(c, {}, log, std::move(name), std::move(then));
    });
  });
  EXPECT_TRUE(holds(*heap, 0));
  return log;
}
// The heap has no ends: the law says so.
#define TALLY_ENDS(H)                                                                     \
  if constexpr (!has_finalizers<H> || !has_observers<H>) GTEST_SKIP() << "no finalisers"; \
  else

TYPED_TEST_P(Laws, AFinaliserRunsOnceWhenTheLastRefGoesAndMayRevive) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    typename mortal<H>::ref revived{};
    const told log = what_happens<H>([&](auto& c, auto make) {
      c.drop(make("a"));
      auto b = make("b", [&](auto& context, const auto& self) { revived = context.copy(self); });
      c.drop(c.copy(b));
      c.drop(b);
      EXPECT_EQ(c.get(revived).name, "b");
      c.drop(std::exchange(revived, {}));
    });
    EXPECT_EQ(log, (told{"final a", "gone a", "final b", "gone b"}));
  }
}

TYPED_TEST_P(Laws, WhatADeadObjectHeldEndsInTheOrderOfItsSlotsEachWholeBeforeTheNext) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    const told log = what_happens<H>([&](auto& c, auto make) {
      auto top = make("top"), left = make("left");
      c.store(c.get(left).left, make("below"));
      c.store(c.get(top).left, left);
      c.store(c.get(top).right, make("right"));
      c.drop(top);
    });
    EXPECT_EQ(log, (told{"final top", "final left", "final below", "gone below", "gone left", "final right", "gone right",
                         "gone top"}));
  }
}

TYPED_TEST_P(Laws, AFinaliserMayMakeAndDropWhatHasFinalisers) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    const told log = what_happens<H>([&](auto& c, auto make) {
      auto outer = make("outer", [&](auto& context, const auto&) {
        auto inner = make("inner");
        context.store(context.get(inner).left, make("leaf"));
        context.drop(inner);
      });
      c.drop(outer);
    });
    EXPECT_EQ(log, (told{"final outer", "final inner", "final leaf", "gone leaf", "gone inner", "gone outer"}));
  }
}

TYPED_TEST_P(Laws, ObserversAreToldTheLatestFirstAfterTheFinaliserAndBeforeTheSlotsGo) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    const told log = what_happens<H>([&](auto& c, auto make) {
      auto target = make("target"), first = make("first"), second = make("second"), third = make("third");
      c.store(c.get(target).left, make("held"));
      for (const auto& o : {first, second, third}) c.observe(o, target);
      auto seen = c.observed(first);
      EXPECT_EQ(c.get(seen).name, "target");
      c.drop(seen);
      c.drop(second);  // is not told
      c.drop(target);
      EXPECT_FALSE(c.observed(first));
      c.drop(first);
      c.drop(third);
    });
    EXPECT_EQ(log, (told{"final second", "gone second", "final target", "told third", "told first", "final held", "gone held",
                         "gone target", "final first", "gone first", "final third", "gone third"}));
  }
}

TYPED_TEST_P(Laws, AnObserverThatTheObservedHoldsIsToldBeforeItEnds) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    const told log = what_happens<H>([&](auto& c, auto make) {
      auto target = make("target"), observer = make("observer");
      c.observe(observer, target);
      c.store(c.get(target).left, observer);
      c.drop(target);
    });
    EXPECT_EQ(log, (told{"final target", "told observer", "final observer", "gone observer", "gone target"}));
  }
}

TYPED_TEST_P(Laws, ACollectorTellsObserversThenRunsFinalisersThenTakesApart) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    if constexpr (!collects_cycles<H>) {
      GTEST_SKIP() << "collects no cycles";
    } else {
      const told log = what_happens<H>([&](auto& c, auto make) {
        auto a = make("a"), b = make("b"), outside = make("outside"), inside = make("inside");
        c.observe(outside, a);
        c.observe(inside, b);
        c.store(c.get(b).right, inside);
        c.store(c.get(a).left, c.copy(b));
        c.store(c.get(b).left, a);
        c.drop(b);
        c.collect();
        c.drop(outside);
      });
      ASSERT_EQ(log.size(), 9U);
      EXPECT_EQ(log.front(), "told outside");
      EXPECT_TRUE(std::is_permutation(log.begin() + 1, log.begin() + 4, told{"final a", "final b", "final inside"}.begin()));
      EXPECT_EQ((told{log.end() - 2, log.end()}), (told{"final outside", "gone outside"}));
    }
  }
}

TYPED_TEST_P(Laws, GarbageThatAFinaliserRevivesIsWholeAndGoesLater) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    if constexpr (!collects_cycles<H>) {
      GTEST_SKIP() << "collects no cycles";
    } else {
      typename mortal<H>::ref revived{};
      const told log = what_happens<H>([&](auto& c, auto make) {
        auto a = make("a"), b = make("b", [&](auto& context, const auto& self) { revived = context.copy(self); });
        c.store(c.get(a).left, c.copy(b));
        c.store(c.get(b).left, a);
        c.drop(b);
        c.collect();
        ASSERT_TRUE(revived);
        EXPECT_EQ(c.peek(c.get(revived).left)->name, "a");
        EXPECT_EQ(c.peek(c.peek(c.get(revived).left)->left), &c.get(revived));
        c.drop(std::exchange(revived, {}));
        c.collect();
      });
      EXPECT_EQ(std::ranges::count(log, "final a") + std::ranges::count(log, "final b"), 2);
      EXPECT_EQ(std::ranges::count(log, "gone a") + std::ranges::count(log, "gone b"), 2);
    }
  }
}

// Looks, at its end, for one of those that held it. Without slots: no collection looks at it, it ends while others are taken apart.
template <class H>
struct witness {
  std::function<void(typename H::context&)> look;
  explicit witness(std::function<void(typename H::context&)> f) : look(std::move(f)) {}
  void each_slot(auto&&) {}
  void finalize(typename H::context& c, const typename H::template ref<witness>&) { look(c); }
};
// Its finaliser may see to it that it is observed.
template <class H>
struct accused {
  using context = typename H::context;
  using ref = typename H::template ref<accused>;
  typename H::template slot<accused> self;
  typename H::template slot<witness<H>> by;
  typename H::template observers<accused> watched;
  std::function<void(context&, const ref&)> then;
  explicit accused(std::function<void(context&, const ref&)> f) : then(std::move(f)) {}
  void each_slot(auto&& f) {
    f(self);
    f(by);
  }
  auto& observers() { return watched; }
  void finalize(context& c, const ref& r) { then(c, r); }
};
template <class H>
struct spotter {
  typename H::template observation<accused<H>> place;
  void each_slot(auto&&) {}
  auto& observation() { return place; }
  void notify(auto&) {}
};

TYPED_TEST_P(Laws, AFinaliserFindsNothingThatIsBeingTakenApart) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    if constexpr (!collects_cycles<H> || !has_weak<H>) {
      GTEST_SKIP() << "collects no cycles, or no weak refs";
    } else {
      int looked = 0;
      auto heap = make_heap<H>();
      with_context(*heap, [&](auto& c) {
        auto observer = make<spotter<H>>(c, {});
        auto a = make<accused<H>>(c, {}, [&](auto& context, const auto& r) { context.observe(observer, r); });
        auto w = c.downgrade(a);
        c.store(c.get(a).by, make<witness<H>>(c, {}, [&](auto& context) {
                  ++looked;
                  EXPECT_FALSE(context.upgrade(w));
                  EXPECT_FALSE(context.observed(observer));
                }));
        c.store(c.get(a).self, a);
        c.collect();
        EXPECT_EQ(looked, 1);
        c.drop(w);
        c.drop(observer);
      });
      EXPECT_TRUE(holds(*heap, 0));
    }
  }
}

TYPED_TEST_P(Laws, ALongChainOfFinalisersEndsInOrderWithoutRecursion) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    constexpr int length = 100'000;
    told log;
    int ended = 0, wrong = 0;
    auto heap = make_heap<H>();
    with_context(*heap, [&](auto& c) {
      typename mortal<H>::ref head{};
      for (int i = length; i-- > 0;) {
        auto next = make<mortal<H>>(c, {}, log, "", [&, i](auto&, const auto&) { wrong += ended++ != i; });
        c.store(c.get(next).left, head);
        head = next;
      }
      c.drop(head);
    });
    EXPECT_EQ(ended, length);
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(holds(*heap, 0));
  }
}

TYPED_TEST_P(Laws, FinalisersThatLetGoOfTheNextThemselvesEndAChainWithoutRecursion) {
  using H = TypeParam;
  TALLY_ENDS(H) {
    constexpr int length = 100'000;
    told log;
    int ended = 0, wrong = 0;
    auto heap = make_heap<H>();
    with_context(*heap, [&](auto& c) {
      typename mortal<H>::ref head{};
      for (int i = length; i-- > 0;) {
        auto next = make<mortal<H>>(c, {}, log, "", [&, i](auto& context, const auto& self) {
          wrong += ended++ != i;
          context.store(context.get(self).left, {});
        });
        c.store(c.get(next).left, head);
        head = next;
      }
      c.drop(head);
    });
    EXPECT_EQ(ended, length);
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(holds(*heap, 0));
  }
}

}  // namespace tally::conform
