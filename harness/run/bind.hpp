// Joins a strategy with the workloads: from types to the registry's functions. The only place that knows both.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "harness/family.hpp"
#include "harness/registry.hpp"
#include "harness/run/attached.hpp"
#include "harness/run/lane.hpp"
#include "harness/workload.hpp"

namespace tally {

template <class H, class W>
class bound_run final : public run_body {
 public:
  using program = typename W::template program<H>;
  using context = typename H::context;
  using memory = typename H::memory;

  explicit bound_run(const body_spec& spec) : spec_(spec) {
    for (const auto& [name, value] : spec_.tunables) tunables_.emplace_back(name, value);
  }

  static void check(const body_spec& spec) {
    bound_run run(spec);
    run.heap_.emplace(run.config());
    run.program_.emplace(*run.heap_, run_env{run.spec_.params, run.spec_.lanes, run.spec_.seed});
  }

  oracle_verdict run(const std::function<void()>& lanes) override {
    heap_.emplace(config());
    program_.emplace(*heap_, run_env{spec_.params, spec_.lanes, spec_.seed});
    oracle_verdict verdict;
    {
      context main(*heap_);
      program_->setup(main);
      main.blocked(lanes);
      if constexpr (requires(program& p, context& c) { p.check(c); }) {
        verdict.message = program_->check(main);
        verdict.ok = verdict.message.empty();
      }
    }
    heap_->settle();
    ask(verdict, program_->expected(), "before teardown");
    if constexpr (requires(const program& p, metric_list& m) { p.report(m); }) program_->report(metrics_);
    {
      context main(*heap_);
      program_->teardown(main);
    }
    heap_->settle();
    std::int64_t leaked = 0;
    if constexpr (requires(const program& p) { p.leaked(); }) leaked = program_->leaked();
    ask(verdict, leaked, "after teardown");
    program_.reset();
    heap_.reset();
    return verdict;
  }

  void lane(int index, lane_control& control) override {
    control.env = {index, spec_.lanes, spec_.seed, &control.shared->stop};
    try {
      std::optional<context> c(std::in_place, *heap_);
      typename program::lane state(*program_, *c, control.env);
      control.arrive();
      c->blocked([&] { memory::wait_until([&] { return !control.waiting(); }); });
      try {
        working w{*heap_, *program_, c, state};
        control.operate({&w, run_batch, memory::now});
      } catch (const heap_exhausted&) {
        control.exhausted = true;
        control.cut(memory::now());
      }
      program_->leave(*c, state);
    } catch (const std::exception& e) {
      control.failure = e.what();
    }
  }

  [[nodiscard]] bool arena_threads() const override {
    return requires { requires W::arena_threads; };
  }
  [[nodiscard]] std::int64_t live() const override { return heap_ ? heap_->live() : 0; }
  [[nodiscard]] std::int64_t live_bytes() const override { return heap_ ? heap_->live_bytes() : 0; }
  void report(metric_list& into) const override { into.insert(into.end(), metrics_.begin(), metrics_.end()); }

 private:
  struct working {
    H& heap;
    program& workload;
    std::optional<context>& c;
    typename program::lane& state;
  };
  [[gnu::noinline]] static std::uint64_t run_batch(void* at, std::uint64_t batch) {
    working& w = *static_cast<working*>(at);
    if constexpr (std::is_void_v<decltype(w.workload.step(*w.c, w.state))>) {
      for (std::uint64_t i = 0; i < batch; ++i) w.workload.step(*w.c, w.state);
      return batch;
    } else {
      std::uint64_t done = 0;
      // bool, or a number of operations
      for (std::uint64_t i = 0; i < batch; ++i) done += step_attached(w.heap, w.c, w.workload, w.state);
      return done;
    }
  }
  [[nodiscard]] heap_config config() const {
    return {spec_.heap_limit_bytes, spec_.lanes + 1, spec_.gc_workers, tunables_.data(), tunables_.size()};
  }

  // Live must be what the workload says; each oracle class says what "be" means.
  void ask(oracle_verdict& verdict, std::int64_t expected, const char* when) {
    const std::int64_t live = heap_->live();
    if (!verdict.ok) return;
    bool fine = live == expected;
    if constexpr (H::oracle == oracle_class::never_frees) fine = live >= expected && live == heap_->made();
    if constexpr (H::oracle == oracle_class::bounded) fine = live >= expected && live <= expected + heap_->slack();
    verdict.expected = expected;
    verdict.live = live;
    if (!fine) {
      verdict.ok = false;
      verdict.message = std::string(when) + ": " + std::to_string(live) + " objects live, expected " +
                        std::to_string(expected);
    }
  }

  body_spec spec_;
  std::vector<std::pair<std::string_view, double>> tunables_;
  std::optional<H> heap_;
  std::optional<program> program_;
  metric_list metrics_;
};

template <class H, class W>
cell bind_cell() {
  cell result;
  result.workload = W::info.name;
  result.unmet = W::template unmet<H>();
  if constexpr (W::template unmet<H>().empty()) {
    using program = typename W::template program<H>;
    result.make = [](const body_spec& s) -> std::unique_ptr<run_body> { return std::make_unique<bound_run<H, W>>(s); };
    result.check = [](const body_spec& s) {
      bound_run<H, W>::check(s);
    };
    result.unmet_for = [](const parameters& p) -> std::string {
      if constexpr (requires { W::template unmet_for<H>(p); }) {
        return W::template unmet_for<H>(p);
      } else {
        return {};
      }
    };
    result.unmet_lanes = [](const parameters& p, int lanes) -> std::string {
      if constexpr (requires { W::template unmet_lanes<H>(p, lanes); }) {
        return W::template unmet_lanes<H>(p, lanes);
      } else {
        return {};
      }
    };
    result.payload_bytes = [](const body_spec& s) -> std::optional<std::size_t> {
      if constexpr (requires(const run_env& e) { program::payload_bytes(e); }) {
        return program::payload_bytes(run_env{s.params, s.lanes, s.seed});
      } else {
        return std::nullopt;
      }
    };
    result.parallelism = [](const body_spec& s) -> std::optional<double> {
      if constexpr (requires(const run_env& e) { program::parallelism(e); }) {
        return program::parallelism(run_env{s.params, s.lanes, s.seed});
      } else {
        return std::nullopt;
      }
    };
  }
  return result;
}

template <class H>
capabilities capabilities_of() {
  return {.single_threaded = single_threaded<H>,
          .weak = has_weak<H>,
          .shared_slot = has_shared_slot<H>,
          .borrow = has_borrow<H>,
          .cycles = collects_cycles<H>,
          .instrumented = instrumented<H>,
          .process_global = process_global<H>,
          .limits_heap = limits_heap<H>,
          .oracle = H::oracle};
}

template <class Family, class M, auto... O, class... W>
strategy_entry bind_strategy(variant_list<O...>, workload_list<W...>) {
  using options = typename Family::options;
  strategy_entry entry{std::string(Family::info.name), std::string(Family::info.summary),
                       std::string(Family::info.source), {}, {}};
  const options defaults = [] {
    bool first = true;
    options d{};
    ((first ? (d = O, first = false) : false), ...);
    return d;
  }();
  for (const auto& t : Family::tunables) {
    tunable_entry e{std::string(t.name), std::string(t.summary), std::string(t.default_from), {}, {}, t.least, t.most};
    for (const auto v : t.values) {
      if (!v.empty()) e.values.emplace_back(v);
    }
    if (t.chosen != nullptr) {
      e.fallback = e.values.at(static_cast<std::size_t>(t.chosen(defaults)));
    } else {
      e.fallback = std::to_string(t.fallback);
      e.fallback.erase(e.fallback.find_last_not_of('0') + 1);
      if (e.fallback.ends_with('.')) e.fallback.pop_back();
    }
    entry.tunables.push_back(std::move(e));
  }
  const auto add = [&]<class H>(std::type_identity<H>, const options& o) {
    variant_entry v;
    for (std::size_t i = 0; i < entry.tunables.size(); ++i) {
      const auto& t = Family::tunables[i];
      if (t.chosen == nullptr) continue;
      const auto& value = entry.tunables[i].values.at(static_cast<std::size_t>(t.chosen(o)));
      v.options.push_back(value);
      if (value != entry.tunables[i].fallback) {
        v.label += (v.label.empty() ? "" : ",") + entry.tunables[i].name + "=" + value;
      }
    }
    if constexpr (requires { sizeof(typename H::header); }) v.header_bytes = sizeof(typename H::header);
    v.can = capabilities_of<H>();
    (v.cells.push_back(bind_cell<H, W>()), ...);
    entry.variants.push_back(std::move(v));
  };
  (add(std::type_identity<typename Family::template heap<M, O>>{}, O), ...);
  return entry;
}

}  // namespace tally
