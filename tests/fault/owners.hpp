// Owners that exit at the worst moment.
//
// An owner makes objects, gives refs to them away in every way there is, and goes: it drops what it holds, waits in a blocked
// region, and detaches. Before each of its steps on that way, one after the other, it loses its turn, and four others do what
// they can with what it made: drop and copy, upgrade weak refs, load and replace shared slots, and collect, or attach as a new
// owner (which gets the id of one that is gone). That happens in every rotation of the four, and with random further losses of
// turns, drawn from a fixed seed. Payloads must be whole, and at the end the heap must hold what it should.
#pragma once

#include <array>
#include <memory>

#include "harness/base/random.hpp"
#include "tests/conform/support.hpp"
#include "tests/fault/allocation.hpp"
#include "tests/fault/stepped.hpp"

namespace tally::fault {

template <class H>
class departure {
  using context = typename H::context;
  // Two slots and a payload; the racy place is another object's.
  using node = conform::node<H>;
  struct board {
    typename H::template shared_slot<node> place;
    void each_slot(auto&& f) { f(place); }
  };
  template <class T>
  using ref = typename H::template ref<T>;
  struct no_weak {};
  static auto weak_type() {
    if constexpr (has_weak<H>) {
      return typename H::template weak<node>{};
    } else {
      return no_weak{};
    }
  }

 public:
  static constexpr int threads = 5;

  // `rotation` of the four others.
  void run(turns& t, int rotation, std::vector<turns::loss> losses) {
    heap_ = conform::make_heap<H>();
    {
      typename H::template root<board> root(*heap_);
      root_ = &root;
      conform::with_context(*heap_, [&](context& c) { root.store(c, make<board>(c, {})); });
      const std::array<void (departure::*)(), 4> others{&departure::dropper, &departure::upgrader, &departure::reader,
                                                        &departure::newcomer};
      std::vector<std::function<void()>> bodies{[this, &t] { owner(t); }};
      for (int i = 0; i < 4; ++i) {
        bodies.emplace_back([this, f = others[static_cast<std::size_t>((i + rotation) % 4)]] { (this->*f)(); });
      }
      t.run(bodies, std::move(losses));
      EXPECT_TRUE(conform::holds(*heap_, 1));
      conform::with_context(*heap_, [&](context& c) { root.store(c, {}); });
      EXPECT_TRUE(conform::holds(*heap_, 0));
    }
    heap_.reset();
  }
  // The owner's steps when it began to leave.
  [[nodiscard]] long begins() const { return begins_; }

 private:
  static constexpr std::uint64_t first = 11, second = 12, third = 13;

  void owner(turns& t) {
    context c(*heap_);
    auto a = make<node>(c, {}, first), b = make<node>(c, {}, second), d = make<node>(c, {}, third);
    c.store(c.get(a).left, c.copy(b));
    c.share(a);
    for (auto& p : parcels_) p = c.pack(c.copy(a));
    own_ = c.pack(c.copy(d));
    if constexpr (has_weak<H>) {
      weak_[0] = c.downgrade(a);
      weak_[1] = c.downgrade(d);
    }
    if constexpr (has_shared_slot<H>) c.store(root_->get()->place, c.copy(a));
    begins_ = t.steps(0);
    given_ = true;
    c.drop(a);
    c.poll();
    c.drop(d);
    c.drop(b);
    c.blocked([] { turns::wait(); });
  }
  void await_gifts(context& c) {
    if (!given_) c.blocked([this] { stepped::wait_until([this] { return given_; }); });
  }
  void see(context& c, const ref<node>& r) {
    EXPECT_TRUE(c.get(r).intact(first));
    EXPECT_TRUE(c.peek(c.get(r).left)->intact(second));
  }

  void dropper() {
    context c(*heap_);
    await_gifts(c);
    for (auto& p : parcels_) {
      auto r = c.unpack(p);
      see(c, r);
      auto more = c.copy(r);
      c.drop(r);
      c.poll();
      see(c, more);
      c.drop(more);
    }
    auto r = c.unpack(own_);
    EXPECT_TRUE(c.get(r).intact(third));
    c.drop(r);
  }
  void upgrader() {
    context c(*heap_);
    await_gifts(c);
    if constexpr (has_weak<H>) {
      for (int i = 0; i < 2; ++i) {
        if (auto r = c.upgrade(weak_[0])) {
          see(c, r);
          c.drop(r);
        }
        if (auto r = c.upgrade(weak_[1])) {
          EXPECT_TRUE(c.get(r).intact(third));
          c.drop(r);
        }
        c.poll();
      }
      c.drop(weak_[0]);
      c.drop(weak_[1]);
    }
  }
  void reader() {
    context c(*heap_);
    await_gifts(c);
    if constexpr (has_shared_slot<H>) {
      auto& place = root_->get()->place;
      if (auto r = c.load(place)) {
        see(c, r);
        c.drop(r);
      }
      c.poll();
      if constexpr (has_borrow<H>) {
        const auto guard = c.borrow(place);
        if (guard.get() != nullptr) {
          EXPECT_TRUE(guard.get()->intact(first));
        }
      }
      if (auto old = c.exchange(place, {})) {
        see(c, old);
        c.drop(old);
      }
    }
  }
  void newcomer() {
    {
      context c(*heap_);
      await_gifts(c);
      c.quiesce();
      if constexpr (collects_cycles<H>) c.collect();
    }
    context c(*heap_);
    // Enough to fill the memory of what was freed, so that whoever still uses that will see it.
    for (int i = 0; i < 32; ++i) {
      auto r = make<node>(c, {}, std::uint64_t{5});
      c.drop(c.copy(r));
      EXPECT_TRUE(c.get(r).intact(5));
      c.drop(r);
    }
    c.quiesce();
  }

  std::unique_ptr<H> heap_;
  typename H::template root<board>* root_ = nullptr;
  std::array<typename H::template parcel<node>, 2> parcels_;
  typename H::template parcel<node> own_;
  [[no_unique_address]] std::array<decltype(weak_type()), 2> weak_;
  bool given_ = false;  // only who has the turn looks
  long begins_ = 0;
};

// Stands for a strategy for one thread, or one whose counts no policy can stop.
struct not_stepped {};

// `more`: runs with random further losses, for each step and rotation.
template <class H>
void all_departures(int more) {
  turns t;
  departure<H> undisturbed;
  undisturbed.run(t, 0, {});
  const long begins = undisturbed.begins(), ends = t.steps(0);
  std::array<long, departure<H>::threads> steps{};
  for (int i = 0; i < departure<H>::threads; ++i) steps[static_cast<std::size_t>(i)] = t.steps(i);
  ASSERT_GT(ends, begins);
  random_source draws(20, 0);
  long runs = 0;
  for (long step = begins + 1; step <= ends; ++step) {
    for (int rotation = 0; rotation < 4; ++rotation) {
      for (int extra = 0; extra <= more; ++extra) {
        std::vector<turns::loss> losses{{0, step}};
        for (int i = 0; i < 2 && extra != 0; ++i) {
          const auto who = 1 + draws.below(4);
          losses.push_back({static_cast<int>(who), 1 + static_cast<long>(draws.below(static_cast<std::uint32_t>(steps[who])))});
        }
        SCOPED_TRACE("step " + std::to_string(step) + ", rotation " + std::to_string(rotation) + ", run " +
                     std::to_string(extra));
        departure<H>().run(t, rotation, losses);
        ASSERT_FALSE(::testing::Test::HasFailure());
        ++runs;
      }
    }
  }
  std::printf("%ld steps of an owner that leaves, %ld schedules\n", ends - begins, runs);
}

template <class H>
class Owners : public ::testing::Test {};
TYPED_TEST_SUITE_P(Owners);

TYPED_TEST_P(Owners, MayExitBeforeAnyStepOfTheOthersWork) {
  using H = TypeParam;
  if constexpr (std::is_same_v<H, not_stepped>) {
    GTEST_SKIP() << "for one thread, or a library's";
  } else {
    all_departures<H>(2);
  }
}
// The steps that an owner's exit rests on, done wrongly: a scheme that has them fails.
TYPED_TEST_P(Owners, ThatExitWronglyAreNoticed) {
  using H = TypeParam;
  if constexpr (std::is_same_v<H, not_stepped>) {
    GTEST_SKIP() << "for one thread, or a library's";
  } else {
    constexpr std::array<std::pair<std::string_view, const char*>, 5> steps{{
        {"biased", "registry: an owner leaves its queue behind"},
        {"deferred", "deferred: who leaves takes the log along"},
        {"mark_sweep", "world: stacks are not scanned"},
        {"atomic", "atomic: an upgrade revives the dead"},
        {"rc_arc", "rc_arc: publishing does not mark"},
    }};
    for (const auto& [whose, step] : steps) {
      if (whose != strategy_under_test) continue;
      const ending e = isolated([step = step] {
        std::freopen("/dev/null", "w", stdout);
        stepped::wrong_step = step;
        all_departures<H>(20);  // until the first failure
        return !stepped::did_wrong ? nothing_failed : ::testing::Test::HasFailure() ? 1 : 0;
      });
      EXPECT_FALSE(e.with(0)) << step;
      if (!e.with(nothing_failed)) std::printf("noticed: %s\n", step);
    }
  }
}
REGISTER_TYPED_TEST_SUITE_P(Owners, MayExitBeforeAnyStepOfTheOthersWork, ThatExitWronglyAreNoticed);

// The variants of a family on that policy.
template <class Family, class Variants>
struct stepped_heaps;
template <class Family, auto First, auto... O>
struct stepped_heaps<Family, variant_list<First, O...>> {
  using measured = typename Family::template heap<native, First>;
  template <class F>
  struct all {
    using type = ::testing::Types<typename F::template heap<stepped, First>, typename F::template heap<stepped, O>...>;
  };
  struct none {
    using type = ::testing::Types<not_stepped>;
  };
  static constexpr bool counts_between_threads =
      instrumented<measured> && !single_threaded<measured> && !unique_ownership<measured>;
  using type = typename std::conditional_t<counts_between_threads, all<Family>, none>::type;
};

}  // namespace tally::fault
