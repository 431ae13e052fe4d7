// Single-thread costs of the contract's operations (micro.hpp lists them), as Google Benchmark sees them. Instantiated per strategy;
// run by `tally micro`.
//
// One thread, warm caches, one hot object: what an operation costs at least. What threads do to it is the engine's subject;
// Google Benchmark gives every thread the same number of iterations, and the fast one then waits for the slow one.
#pragma once

#include <benchmark/benchmark.h>

#include <string>
#include <tuple>
#include <utility>

#include "harness/contract/family.hpp"
#include "harness/contract/strategy.hpp"
#include "harness/micro/micro.hpp"

namespace tally::micro {

template <class H>
struct cell {
  typename H::template slot<cell> place;
  var<typename H::memory, std::uint64_t, "payload"> value;
  void each_slot(auto&& f) { f(place); }
};

template <class H>
struct shared_cell {
  typename H::template shared_slot<shared_cell> place;
  void each_slot(auto&& f) { f(place); }
};

// Runs `operation(context)` as the benchmark's iteration, polling after each, as a workload would.
template <class H, class Prepare, class Operation, class Finish>
void measure(benchmark::State& state, Prepare prepare, Operation operation, Finish finish) {
  heap_config config;
  config.mutators = 1;
  H heap(config);
  {
    typename H::context c(heap);
    auto held = prepare(c);
    try {
      for (auto _ : state) {
        operation(c, held);
        c.poll();
      }
    } catch (const heap_exhausted& e) {
      state.SkipWithError(e.what());
    }
    finish(c, held);
  }
  heap.settle();
}

template <class H>
void add(benchmark_list& into, const std::string& strategy) {
  using node = cell<H>;
  const auto one = [](auto& c) { return make<node>(c, {}); };
  const auto drop = [](auto& c, auto& held) { c.drop(held); };
  const auto enter = [&](const std::string& name, auto prepare, auto operation, auto finish) {
    into.push_back({name, strategy, [=](benchmark::State& s) { measure<H>(s, prepare, operation, finish); }});
  };

  enter(
      "make_drop", one,
      [](auto& c, auto&) {
        auto r = make<node>(c, {});
        keep(r);
        c.drop(r);
      },
      drop);
  const auto filled = [](auto& c) {
    auto r = make<node>(c, {});
    c.store(c.get(r).place, make<node>(c, {}));
    return r;
  };
  if constexpr (!unique_ownership<H>) {  // each gives an object a second ref
    enter(
        "copy_drop", one,
        [](auto& c, auto& held) {
          auto r = c.copy(held);
          keep(r);
          c.drop(r);
        },
        drop);
    enter(
        "load_drop", filled,
        [](auto& c, auto& held) {
          auto r = c.load(c.get(held).place);
          keep(r);
          c.drop(r);
        },
        drop);
    enter(
        "load_store", filled,
        [](auto& c, auto& held) {
          auto r = c.load(c.get(held).place);
          keep(r);
          c.store(c.get(held).place, r);
        },
        drop);
  }
  enter(
      "take_store", filled,
      [](auto& c, auto& held) {
        auto r = c.take(c.get(held).place);
        keep(r);
        c.store(c.get(held).place, r);
      },
      drop);
  if constexpr (has_weak<H>) {
    using weak = typename H::template weak<node>;
    using ref = typename H::template ref<node>;
    enter(
        "upgrade_drop",
        [](auto& c) {
          auto r = make<node>(c, {});
          auto w = c.downgrade(r);
          return std::pair<ref, weak>(r, w);
        },
        [](auto& c, auto& held) {
          auto r = c.upgrade(held.second);
          keep(r);
          c.drop(r);
        },
        [](auto& c, auto& held) {
          c.drop(held.second);
          c.drop(held.first);
        });
  }
  if constexpr (has_shared_slot<H>) {
    using place = shared_cell<H>;
    const auto published = [](auto& c) {
      auto r = make<place>(c, {});
      c.store(c.get(r).place, make<place>(c, {}));
      return r;
    };
    enter(
        "shared_load_drop", published,
        [](auto& c, auto& held) {
          auto r = c.load(c.get(held).place);
          keep(r);
          c.drop(r);
        },
        drop);
    if constexpr (has_borrow<H>) {
      enter(
          "borrow", published,
          [](auto& c, auto& held) {
            const auto guard = c.borrow(c.get(held).place);
            keep(guard.get());
          },
          drop);
    }
  }
}

// Every built variant of a family, under the names of the command line.
template <class Family, class M, auto... O>
void add_family(benchmark_list& into, variant_list<O...>) {
  const auto label = [](const typename Family::options& o) {
    std::string text(Family::info.name);
    bool first = true;
    const auto defaults = std::get<0>(std::tuple{O...});
    for (const auto& t : Family::tunables) {
      if (t.chosen == nullptr || t.chosen(o) == t.chosen(defaults)) continue;
      text += (first ? ":" : ",") + std::string(t.name) + "=" + std::string(t.values[static_cast<std::size_t>(t.chosen(o))]);
      first = false;
    }
    return text;
  };
  (add<typename Family::template heap<M, O>>(into, label(O)), ...);
}

}  // namespace tally::micro
