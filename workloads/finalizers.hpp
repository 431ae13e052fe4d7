// finalizers: objects that come and go, a share of which has a finaliser. It runs inside the decrement that ends its object, and so
// on whatever lane happens to drop last.
//
// Every lane has a window of objects. A step makes one, which has a finaliser with chance `share`, and lets go the one that had its
// place. What a finaliser does:
//   work=none      it counts itself
//   work=allocate  it makes a chain of `objects` objects and drops it, too
//   work=revive    it keeps its object, until the next that is revived takes its place: that one then dies without a finaliser
// Every finaliser must run once: as many as objects with one were made.
// Source: what CPython's __del__ may do [CPython]; the window is ours.
#pragma once

#include <array>
#include <string>

#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"

namespace tally::workloads {

struct finalizers {
  enum class work { none, allocate, revive };
  static constexpr std::array<parameter_info, 4> parameters_{{
      word("work", {"none", "allocate", "revive"}, "what a finaliser does beside counting itself"),
      real("share", 0.5, 0, 1, "share of the objects that have a finaliser"),
      whole("window", 64, 1, 1 << 24, "objects that a lane keeps"),
      whole("objects", 4, 1, 65536, "objects that a finaliser makes, with work=allocate"),
  }};
  static constexpr workload_info info{
      "finalizers", "objects whose last drop runs a finaliser",
      "a make, two takes and a store on the table, and a drop of what was there, in which a finaliser may run; that one, with "
      "work=allocate, `objects` makes, stores between them and a drop; with work=revive a copy and a store; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return has_finalizers<H> ? "" : "needs finalisers";
  }

  template <class H>
  struct bare {
    typename H::template slot<bare> next;
    void each_slot(auto&& f) { f(next); }
  };
  template <class H>
  struct finalized;
  // What a lane's finalisers work with, and what they did.
  template <class H>
  struct lane_ends {
    work does = work::none;
    std::uint32_t objects = 0;
    typename H::template slot<finalized<H>>* revived = nullptr;
    std::uint64_t ran = 0, again = 0;
  };
  template <class H>
  struct finalized {
    typename H::template slot<bare<H>> unused;  // it can hold references, as objects with a finaliser can
    var<typename H::memory, std::uint64_t, "payload"> ran;
    lane_ends<H>* ends = nullptr;
    void each_slot(auto&& f) { f(unused); }
    void finalize(auto& c, const auto& self) {
      ++ends->ran;
      ends->again += ran.load() != 0;
      ran.store(1);
      if (ends->does == work::allocate) {
        auto last = make<bare<H>>(c, {});
        for (std::uint32_t i = 1; i < ends->objects; ++i) {
          auto one = make<bare<H>>(c, {});
          c.store(c.get(one).next, last);
          last = one;
        }
        c.drop(last);
      } else if (ends->does == work::revive) {
        c.store(*ends->revived, c.copy(self));
      }
    }
  };
  // A place holds one or the other.
  template <class H>
  struct table_of {
    using trailing = bare<H>;
    typename H::template slot<finalized<H>> revived;
    std::uint64_t count = 0;
    auto* places() { return slots_behind<typename H::template slot<trailing>>(*this); }
    void each_slot(auto&& f) {
      f(revived);
      for (std::uint64_t i = 0; i < count; ++i) f(places()[i]);
    }
  };
  template <class H>
  struct finalized_table {
    using trailing = finalized<H>;
    std::uint64_t count = 0, unused = 0;
    auto* places() { return slots_behind<typename H::template slot<trailing>>(*this); }
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < count; ++i) f(places()[i]);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;

    program(H&, const run_env& env)
        : work_(env.params.word<work>("work")), share_(env.params.number("share")),
          window_(static_cast<std::uint32_t>(env.params.integer("window"))),
          objects_(static_cast<std::uint32_t>(env.params.integer("objects"))) {}
    void setup(context&) {}

    struct lane {
      lane(program& p, context& c, const lane_env& e)
          : random(e.random()), bare_ones(make<table_of<H>>(c, {.slots = p.window_})),
            finalized_ones(make<finalized_table<H>>(c, {.slots = p.window_})) {
        c.get(bare_ones).count = c.get(finalized_ones).count = p.window_;
        ends.does = p.work_;
        ends.objects = p.objects_;
        ends.revived = &c.get(bare_ones).revived;
      }
      random_source random;
      typename H::template ref<table_of<H>> bare_ones{};
      typename H::template ref<finalized_table<H>> finalized_ones{};
      lane_ends<H> ends;
      std::uint64_t made = 0;  // with a finaliser
    };
    void step(context& c, lane& l) {
      const std::uint32_t at = l.random.below(window_);
      auto& plain = c.get(l.bare_ones).places()[at];
      auto& special = c.get(l.finalized_ones).places()[at];
      if (l.random.chance(share_)) {
        auto fresh = make<finalized<H>>(c, {});
        c.get(fresh).ends = &l.ends;
        ++l.made;
        clear(c, plain, special);
        c.store(special, fresh);
      } else {
        auto fresh = make<bare<H>>(c, {});
        clear(c, plain, special);
        c.store(plain, fresh);
      }
      c.poll();
    }
    void leave(context& c, lane& l) {
      for (std::uint32_t i = 0; i < window_; ++i) clear(c, c.get(l.bare_ones).places()[i], c.get(l.finalized_ones).places()[i]);
      if (auto last = c.take(*l.ends.revived)) c.drop(last);
      c.drop(l.finalized_ones);
      c.drop(l.bare_ones);
      const std::uint64_t missed = l.made > l.ends.ran ? l.made - l.ends.ran : 0;
      // relaxed: read after the lanes were joined
      missed_.fetch_add(missed, std::memory_order_relaxed);
      again_.fetch_add(l.ends.again, std::memory_order_relaxed);
      ran_.fetch_add(l.ends.ran, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context&) const {
      const auto missed = missed_.load(std::memory_order_relaxed), again = again_.load(std::memory_order_relaxed);
      if (missed == 0 && again == 0) return "";
      return std::to_string(missed) + " finalisers did not run, " + std::to_string(again) + " ran again";
    }
    void teardown(context&) {}
    [[nodiscard]] std::int64_t expected() const { return 0; }
    void report(metric_list& into) const {
      into.push_back({"finalizers_run", static_cast<double>(ran_.load(std::memory_order_relaxed)), "1"});
    }

   private:
    static void clear(context& c, auto& plain, auto& special) {
      if (auto old = c.take(plain)) c.drop(old);
      if (auto old = c.take(special)) c.drop(old);
    }

    work work_;
    double share_;
    std::uint32_t window_, objects_;
    tally::atomic<memory, std::uint64_t, "check"> missed_, again_, ran_;
  };
};

}  // namespace tally::workloads
