// graph: a heap of objects that point at each other and keep changing their minds. Cycles come up all the time.
//
// A table holds a window of nodes with `degree` slots each. A step rewires one slot of one node to another node of the
// window, or, with chance `replace`, puts a new node in a place of the window and lets the old one go. What then becomes of
// cycles is what counting is judged by:
//   mode=broken  the program empties a node's slots before it lets it go (a destructor, weak back references, GC-less
//                languages' discipline): all is freed
//   mode=leak    it does not: schemes that only count leak exactly the nodes on garbage cycles and what these reach; those
//                that collect cycles leak nothing. How many is not assumed: the oracle replays every lane's draws after
//                the run in a model of the counts, and the heap must agree to the object. The leak lasts as long as the
//                process does, some 10 to 100 MB for each second of window
// scope=shared: all lanes change one graph, one lock a place of the window. Which lane came first then decides what leaks,
// so mode=leak is only for heaps that collect cycles there. No heap-size axis: what lives depends on the draws.
// Source: [Bacon01] for cyclic garbage; the window of random rewiring is ours.
#pragma once

#include <array>
#include <deque>
#include <unordered_set>
#include <utility>
#include <vector>

#include "harness/contract/guarded.hpp"
#include "harness/contract/workload.hpp"
#include "harness/heap/object.hpp"

namespace tally::workloads {

struct graph {
  static constexpr std::array<parameter_info, 5> parameters_{{
      whole("window", 256, 2, 65536, "nodes that a table holds"),
      whole("degree", 3, 1, 16, "slots of a node"),
      real("replace", 0.1, 0, 1, "chance that a step replaces a node; otherwise it rewires one slot"),
      word("mode", {"broken", "leak"}, "broken: a node's slots are emptied before it is let go; leak: they are not"),
      word("scope", {"lane", "shared"}, "lane: every lane has a graph of its own; shared: all lanes have one"),
  }};
  static constexpr workload_info info{
      "graph", "a mutating object graph with cycles",
      "a rewiring: a load from the table, a take and a store on a node's slot, a drop of what was there; or, with chance "
      "`replace`, a make, a take and a store on the table, with mode=broken a take of each slot of the old node and a drop "
      "of what was there, and the old node's drop; one poll",
      parameters_};

  template <class H>
  static constexpr std::string_view unmet() {
    return "";
  }
  template <class H>
  static std::string unmet_for(const parameters& p) {
    if (!collects_cycles<H> && p.is("mode", "leak") && p.is("scope", "shared")) {
      return "leaks cycles: how many of a graph that lanes race on can't be known (mode=leak needs scope=lane)";
    }
    return {};
  }

  template <class H>
  struct object {
    using trailing = object;
    typename H::template slot<object>* slots() { return slots_behind<typename H::template slot<object>>(*this); }
    var<typename H::memory, std::uint64_t, "payload"> value, canary;
    std::uint64_t degree = 0;
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < degree; ++i) f(slots()[i]);
    }
  };
  template <class H>
  struct table_of {
    using trailing = object<H>;
    typename H::template slot<trailing>* places() { return slots_behind<typename H::template slot<trailing>>(*this); }
    std::uint64_t count = 0;
    void each_slot(auto&& f) {
      for (std::uint64_t i = 0; i < count; ++i) f(places()[i]);
    }
  };

  // What a step does; drawn in one place, so that the model draws the same.
  struct action {
    bool replace;
    std::uint32_t place, slot, target;
  };
  static action draw(random_source& random, double replace, std::uint32_t window, std::uint32_t degree) {
    action a{};
    a.replace = random.chance(replace);
    a.place = random.below(window);
    if (a.replace) return a;
    a.slot = random.below(degree);
    a.target = random.below(window);
    return a;
  }

  // The counts of one lane's graph, without a heap: numbers for nodes, and a count and `degree` edges for each.
  class model {
   public:
    model(std::uint32_t window, std::uint32_t degree) : degree_(degree) {
      for (std::uint32_t i = 0; i < window; ++i) window_.push_back(fresh());
    }
    void apply(const action& a) {
      if (a.replace) {
        release(std::exchange(window_[a.place], fresh()));
        return;
      }
      ++counts_[window_[a.target]];
      const std::uint32_t old = std::exchange(edges_[window_[a.place] * degree_ + a.slot], window_[a.target]);
      if (old != none) release(old);
    }
    // Lets all of the window go; what is left then is what counting leaks.
    std::int64_t leaked() {
      for (const auto n : window_) release(n);
      window_.clear();
      return live_;
    }

   private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    std::uint32_t fresh() {
      ++live_;
      if (!unused_.empty()) {
        const auto n = unused_.back();
        unused_.pop_back();
        counts_[n] = 1;
        return n;
      }
      counts_.push_back(1);
      edges_.resize(edges_.size() + degree_, none);
      return static_cast<std::uint32_t>(counts_.size() - 1);
    }
    void release(std::uint32_t n) {
      std::vector<std::uint32_t> todo{n};
      while (!todo.empty()) {
        const auto at = todo.back();
        todo.pop_back();
        if (--counts_[at] != 0) continue;
        --live_;
        for (std::uint32_t i = 0; i < degree_; ++i) {
          const auto to = std::exchange(edges_[at * degree_ + i], none);
          if (to != none) todo.push_back(to);
        }
        unused_.push_back(at);
      }
    }
    std::uint32_t degree_;
    std::vector<std::uint32_t> window_, counts_, edges_, unused_;
    std::int64_t live_ = 0;
  };

  template <class H>
  class program {
   public:
    using context = typename H::context;
    using memory = typename H::memory;
    using node = object<H>;
    using table = table_of<H>;
    using ref = typename H::template ref<node>;
    using table_ref = typename H::template ref<table>;

    program(H& heap, const run_env& env)
        : window_(static_cast<std::uint32_t>(env.params.integer("window"))),
          degree_(static_cast<std::uint32_t>(env.params.integer("degree"))), replace_(env.params.number("replace")),
          leak_(env.params.is("mode", "leak")), shared_(env.params.is("scope", "shared")), seed_(env.seed) {
      if (const std::string why = unmet_for<H>(env.params); !why.empty()) throw usage_error("--set mode=leak: " + why);
      if (!shared_) return;
      table_.emplace_back(heap);
      locks_ = std::deque<typename memory::mutex>(window_);
    }
    void setup(context& c) {
      if (shared_) table_.front().store(c, filled(c));
    }

    struct lane {
      lane(program& p, context& c, const lane_env& e)
          : index(e.index), random(e.random()), next(static_cast<std::uint64_t>(e.index + 1) << 48) {
        if (!p.shared_) mine = p.filled(c);
      }
      int index;
      random_source random;
      std::uint64_t next;  // the value of the next node
      std::uint64_t steps = 0, wrong = 0;
      table_ref mine{};
    };
    void step(context& c, lane& l) {
      const action a = draw(l.random, replace_, window_, degree_);
      table& t = shared_ ? *table_.front().get() : c.get(l.mine);
      if (a.replace) {
        replace(c, l, t, a);
      } else {
        rewire(c, l, t, a);
      }
      ++l.steps;
      c.poll();
    }
    void leave(context& c, lane& l) {
      if (!shared_) {
        let_go(c, c.get(l.mine));
        c.drop(l.mine);
      }
      if (counts_leaks()) {
        // Takes a while and touches no object: nobody should have to wait for it.
        c.blocked([&] {
          const std::int64_t leaked = replayed({seed_, static_cast<std::uint64_t>(l.index)}, l.steps);
          leaked_.fetch_add(leaked, std::memory_order_relaxed);  // relaxed, as below: read after the lanes were joined
        });
      }
      wrong_.fetch_add(l.wrong, std::memory_order_relaxed);
    }
    [[nodiscard]] std::string check(context& c) {
      if (shared_) count_reachable(c);
      const std::uint64_t wrong = wrong_.load(std::memory_order_relaxed);
      return wrong == 0 ? "" : std::to_string(wrong) + " nodes were found damaged behind an edge";
    }
    void teardown(context& c) {
      if (!shared_) return;
      let_go(c, *table_.front().get());
      table_.front().store(c, {});
    }
    // Of a shared graph there lives what its table reaches: the window, and nodes let go to which an edge still leads.
    [[nodiscard]] std::int64_t expected() const { return shared_ ? reachable_ : leaked(); }
    [[nodiscard]] std::int64_t leaked() const { return leaked_.load(std::memory_order_relaxed); }

   private:
    [[nodiscard]] bool counts_leaks() const { return leak_ && !shared_ && !collects_cycles<H>; }
    [[nodiscard]] std::int64_t replayed(random_source random, std::uint64_t steps) const {
      model m(window_, degree_);
      for (std::uint64_t s = 0; s < steps; ++s) m.apply(draw(random, replace_, window_, degree_));
      return m.leaked();
    }
    static bool sound(node& n) { return n.canary.load() == ~n.value.load(); }

    ref made(context& c, std::uint64_t value) {
      ref r = make<node>(c, {.slots = degree_});
      node& n = c.get(r);
      n.value.store(value);
      n.canary.store(~value);
      n.degree = degree_;
      return r;
    }
    table_ref filled(context& c) {
      table_ref r = make<table>(c, {.slots = window_});
      table& t = c.get(r);
      t.count = window_;
      for (std::uint32_t i = 0; i < window_; ++i) {
        ref n = made(c, i + 1);
        c.store(t.places()[i], n);
      }
      return r;
    }
    void rewire(context& c, lane& l, table& t, const action& a) {
      ref to{}, old{};
      if (!shared_) {
        to = c.load(t.places()[a.target]);
        auto& edge = c.peek(t.places()[a.place])->slots()[a.slot];
        old = c.take(edge);
        c.store(edge, to);
      } else {
        {
          const auto hold = lock_in(c, locks_[a.target]);
          to = c.load(t.places()[a.target]);
        }
        const auto hold = lock_in(c, locks_[a.place]);
        auto& edge = c.peek(t.places()[a.place])->slots()[a.slot];
        old = c.take(edge);
        c.store(edge, to);
      }
      if (!old) return;
      l.wrong += !sound(c.get(old));
      c.drop(old);
    }
    void replace(context& c, lane& l, table& t, const action& a) {
      ref fresh = made(c, ++l.next), old{};
      if (!shared_) {
        old = c.take(t.places()[a.place]);
        c.store(t.places()[a.place], fresh);
      } else {
        c.share(fresh);
        const auto hold = lock_in(c, locks_[a.place]);
        old = c.take(t.places()[a.place]);
        c.store(t.places()[a.place], fresh);
      }
      l.wrong += !sound(c.get(old));
      // Out of the table nobody else comes at its slots; others may still hold it, or point to it.
      if (!leak_) empty(c, c.get(old));
      c.drop(old);
    }
    void empty(context& c, node& n) {
      for (std::uint32_t i = 0; i < degree_; ++i) {
        if (ref r = c.take(n.slots()[i])) c.drop(r);
      }
    }
    void let_go(context& c, table& t) {
      if (leak_) return;
      for (std::uint32_t i = 0; i < window_; ++i) {
        if (node* n = c.peek(t.places()[i])) empty(c, *n);
      }
    }
    // After the lanes; nothing changes and nothing is a safepoint.
    void count_reachable(context& c) {
      std::vector<node*> todo;
      std::unordered_set<node*> seen;
      const auto visit = [&](node* n) {
        if (n != nullptr && seen.insert(n).second) todo.push_back(n);
      };
      table& t = *table_.front().get();
      for (std::uint32_t i = 0; i < window_; ++i) visit(c.peek(t.places()[i]));
      while (!todo.empty()) {
        node& n = *todo.back();
        todo.pop_back();
        if (!sound(n)) {
          wrong_.fetch_add(1, std::memory_order_relaxed);
          continue;
        }
        for (std::uint32_t i = 0; i < degree_; ++i) visit(c.peek(n.slots()[i]));
      }
      reachable_ = 1 + static_cast<std::int64_t>(seen.size());
    }

    std::uint32_t window_, degree_;
    double replace_;
    bool leak_, shared_;
    std::uint64_t seed_;
    std::int64_t reachable_ = 0;
    std::deque<typename H::template root<table>> table_;
    std::deque<typename memory::mutex> locks_;
    tally::atomic<memory, std::uint64_t, "check"> wrong_;
    tally::atomic<memory, std::int64_t, "check"> leaked_;
  };
};

}  // namespace tally::workloads
