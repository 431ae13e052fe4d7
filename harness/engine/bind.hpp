// Joins a strategy with the workloads: from types to the registry's functions. The only place that knows both.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "harness/contract/family.hpp"
#include "harness/contract/workload.hpp"
#include "harness/engine/attached.hpp"
#include "harness/engine/lane.hpp"
#include "harness/engine/registry.hpp"
#include "harness/heap/object.hpp"

namespace tally {

// What of a run needs no types.
class bound_body : public run_body {
 public:
  explicit bound_body(const body_spec& spec);
  void report(metric_list& into) const override;
  void notes(note_list& into) const override;
  [[nodiscard]] std::optional<collector_window> collected() const override { return collected_; }

 protected:
  struct heap_state {
    oracle_class oracle;
    std::int64_t live = 0, made = 0, slack = 0;
  };
  [[nodiscard]] heap_config config() const;
  // Live must be what the workload says; each oracle class says what "be" means. The first complaint stays.
  static void ask(oracle_verdict& verdict, const heap_state& found, std::int64_t expected, const char* when);

  body_spec spec_;
  metric_list metrics_;
  note_list notes_;
  std::optional<collector_window> collected_;

 private:
  std::vector<std::pair<std::string_view, double>> tunables_;
};

// What of a run needs the strategy only. Workloads fill it in below; nothing of this is inside a measured loop.
template <class H>
class heap_run : public bound_body {
 public:
  using context = typename H::context;
  using memory = typename H::memory;

  using bound_body::bound_body;
  heap_run(const heap_run&) = delete;
  heap_run& operator=(const heap_run&) = delete;
  ~heap_run() override { delete heap_; }

  void prepare() override {
    end();
    heap_ = new H(config());
    make_program();
  }
  oracle_verdict run(const std::function<void()>& lanes) override {
    prepare();
    oracle_verdict verdict;
    {
      context main(*heap_);
      setup(main);
      if constexpr (reports_collections<H>) heap_->totals().clear();
      const std::uint64_t begun = memory::now();
      main.blocked(lanes);
      if constexpr (reports_collections<H>) collected_.emplace(heap_->totals(), memory::now() - begun);
      verdict.message = check_program(main);
      verdict.ok = verdict.message.empty();
    }
    heap_->settle();
    ask(verdict, found(), expected(), "before teardown");
    report_program();
    if constexpr (requires { H::settings(); }) notes_.emplace_back("strategy_settings", H::settings());
    {
      context main(*heap_);
      teardown(main);
    }
    heap_->settle();
    ask(verdict, found(), leaked(), "after teardown");
    end();
    return verdict;
  }

  void lane(int index, lane_control& control) override {
    control.env = {index, spec_.lanes, spec_.seed, &control.shared->stop};
    control.in_turns = takes_turns<H> && spec_.lanes > 1;
    try {
      std::optional<context> c(std::in_place, *heap_);
      work(c, control);
    } catch (const std::exception& e) {
      control.fail(e);
    }
  }

  [[nodiscard]] std::int64_t live() const override { return heap_ != nullptr ? heap_->live() : 0; }
  [[nodiscard]] std::int64_t live_bytes() const override { return heap_ != nullptr ? heap_->live_bytes() : 0; }
  [[nodiscard]] held_memory held() const override {
    if constexpr (reports_held<H>) {
      return heap_ != nullptr ? heap_->held() : held_memory{};
    } else {
      return run_body::held();
    }
  }

 protected:
  virtual void make_program() = 0;
  virtual void end_program() = 0;
  virtual void setup(context&) = 0;
  virtual std::string check_program(context&) = 0;
  virtual void report_program() = 0;
  virtual void teardown(context&) = 0;
  [[nodiscard]] virtual std::int64_t expected() const = 0;  // objects, before and after teardown
  [[nodiscard]] virtual std::int64_t leaked() const = 0;
  virtual void work(std::optional<context>&, lane_control&) = 0;

  static void wait_for_start(context& c, lane_control& control) {
    control.arrive();
    c.blocked([&] { memory::wait_until([&] { return !control.waiting(); }); });
  }
  static void operate(lane_control& control, std::optional<context>& c, void* state,
                      std::uint64_t (*batch)(void*, std::uint64_t)) {
    batch_runner batches{state, batch, memory::now, &c};
    if constexpr (counts_frees<H>) {
      batches.freed_word = [](const void* at) { return (*static_cast<const std::optional<context>*>(at))->freed_word(); };
    }
    if constexpr (requires { memory::sleep(std::uint64_t{}); }) {  // else nobody runs an open loop
      batches.blocked = [](void* at, void (*f)(void*), void* argument) {
        (*static_cast<std::optional<context>*>(at))->blocked([&] { f(argument); });
      };
      batches.sleep = memory::sleep;
    }
    try {
      control.operate(batches);
    } catch (const heap_exhausted&) {
      control.exhausted = true;
      control.cut(memory::now());
    }
  }

  H* heap_ = nullptr;  // owned, like the program below; unique_ptr would be instantiated for each of hundreds of pairs

 private:
  void end() {
    end_program();
    delete std::exchange(heap_, nullptr);
  }
  [[nodiscard]] heap_state found() const {
    heap_state s{.oracle = H::oracle, .live = heap_->live()};
    if constexpr (H::oracle == oracle_class::never_frees) s.made = heap_->made();
    if constexpr (H::oracle == oracle_class::bounded) s.slack = heap_->slack();
    return s;
  }
};

template <class H, class W>
class bound_run final : public heap_run<H> {
  using base = heap_run<H>;

 public:
  using program = typename W::template program<H>;
  using context = typename H::context;

  using base::base;
  bound_run(const bound_run&) = delete;
  bound_run& operator=(const bound_run&) = delete;
  ~bound_run() override { end_program(); }

  [[nodiscard]] bool arena_threads() const override {
    return requires { requires W::arena_threads; };
  }

 private:
  [[gnu::cold]] void make_program() override {
    program_ = new program(*this->heap_, run_env{this->spec_.params, this->spec_.lanes, this->spec_.seed});
  }
  [[gnu::cold]] void end_program() override { delete std::exchange(program_, nullptr); }
  [[gnu::cold]] void setup(context& c) override { program_->setup(c); }
  [[gnu::cold]] std::string check_program(context& c) override {
    if constexpr (requires(program& p) { p.check(c); }) return program_->check(c);
    return {};
  }
  [[gnu::cold]] void report_program() override {
    if constexpr (requires(const program& p, metric_list& m) { p.report(m); }) program_->report(this->metrics_);
    if constexpr (requires(const program& p, note_list& n) { p.notes(n); }) program_->notes(this->notes_);
  }
  [[gnu::cold]] void teardown(context& c) override { program_->teardown(c); }
  [[nodiscard]] std::int64_t expected() const override { return program_->expected(); }
  [[nodiscard]] std::int64_t leaked() const override {
    if constexpr (requires(const program& p) { p.leaked(); }) return program_->leaked();
    return 0;
  }
  // The lane's state is on this stack, where a strategy that scans stacks finds its refs.
  [[gnu::cold]] void work(std::optional<context>& c, lane_control& control) override {
    typename program::lane state(*program_, *c, control.env);
    base::wait_for_start(*c, control);
    working w{*this->heap_, *program_, c, state};
    base::operate(control, c, &w, run_batch);
    program_->leave(*c, state);
  }

  struct working {
    H& heap;
    program& workload;
    std::optional<context>& c;
    typename program::lane& state;
  };
  [[gnu::noinline]] static std::uint64_t run_batch(void* at, std::uint64_t batch) {
    working& w = *static_cast<working*>(at);
    if constexpr (requires { w.workload.resolve(w.state, [](auto&&) {}); }) {
      context& c = *w.c;
      typename program::lane& state = w.state;
      w.workload.resolve(state, [&c, &state, batch](auto step) {
        for (std::uint64_t i = 0; i < batch; ++i) step(c, state);
      });
      return batch;
    } else if constexpr (std::is_void_v<decltype(w.workload.step(*w.c, w.state))>) {
      context& c = *w.c;
      program& workload = w.workload;
      typename program::lane& state = w.state;
      for (std::uint64_t i = 0; i < batch; ++i) workload.step(c, state);
      return batch;
    } else {
      std::uint64_t done = 0;
      // bool, or a number of operations
      for (std::uint64_t i = 0; i < batch; ++i) done += step_attached(w.heap, w.c, w.workload, w.state);
      return done;
    }
  }

  program* program_ = nullptr;
};

// Why the pair can't run, whatever the parameters: the workload's own word, or that its objects have several owners.
template <class H, class W>
constexpr std::string_view unmet_pair() {
  if constexpr (unique_ownership<H> && !requires(const parameters& p) { W::second_owner(p); }) {
    return "copies references: its objects have no one owner who could free them";
  } else {
    return W::template unmet<H>();
  }
}
// The same for what depends on parameters.
template <class H, class W>
std::string unmet_pair_for(const parameters& p) {
  if constexpr (unique_ownership<H>) {
    if (std::string why = W::second_owner(p); !why.empty()) return why;
  }
  if constexpr (requires { W::template unmet_for<H>(p); }) return W::template unmet_for<H>(p);
  return {};
}

template <class H, class W, bool LeftOut = false>
[[gnu::cold]] cell bind_cell() {
  cell result{.workload = W::info.name, .unmet = unmet_pair<H, W>()};
  if constexpr (LeftOut) {
    if (result.unmet.empty()) result.unmet = defaults_only_reason;
  } else if constexpr (unmet_pair<H, W>().empty()) {
    using program = typename W::template program<H>;
    result.make = [](const body_spec& s) { return std::unique_ptr<run_body>(new bound_run<H, W>(s)); };
    if constexpr (unique_ownership<H> || requires(const parameters& p) { W::template unmet_for<H>(p); }) {
      result.unmet_for = unmet_pair_for<H, W>;
    }
    if constexpr (requires(const parameters& p) { W::template unmet_lanes<H>(p, 1); }) {
      result.unmet_lanes = W::template unmet_lanes<H>;
    }
    if constexpr (requires(const run_env& e) { program::payload_bytes(e); }) {
      result.payload_bytes = [](const body_spec& s) {
        return std::optional<std::size_t>(program::payload_bytes(run_env{s.params, s.lanes, s.seed}));
      };
    }
    if constexpr (requires(const run_env& e) { program::parallelism(e); }) {
      result.parallelism = [](const body_spec& s) {
        return std::optional<double>(program::parallelism(run_env{s.params, s.lanes, s.seed}));
      };
    }
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
          .finalizers = has_finalizers<H>,
          .observers = has_observers<H>,
          .instrumented = instrumented<H>,
          .process_global = process_global<H>,
          .takes_turns = takes_turns<H>,
          .limits_heap = limits_heap<H>,
          .own_heap = own_heap<H>,
          .oracle = H::oracle};
}

template <class Family, class M, auto... O, class... W>
[[gnu::cold]] strategy_entry bind_strategy(variant_list<O...>, workload_list<W...>) {
  using options = typename Family::options;
  strategy_entry entry{
      std::string(Family::info.name), std::string(Family::info.summary), std::string(Family::info.source), {}, {}};
  if constexpr (requires { Family::refusals; }) {
    for (const refusal& r : Family::refusals) entry.refusals.push_back({std::string(r.option), std::string(r.reason)});
  }
  static constexpr std::array variants{O...};
  const options& defaults = variants[0];
  for (const auto& t : Family::tunables) {
    tunable_entry e{std::string(t.name), std::string(t.summary),  std::string(t.default_from), {}, {}, t.least, t.most,
                    t.chosen == nullptr, std::string(t.only_with)};
    for (const auto v : t.values) {
      if (!v.empty()) e.values.emplace_back(v);
    }
    if (t.chosen != nullptr) {
      e.fallback = e.values.at(static_cast<std::size_t>(t.chosen(defaults)));
    } else {
      e.fallback = e.text(t.fallback);
    }
    entry.tunables.push_back(std::move(e));
  }
  const auto add = [&]<class H, bool IsDefault>(std::type_identity<H>, std::bool_constant<IsDefault>, const options& o) {
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
    if constexpr (requires { sizeof(typename H::header); }) v.header_bytes = header_size<typename H::header>;
    if constexpr (requires { H::container_bytes; }) v.header_bytes += H::container_bytes;
    v.can = capabilities_of<H>();
    (v.cells.push_back(bind_cell<H, W, !IsDefault && defaults_only<W>>()), ...);
    entry.variants.push_back(std::move(v));
  };
  using first = typename Family::template heap<M, variants[0]>;
  (add(std::type_identity<typename Family::template heap<M, O>>{}, std::is_same<typename Family::template heap<M, O>, first>{},
       O),
   ...);
  return entry;
}

}  // namespace tally
