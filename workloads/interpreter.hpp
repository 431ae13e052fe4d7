// interpreter: a small Python. What counting costs, and what it does to threads, in programs and not in pairs of a copy and a drop.
//
// A stack machine runs one of the programs of harness/interpreter/ on boxed objects: integers (small ones shared), floats, texts,
// tuples, lists, dictionaries, functions, code, types and instances. Its instructions count where CPython's do
// (interpreter_machine.hpp), so that what all lanes share is what threads of a Python without a GIL share: code, functions, types,
// constants, names of the module; and in programs called *_shared a container or an instance, too.
//
// A step calls main(rounds) and compares what it gives back. A safepoint is an operation: a loop's jump back, in fib a call. Where a
// strategy has immortal objects None, the booleans, small integers, constants and built-in functions are, unless immortal=no; in the
// heaps of others they are objects like any. Where one has deferred objects functions, code, types and the module are. Updates of a shared attribute read, add and write, and may get lost (`lost_updates`).
// Source: what is counted is [CPython]'s, and so are the items of its Tools/ftscalingbench; the other programs are ours.
#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include "harness/interpreter/program_plan.hpp"
#include "workloads/interpreter_calls.hpp"
#include "workloads/interpreter_values.hpp"

namespace tally::workloads {

struct interpreter {
  static constexpr std::array<parameter_info, 5> parameters_{{
      text("program", "mixed", "what to run: fib, list_private, call_method ... docs/interpreter.md has all"),
      whole("rounds", 64, 1, 100'000, "iterations of the program's loop per step"),
      word("immortal", {"yes", "no"}, "yes: constants live for ever where the strategy can say so; no: they are counted"),
      word("loads", {"counted", "borrowed"},
           "of locals: counted, each is a copy; borrowed, none is where the compiler sees that the local outlives it"),
      word("thread", {"worker", "main"},
           "worker: lanes run what the process's main thread has imported; main: the only lane is that thread, and has made "
           "functions, "
           "code and constants itself"),
  }};
  static constexpr workload_info info{"interpreter", "a small Python: a stack machine over boxed objects",
                                      "a program's instructions: copies of locals, constants and names, drops of operands, makes "
                                      "of what is not small; one poll per operation, which is a loop's iteration, in fib a call",
                                      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    return bytecode::unmet(p, has_shared_slot<H>);
  }
  template <class H>
  static std::string unmet_lanes(const parameters& p, int lanes) {
    return lanes > 1 && p.is("thread", "main") ? "thread=main is one thread: the others of a process are workers" : "";
  }

  template <class H>
  class program;
};

template <class H>
class interpreter::program {
 public:
  using context = typename H::context;
  using object = interpreter_object<H>;
  using ref = typename H::template ref<object>;
  using parcel = typename H::template parcel<object>;

  program(H& heap, const run_env& env) : plan_(env.params), on_main_(env.params.is("thread", "main")), all_(heap) {
    if (const std::string why = unmet_for<H>(env.params); !why.empty()) throw usage_error("--set " + why);
    if (const std::string why = unmet_lanes<H>(env.params, env.lanes); !why.empty()) throw usage_error("--set " + why);
    world_.codes = plan_.objects.codes.data();
    if (plan_.hands_over()) {
      for (int i = 0; i < env.lanes; ++i) world_.queues.emplace_back(2 * world_.on_the_way);
    }
  }

  [[gnu::cold]] void setup(context& c) {
    if (!on_main_) make_module(c);
  }
  // The root comes last: what is stored in it is shared with all that it leads to.
  [[gnu::cold]] void make_module(context& c) {
    const auto n = static_cast<std::uint32_t>(plan_.objects.objects.size());
    ref all = slotted<H>(c, bytecode::kind::array, 0, n);
    slots_ = c.get(all).plain_slots();
    for (std::uint32_t i = 0; i < n; ++i) {
      const bytecode::recipe& r = plan_.objects.objects[i];
      ref made = slotted<H>(c, r.what, r.word, r.slots, shared_places(r));
      object& o = c.get(made);
      fill(c, o.plain_slots(), r.holds);
      fill(c, o.racy_slots(), r.shared);
      if (r.immortal) make_immortal(c, made);
      if (bytecode::is_deferred(r)) make_deferred(c, made, bytecode::has_many_edges(r));
      set<H>(c, slots_[i], made);
    }
    fill(c, held(c, plan_.objects.module).plain_slots(), plan_.objects.names);
    world_.none = slots_ + plan_.objects.none;
    world_.yes = slots_ + plan_.objects.yes;
    world_.no = slots_ + plan_.objects.no;
    world_.module = slots_ + plan_.objects.module;
    world_.builtins = slots_ + plan_.objects.builtins;
    world_.name = slots_ + plan_.objects.name;
    world_.main = slots_ + plan_.objects.main;
    world_.small_ints = held(c, plan_.objects.small_ints).plain_slots();
    world_.list_methods = held(c, plan_.objects.list_methods).plain_slots();
    world_.names = held(c, plan_.objects.module).plain_slots();
    all_.store(c, all);
    imported_ = true;
  }

  struct lane {
    using counting = interpreter_machine<H, false>;
    using borrowing = interpreter_machine<H, true>;
    using machine = std::variant<counting, borrowing>;

    lane(program& p, context& c, const lane_env& e) : runs(p.plan_.borrows ? of<borrowing>(p, c, e) : of<counting>(p, c, e)) {}
    template <class Kind>
    static machine of(program& p, context& c, const lane_env& e) {
      return machine(std::in_place_type<Kind>, c, p.world(c), e);
    }
    machine runs;
    std::uint64_t wrong = 0, steps = 0;
  };
  std::uint64_t step(context& c, lane& l) {
    bool right = false;
    const std::uint64_t done =
        std::visit([&](auto& machine) { return machine.run(c, plan_.rounds, plan_.expected, right); }, l.runs);
    ++l.steps;
    if (!right) {
      ++l.wrong;
      c.poll();
    }
    return done;
  }
  void leave(context& c, lane& l) {
    std::visit([&](auto& machine) { machine.unwind(c), machine.leave(c); }, l.runs);
    // relaxed, all of them: read after the lanes were joined
    wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
    steps_.fetch_add(l.steps, std::memory_order_relaxed);
    waits_.fetch_add(std::visit([](const auto& machine) { return machine.waits(); }, l.runs), std::memory_order_relaxed);
  }
  [[nodiscard]] std::string check(context& c) {
    if (!imported_) return "";  // the lane that would have done it has failed
    for (auto& queue : world_.queues) {
      for (parcel p{}; queue.try_pop(p);) c.drop(c.unpack(p));
    }
    look_at_shared(c);
    return plan_.verdict(wrong_.load(std::memory_order_relaxed));
  }
  void teardown(context& c) {
    if (!imported_) return;
    // Functions hold the module that holds them.
    object& module = held(c, plan_.objects.module);
    for (std::uint32_t i = 0; i < module.slots; ++i) set<H>(c, module.plain_slots()[i], ref{});
    all_.store(c, {});
    // The younger refer to the older.
    for (; !kept_.empty(); kept_.pop_back()) {
      if constexpr (has_deferred<H>) {
        if (kept_.back().deferred) {
          c.release_deferred(c.unpack(kept_.back().object));
          continue;
        }
      }
      if constexpr (has_immortal<H>) c.release_immortal(c.unpack(kept_.back().object));
    }
  }
  // The array, what is in it, and what lanes left in shared containers. Valid after check().
  [[nodiscard]] std::int64_t expected() const { return 1 + static_cast<std::int64_t>(plan_.objects.objects.size()) + left_; }
  void report(metric_list& into) const {
    plan_.report(into, steps_.load(std::memory_order_relaxed), waits_.load(std::memory_order_relaxed), updates_);
  }

 private:
  interpreter_world<H>& world(context& c) {
    if (on_main_) make_module(c);
    return world_;
  }
  static std::uint16_t shared_places(const bytecode::recipe& r) { return static_cast<std::uint16_t>(r.shared.size()); }
  object& held(context& c, std::int32_t i) { return *c.peek(slots_[i]); }
  void fill(context& c, auto* places, const std::vector<std::int32_t>& what) {
    for (std::size_t i = 0; i < what.size(); ++i) {
      if (what[i] >= 0) c.store(places[i], c.load(slots_[what[i]]));
    }
  }
  void make_immortal(context& c, const ref& made) {
    if constexpr (has_immortal<H>) {
      if (!plan_.immortal) return;
      c.make_immortal(made);
      kept_.push_back({c.pack(c.copy(made)), false});
    }
  }
  void make_deferred(context& c, const ref& made, bool many_edges) {
    if constexpr (has_deferred<H>) {
      c.make_deferred(made, many_edges);
      kept_.push_back({c.pack(c.copy(made)), true});
    }
  }
  // What lanes have put into shared containers; each such object is in one place.
  [[gnu::cold]] void look_at_shared(context& c) {
    std::vector<const void*> ours;
    for (std::uint32_t i = 0; i < all_.get()->slots; ++i) ours.push_back(c.peek(slots_[i]));
    for (std::uint32_t i = 0; i < all_.get()->slots; ++i) {
      object& o = *c.peek(slots_[i]);
      for (std::uint16_t at = 0; at < o.racies; ++at) {
        ref r = c.load(o.racy_slots()[at]);
        if (!r) continue;
        left_ += std::ranges::find(ours, static_cast<const void*>(&c.get(r))) == ours.end() ? 1 : 0;
        if (o.what == bytecode::kind::shared_instance && at == 0) updates_ = c.get(r).whole() - bytecode::first_shared;
        c.drop(r);
      }
    }
  }

  bytecode::program_plan plan_;
  bool on_main_, imported_ = false;
  typename H::template root<object> all_;   // an array of the image's objects
  typename object::slot* slots_ = nullptr;  // its
  interpreter_world<H> world_;
  struct kept {
    parcel object;
    bool deferred;
  };
  std::vector<kept> kept_;  // what nobody's drop frees
  std::int64_t left_ = 0;
  std::int64_t updates_ = 0;
  tally::atomic<typename H::memory, std::uint64_t, "check"> wrong_, steps_, waits_;
};

}  // namespace tally::workloads
