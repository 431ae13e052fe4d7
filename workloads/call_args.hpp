// call_args: temporaries that are passed to callees. What a calling convention costs on top of the calls.
//
// A step gets an object, hands it down `depth` calls that are not inlined, each of which reads it, reads it too and is done
// with it. `copy`: every callee owns a reference of its own (shared_ptr by value, CPython's calls); `move`: ownership goes
// down with the call and the last callee drops it; `borrow`: callees get the caller's reference to look at (const&, Swift's
// +0). With fresh=1 the object is a temporary made for the call; with fresh=0 it is loaded from a slot of the lane's frame
// object, as an interpreter loads a local. Between copy and drop a scheme that defers stack references has nothing to do:
// that is the published case for deferral, and this workload is where to see it.
// Source: [DB76] for deferral, [SwiftOwnership] for the conventions.
#pragma once

#include <array>

#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"

namespace tally::workloads {

struct call_args {
  static constexpr std::array<parameter_info, 4> parameters_{{
      word("passing", {"copy", "move", "borrow"}, "copy, move or borrow: what a call does with its argument"),
      whole("depth", 8, 1, 1000, "calls that the argument goes through"),
      whole("fresh", 1, 0, 1, "1: the argument is made for the step; 0: it is loaded from the lane's frame"),
      whole("locals", 16, 1, 4096, "objects in a lane's frame, for fresh=0"),
  }};
  static constexpr workload_info info{
      "call_args", "an argument handed down a chain of calls",
      "fresh=1: one make, fresh=0: one load from a frame's slot; passing=copy: a copy and a drop for each of `depth` calls; "
      "one drop of the argument; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }

  template <class H>
  struct object {
    static constexpr bool confined = true;  // to the lane that made it
    var<typename H::memory, std::uint64_t, "payload"> value, canary;
    void each_slot(auto&&) {}
  };
  template <class H>
  struct frame_of {
    static constexpr bool confined = true;
    using trailing = object<H>;
    explicit frame_of(std::uint32_t n) : count(n) {}
    std::uint64_t count;
    void each_slot(auto&& f) {
      auto* locals = slots_behind<typename H::template slot<trailing>>(*this);
      for (std::uint64_t i = 0; i < count; ++i) f(locals[i]);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using argument = object<H>;
    using frame = frame_of<H>;
    using ref = typename H::template ref<argument>;
    enum class passing { copy, move, borrow };  // in the order of the words

    program(H&, const run_env& env)
        : passing_(env.params.word<passing>("passing")), depth_(static_cast<int>(env.params.integer("depth"))),
          fresh_(env.params.integer("fresh") != 0), locals_(static_cast<std::uint32_t>(env.params.integer("locals"))) {}
    void setup(context&) {}

    struct lane {
      lane(program& p, context& c, const lane_env& e) : random(e.random()), next(static_cast<std::uint64_t>(e.index) << 48) {
        if (p.fresh_) return;
        locals = make<frame>(c, {.slots = p.locals_}, p.locals_);
        for (std::uint32_t i = 0; i < p.locals_; ++i) {
          ref made = p.made(c, ++next);
          c.store(c.trailing_slots(c.get(locals))[i], made);
        }
      }
      random_source random;
      std::uint64_t next;  // the value of the next object; they differ, so that a reused one is noticed
      std::uint64_t wrong = 0;
      typename H::template ref<frame> locals{};
    };
    void step(context& c, lane& l) {
      ref r{};
      std::uint64_t value = 0;
      if (fresh_) {
        value = ++l.next;
        r = made(c, value);
      } else {
        const std::uint32_t i = l.random.below(locals_);
        value = l.next - locals_ + 1 + i;
        r = c.load(c.trailing_slots(c.get(l.locals))[i]);
      }
      std::uint64_t sum = 0;
      switch (passing_) {
        case passing::copy:
          sum = by_copy(c, c.copy(r), depth_);
          sum += read(c.get(r));
          c.drop(r);
          break;
        case passing::move:
          sum = read(c.get(r));
          sum += by_move(c, r, depth_);
          break;
        case passing::borrow:
          sum = by_borrow(c, r, depth_);
          sum += read(c.get(r));
          c.drop(r);
          break;
      }
      l.wrong += sum != static_cast<std::uint64_t>(depth_ + 1) * value;
      c.poll();
    }
    void leave(context& c, lane& l) {
      if (l.locals) c.drop(l.locals);
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);  // relaxed: read after the lanes were joined
    }
    [[nodiscard]] std::string check(context&) {
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " calls found another object than they were passed";
    }
    void teardown(context&) {}
    [[nodiscard]] std::int64_t expected() const { return 0; }

   private:
    ref made(context& c, std::uint64_t value) {
      ref r = make<argument>(c, {});
      c.get(r).value.store(value);
      c.get(r).canary.store(~value);
      return r;
    }
    static std::uint64_t read(argument& a) {
      const std::uint64_t value = a.value.load();
      return a.canary.load() == ~value ? value : 0;
    }

    // keep(rest) after the inner call: without it the optimiser turns the recursion into a loop. A callee that still owns
    // or borrows its argument reads it after the inner call, since that is what the reference is held for.
    [[gnu::noinline]] static std::uint64_t by_copy(context& c, ref r, int calls) {
      std::uint64_t rest = 0;
      if (calls > 1) rest = by_copy(c, c.copy(r), calls - 1);
      keep(rest);
      rest += read(c.get(r));
      c.drop(r);
      return rest;
    }
    [[gnu::noinline]] static std::uint64_t by_move(context& c, ref r, int calls) {
      const std::uint64_t mine = read(c.get(r));
      std::uint64_t rest = 0;
      if (calls > 1) {
        rest = by_move(c, r, calls - 1);
      } else {
        c.drop(r);
      }
      keep(rest);
      return rest + mine;
    }
    [[gnu::noinline]] static std::uint64_t by_borrow(context& c, const ref& r, int calls) {
      std::uint64_t rest = 0;
      if (calls > 1) rest = by_borrow(c, r, calls - 1);
      keep(rest);
      return rest + read(c.get(r));
    }

    passing passing_;
    int depth_;
    bool fresh_;
    std::uint32_t locals_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_;
  };
};

}  // namespace tally::workloads
