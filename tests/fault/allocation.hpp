// Allocation failure at every point of a program over the contract.
//
// The program makes, stores, shares, packs, weakens, collects, attaches and detaches, and knows what must live. It runs once
// for each n, with the n-th allocation of the process failing: that one alone, or it and all that follow. An operation that
// throws std::bad_alloc must have done nothing: the program looks, and calls it again. Then memory is there again, and at the
// end the heap must hold what it should. A scheme that logs may end the process in one sentence (no_way_on), and so may a
// library: they run in processes of their own.
#pragma once

#include <memory>
#include <optional>
#include <thread>

#include "harness/heap/tracing.hpp"
#include "tests/conform/support.hpp"
#include "tests/fault/injection.hpp"
#include "tests/fault/isolation.hpp"

namespace tally::fault {

inline constexpr int nothing_failed = 42;

#define TALLY_CHECK(what) ((what) ? void() : ::tally::fault::wrong(#what, __LINE__))
inline constexpr auto complaint = "at allocation";
inline long failing_now = 0;  // which allocation
[[noreturn]] inline void wrong(const char* what, int line) {
  std::fprintf(stderr, "%s %ld: wrong in line %d: %s\n", complaint, failing_now, line, what);
  std::_Exit(1);
}

// An operation that may throw std::bad_alloc: once, and only because of the injected failure. `intact` must hold then.
template <class F, class G>
decltype(auto) insist(F&& f, G&& intact) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    if (!stop_failing()) wrong("memory was there", __LINE__);
    if (!intact()) wrong("what threw had done something", __LINE__);
  }
  return f();
}
template <class F>
decltype(auto) insist(F&& f) {
  return insist(f, [] { return true; });
}
// One that may not throw.
template <class F>
decltype(auto) surely(F&& f) noexcept {
  return f();
}

template <class H>
struct holder {
  typename H::template shared_slot<conform::node<H>> place;
  void each_slot(auto&& f) { f(place); }
};
template <class H>
struct observer {
  typename H::template weak_slot<conform::node<H>> subject;
  void each_slot(auto&& f) { f(subject); }
};
// Its constructor needs memory, and its destructor gives it back.
template <class H>
struct wealthy {
  wealthy() : wealth(std::make_unique<int>(1)) { ++alive; }
  wealthy(const wealthy&) = delete;
  wealthy& operator=(const wealthy&) = delete;
  ~wealthy() { --alive; }
  void each_slot(auto&&) {}
  static inline int alive = 0;
  std::unique_ptr<int> wealth;
};
template <class H>
constexpr bool traces =
    requires(typename H::context& c) { []<class Header>(tracing_context<typename H::memory, Header>&) {}(c); };
template <class H>
constexpr bool runs_destructors = conform::frees<H> && !traces<H>;

template <class H>
class program {
  using node = conform::node<H>;
  using context = typename H::context;
  using parcel = typename H::template parcel<node>;
  template <class T>
  using ref = typename H::template ref<T>;

 public:
  // Returns nothing_failed when the program needs fewer than n allocations, else 0. Ends the process when something is wrong.
  static int run(long n, bool lasting) {
    program p;
    p.box_.reserve(parcels);
    failing_now = n;
    fail_allocation(n, lasting);
    p.live();
    const bool failed = stop_failing();
    TALLY_CHECK(wealthy<H>::alive == 0);
    return failed ? 0 : nothing_failed;
  }

 private:
  // Where parcels are cells, more than a chunk has; more stores than the log has room for.
  static constexpr std::uint32_t parcels = std::is_same_v<parcel, ref<node>> ? 20 : 270, width = 24, length = 10;

  void live() {
    static constexpr std::pair<std::string_view, double> small[] = {{"entries", 16},  {"kilobytes", 16}, {"mark_stack_kib", 1},
                                                                    {"least_mib", 1}, {"cap_mib", 8},    {"ready_mib", 0}};
    heap_config config{.limit_bytes = 0, .mutators = 2, .gc_workers = 3, .tunables = small, .tunable_count = std::size(small)};
    if constexpr (process_global<H>) config.gc_workers = 1;
    insist([&] { heap_ = std::make_unique<H>(config); });
    insist([&] { kept_ = std::make_unique<typename H::template root<node>>(*heap_); });
    attached([this](context& c) { build(c); });
    settle(1 + width + parcels);
    if constexpr (single_threaded<H>) {
      attached([this](context& c) { unpack_half(c); });
    } else {
      elsewhere([this](context& c) { unpack_half(c); });
    }
    settle(1 + width + parcels / 2);
    attached([this](context& c) { take_down(c); });
    settle(0);
    kept_.reset();
    heap_.reset();
  }

  // What survives: a node with `width` others behind it, and the parcels' nodes.
  void build(context& c) {
    ref<node> top = make<node>(c, {.slots = width}, 1u, width);
    auto* places = c.trailing_slots(c.get(top));
    for (std::uint32_t i = 0; i < width; ++i) put(c, places[i], make<node>(c, {}, std::uint64_t{i}));
    insist([&] { c.quiesce(); });
    // Again, now that they are old. Each is intact when its store fails.
    for (std::uint32_t i = 0; i < width; ++i) put(c, places[i], make<node>(c, {}, std::uint64_t{i} + 100));
    if constexpr (has_shared_slot<H>) shared_slots(c);
    if constexpr (has_weak<H>) weak_refs(c, top);
    if constexpr (runs_destructors<H>) {
      for (int i = 0; i < 3; ++i) {
        const ref<wealthy<H>> w = make<wealthy<H>>(c, {});
        surely([&] { c.drop(w); });
      }
    }
    if constexpr (has_immortal<H>) {
      const ref<node> always = make<node>(c, {}, 7u);
      surely([&] { c.make_immortal(always), c.drop(c.copy(always)), c.release_immortal(always); });
    }
    if constexpr (defers_stacks<H>) {
      const ref<node> d = make<node>(c, {}, 7u), holder = make<node>(c, {}, 8u);
      insist([&] { c.make_deferred(d, true); }, [&] { return c.get(d).intact(7); });
      surely([&] {
        c.store(c.get(holder).left, c.copy(d)), c.drop(c.load(c.get(holder).left)), c.drop(holder), c.release_deferred(d);
      });
    }
    for (std::uint32_t i = 0; i < parcels; ++i) {
      const ref<node> r = make<node>(c, {}, std::uint64_t{i});
      box_.push_back(insist([&] { return c.pack(r); }, [&] { return c.get(r).intact(i); }));
      c.poll();
    }
    chain(c);
    insist([&] { kept_->store(c, top); });
    if constexpr (collects_cycles<H>) insist([&] { c.collect(); });
    for (std::uint32_t i = 0; i < width; ++i) TALLY_CHECK(c.peek(places[i])->intact(i + 100));
  }

  // A private list, published as a whole, and dropped from its head.
  void chain(context& c) {
    ref<node> head = make<node>(c, {}, 0u);
    for (std::uint64_t i = 1; i < length; ++i) {
      const ref<node> next = make<node>(c, {}, i);
      put(c, c.get(next).left, head);
      head = next;
    }
    insist([&] { c.share(head); });
    const parcel p = insist([&] { return c.pack(head); });
    const ref<node> again = insist([&] { return c.unpack(p); }, [&] { return c.peek(p).intact(length - 1); });
    surely([&] { c.drop(again); });
  }

  void shared_slots(context& c) {
    const ref<holder<H>> h = make<holder<H>>(c, {});
    auto& place = c.get(h).place;
    const auto holds = [&](std::uint64_t id) {
      const ref<node> r = surely([&] { return c.load(place); });
      const bool same = r ? c.get(r).intact(id) : id == 0;
      if (r) surely([&] { c.drop(r); });
      return same;
    };
    for (std::uint64_t i = 1; i < width; ++i) {
      if (i == width / 2) insist([&] { c.quiesce(); });
      const ref<node> next = make<node>(c, {}, i);
      put(c, c.get(next).right, make<node>(c, {}, i + 1000));
      const auto unchanged = [&] { return holds(i - 1) && c.get(next).intact(i); };
      if (i % 3 == 0) {
        insist([&] { c.store(place, next); }, unchanged);
      } else if (i % 3 == 1) {
        const ref<node> old = insist([&] { return c.exchange(place, next); }, unchanged);
        if (old) surely([&] { c.drop(old); });
      } else {
        const ref<node> old = c.load(place);
        TALLY_CHECK(insist([&] { return c.compare_exchange(place, old, next); }, unchanged));
        surely([&] { c.drop(old); });
      }
      TALLY_CHECK(holds(i));
      if constexpr (has_borrow<H>) TALLY_CHECK(c.borrow(place).get()->intact(i));
      c.poll();
    }
    surely([&] { c.drop(h); });
  }

  void weak_refs(context& c, const ref<node>& subject) {
    const ref<observer<H>> o = make<observer<H>>(c, {});
    auto& place = c.get(o).subject;
    for (int i = 0; i < 3; ++i) {
      const auto w = insist([&] { return c.downgrade(subject); });
      const auto v = insist([&] { return c.copy(w); });
      insist([&] { c.store(place, v); });
      const auto u = insist([&] { return c.load(place); });
      const ref<node> r = surely([&] { return c.upgrade(u); });
      TALLY_CHECK(r && c.get(r).intact(1));
      surely([&] { c.drop(r), c.drop(w), c.drop(u); });
    }
    const ref<node> brief = make<node>(c, {}, 3u);
    const auto w = insist([&] { return c.downgrade(brief); });
    surely([&] { c.drop(brief); });
    const auto v = insist([&] { return c.copy(w); });  // of a dead one, perhaps
    surely([&] { c.drop(w), c.drop(v), c.drop(o); });
  }

  void unpack_half(context& c) {
    for (std::uint32_t i = 0; i < parcels / 2; ++i) {
      const parcel p = box_.back();
      const ref<node> r = insist([&] { return c.unpack(p); }, [&] { return c.peek(p).intact(parcels - 1 - i); });
      box_.pop_back();
      surely([&] { c.drop(r); });
      c.poll();
    }
  }

  void take_down(context& c) {
    for (const parcel p : box_) {
      const ref<node> r = insist([&] { return c.unpack(p); });
      surely([&] { c.drop(r); });
    }
    insist([&] { kept_->store(c, {}); }, [&] { return kept_->get()->intact(1); });
  }

  template <class F>
  void attached(F&& f) {
    std::unique_ptr<context> c;
    insist([&] { c = std::make_unique<context>(*heap_); });
    f(*c);
    surely([&] { c.reset(); });
  }
  // The same on another thread. To start one is the test's business.
  template <class F>
  void elsewhere(F&& f) {
    std::atomic<bool> started{false};
    std::optional<exempt> starting(std::in_place);
    std::thread other([&] {
      while (!started.load(std::memory_order_acquire)) std::this_thread::yield();
      attached(f);
    });
    starting.reset();
    started.store(true, std::memory_order_release);  // pairs with the acquire above
    other.join();
  }
  void settle(std::int64_t expected) {
    const auto verdict = insist([&] { return conform::holds(*heap_, expected); });
    if (!verdict) wrong(verdict.message(), __LINE__);
  }
  template <class T, class... Args>
  ref<T> make(context& c, extent e, Args... args) {
    return insist([&] { return tally::make<T>(c, e, args...); });
  }
  // A store, which leaves the place as it was when it throws.
  template <class Slot>
  void put(context& c, Slot& place, const ref<node>& r) {
    const node* was = c.peek(place);
    insist([&] { c.store(place, r); }, [&] { return c.peek(place) == was; });
  }

  std::unique_ptr<H> heap_;
  std::unique_ptr<typename H::template root<node>> kept_;
  std::vector<parcel> box_;
};

template <class H>
class Allocation : public ::testing::Test {};
TYPED_TEST_SUITE_P(Allocation);

TYPED_TEST_P(Allocation, ThatFailsDoesNothingWhereverItHappens) {
  using H = TypeParam;
  for (const bool lasting : {false, true}) {
    long n = 1, went_on = 0, ended = 0;
    for (;; ++n) {
      ending e;
      if constexpr (defers<H> || process_global<H>) {
        e = isolated([&] { return program<H>::run(n, lasting); });
      } else {
        e.status = W_EXITCODE(program<H>::run(n, lasting), 0);
      }
      if (e.with(nothing_failed)) break;
      const bool sentence = (defers<H> && e.in_one_sentence(strategy_under_test)) ||
                            (process_global<H> && e.in_a_line() && !e.said.starts_with(complaint));
      ASSERT_TRUE(e.with(0) || sentence) << "allocation " << n << (lasting ? " and all after it: " : ": ") << e.text();
      ++(sentence ? ended : went_on);
    }
    EXPECT_GT(went_on, 4);
    std::printf("%ld allocations%s: %ld times it went on, %ld times it ended in a sentence\n", n - 1,
                lasting ? ", failing for good" : "", went_on, ended);
  }
}
REGISTER_TYPED_TEST_SUITE_P(Allocation, ThatFailsDoesNothingWhereverItHappens);

}  // namespace tally::fault
