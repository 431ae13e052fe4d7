// cycles: structures of a few objects that come and go, some of which hold themselves. What counting leaks, and what a collector
// costs beside it.
//
// Every lane has a window of structures. A step makes one of `size` objects and lets another one go, whole and as it is:
//   shape=parent_child  a parent holds its children; in a cyclic one each child holds the parent
//   shape=list          each holds the next; in a cyclic one the one before, too (a doubly linked list)
//   shape=closure       a function holds what it has captured; a cyclic one itself, too (a recursive closure)
// A share `cyclic` of them, drawn, is cyclic: schemes that only count leak exactly these, as long as the process lives. The rest
// has the same objects and no way back.
//   turnover=one        a new structure takes a drawn place of the window: as many are alive as it has places
//   turnover=all        it takes the next place; once none is left, the whole window is let go: a heap that grows, which is what
//                       makes a collector that looks at all of it every time quadratic
// `collect_every`: a lane asks for a full collection whenever it has made so many objects, whatever the heap does by itself.
// Source: the shapes are those of Python's manual of its gc module and of [Bacon01]; window and shares are ours.
#pragma once

#include <array>
#include <string>

#include "harness/contract/promptness.hpp"
#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"
#include "harness/memory/leak_roots.hpp"

namespace tally::workloads {

struct cycles {
  enum class shape { parent_child, list, closure };
  static constexpr std::array<parameter_info, 6> parameters_{{
      word("shape", {"parent_child", "list", "closure"}, "what the objects of a structure hold"),
      whole("size", 8, 2, 4096, "objects of a structure"),
      real("cyclic", 0.1, 0, 1, "share of the structures that are cyclic"),
      whole("window", 64, 1, 1 << 24, "structures that a lane keeps"),
      word("turnover", {"one", "all"}, "one: a new structure replaces another; all: the window fills up, and all of it goes"),
      whole("collect_every", 0, 0, 1e9,
            "objects that a lane makes between two full collections it asks for; 0: it asks for none"),
  }};
  static constexpr workload_info info{"cycles", "structures that come and go, a share of them cyclic",
                                      "`size` makes, and a store for each reference of the structure, a copy of the ref where "
                                      "one object has several; one take and "
                                      "one store on the table, or with turnover=all a store and, once per window, a take of "
                                      "every place; a drop of what was there; "
                                      "one poll",
                                      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    if (!collects_cycles<H> && p.integer("collect_every") != 0)
      return "collects nothing that it could be asked for (collect_every)";
    return {};
  }

  template <class H>
  struct object {
    using trailing = object;
    typename H::template slot<object>* slots() { return slots_behind<typename H::template slot<object>>(*this); }
    var<typename H::memory, std::uint64_t, "payload"> value;
    std::uint64_t count = 0;
    [[no_unique_address]] death_stamp<H> death;
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < count; ++i) f(slots()[i]);
    }
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using node = object<H>;
    using ref = typename H::template ref<node>;

    program(H&, const run_env& env)
        : shape_(env.params.word<shape>("shape")), size_(static_cast<std::uint32_t>(env.params.integer("size"))),
          window_(static_cast<std::uint32_t>(env.params.integer("window"))), cyclic_(env.params.number("cyclic")),
          all_(env.params.is("turnover", "all")), every_(static_cast<std::uint64_t>(env.params.integer("collect_every"))) {}
    void setup(context&) {}

    struct lane {
      lane(program& p, context& c, const lane_env& e) : random(e.random()), table(p.made(c, 0, p.window_)) {
        if (p.all_) return;
        for (std::uint32_t i = 0; i < p.window_; ++i) c.store(c.get(table).slots()[i], p.structure(c, *this));
      }
      random_source random;
      ref table{};
      std::uint32_t filled = 0;                      // places, with turnover=all
      std::uint64_t stamp = 0, since_collected = 0;  // objects
      std::uint64_t cyclic = 0, wrong = 0;           // structures
    };
    void step(context& c, lane& l) {
      ref fresh = structure(c, l);
      node& t = c.get(l.table);
      if (all_) {
        if (l.filled == window_) empty(c, l);
        c.store(t.slots()[l.filled++], fresh);
      } else {
        auto& place = t.slots()[l.random.below(window_)];
        ref old = c.take(place);
        c.store(place, fresh);
        let_go(c, l, old);
      }
      if constexpr (collects_cycles<H>) {
        if (every_ != 0 && l.since_collected >= every_) {
          l.since_collected = 0;
          c.collect();
        }
      }
      c.poll();
    }
    void leave(context& c, lane& l) {
      l.filled = window_;
      empty(c, l);
      c.drop(l.table);
      cyclic_made_.fetch_add(l.cyclic, std::memory_order_relaxed);  // relaxed: read after the lanes were joined
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);         // as above
    }
    [[nodiscard]] std::string check(context&) const {
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " structures were found damaged while they lived";
    }
    void teardown(context&) {}
    [[nodiscard]] std::int64_t expected() const { return leaked(); }
    [[nodiscard]] std::int64_t leaked() const {
      if constexpr (collects_cycles<H>) return 0;
      return static_cast<std::int64_t>(cyclic_made_.load(std::memory_order_relaxed) * size_);
    }
    // The windows, and in each lane a structure that is about to replace another.
    static std::size_t payload_bytes(const run_env& env) {
      const auto size = static_cast<std::size_t>(env.params.integer("size"));
      const auto window = static_cast<std::size_t>(env.params.integer("window"));
      constexpr std::size_t word = sizeof(typename H::template slot<node>);
      const std::size_t slots = env.params.is("shape", "closure") ? size : 2 * (size - 1);
      return static_cast<std::size_t>(env.lanes) *
             (sizeof(node) + word * window + (window + 1) * (size * sizeof(node) + word * slots));
    }

   private:
    ref made(context& c, std::uint64_t value, std::uint32_t slots) {
      ref r = make<node>(c, {.slots = slots});
      node& n = c.get(r);
      n.value.store(value);
      n.count = slots;
      return r;
    }
    static void set(context& c, node& n, std::uint32_t slot, ref to) { c.store(n.slots()[slot], to); }

    // One structure's first object. All its objects have the same value.
    ref structure(context& c, lane& l) {
      const bool cyclic = l.random.chance(cyclic_);
      l.cyclic += cyclic;
      l.since_collected += size_;
      ++l.stamp;
      ref first{};
      switch (shape_) {
        case shape::parent_child: first = parent(c, l.stamp, cyclic); break;
        case shape::list: first = list(c, l.stamp, cyclic); break;
        case shape::closure: first = closure(c, l.stamp, cyclic); break;
      }
      if (cyclic && !collects_cycles<H>) leak_roots::leaks(&c.get(first));
      return first;
    }
    ref parent(context& c, std::uint64_t value, bool cyclic) {
      ref first = made(c, value, size_ - 1);
      for (std::uint32_t i = 0; i + 1 < size_; ++i) {
        ref child = made(c, value, 1);
        if (cyclic) set(c, c.get(child), 0, c.copy(first));
        set(c, c.get(first), i, child);
      }
      return first;
    }
    ref list(context& c, std::uint64_t value, bool cyclic) {
      ref next{};
      for (std::uint32_t i = size_; i > 0; --i) {
        ref one = made(c, value, i == 1 || i == size_ ? 1 : 2);
        if (next) {
          if (cyclic) set(c, c.get(next), c.get(next).count == 1 ? 0 : 1, c.copy(one));
          set(c, c.get(one), 0, next);
        }
        next = one;
      }
      return next;
    }
    ref closure(context& c, std::uint64_t value, bool cyclic) {
      ref function = made(c, value, size_);
      if (cyclic) set(c, c.get(function), 0, c.copy(function));
      for (std::uint32_t i = 1; i < size_; ++i) set(c, c.get(function), i, made(c, value, 0));
      return function;
    }

    // What the first object leads to has its value, while all of it lives.
    void let_go(context& c, lane& l, ref old) {
      node& first = c.get(old);
      const node* second = c.peek(first.slots()[shape_ == shape::closure ? 1 : 0]);
      l.wrong += second == nullptr || second->value.load() != first.value.load();
      end(c, first);
      c.drop(old);
    }
    // All of a structure dies with the reference to its first object, whatever its objects hold of each other.
    void end(context& c, node& first) {
      if constexpr (last_drop<H>::recorded) {
        const last_drop<H> now;
        const auto dies = [&](node& n) { now.of(n, sizeof(typename H::template slot<node>) * n.count); };
        dies(first);
        if (shape_ == shape::list) {
          node* at = c.peek(first.slots()[0]);
          for (std::uint32_t i = 1; i < size_; ++i) {
            dies(*at);
            if (i + 1 < size_) at = c.peek(at->slots()[0]);
          }
          return;
        }
        for (std::uint32_t i = shape_ == shape::closure ? 1 : 0; i < first.count; ++i) dies(*c.peek(first.slots()[i]));
      }
    }
    void empty(context& c, lane& l) {
      for (std::uint32_t i = 0; i < l.filled; ++i) {
        if (ref old = c.take(c.get(l.table).slots()[i])) let_go(c, l, old);
      }
      l.filled = 0;
    }

    shape shape_;
    std::uint32_t size_, window_;
    double cyclic_;
    bool all_;
    std::uint64_t every_;
    tally::atomic<memory, std::uint64_t, "check"> cyclic_made_, wrong_;
  };
};

}  // namespace tally::workloads
