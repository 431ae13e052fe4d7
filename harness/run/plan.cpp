#include "harness/run/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <span>

#include "harness/base/text.hpp"
#include "harness/counters/perf_group.hpp"
#include "harness/run/choices.hpp"

namespace tally {
namespace {

class planner {
 public:
  planner(const registry& all, run_plan& plan, const topology& machine, std::uint64_t ramp_ns, const allocator_check& check,
          bool adds_baseline)
      : all_(all), plan_(plan), machine_(machine), ramp_ns_(ramp_ns), allocator_loads_(check), adds_baseline_(adds_baseline) {
    const auto base = choose_strategies(all, "--baseline", plan.request.baseline);
    if (base.size() != 1) throw usage_error(fmt::format("--baseline {}: one strategy, please", plan.request.baseline.text()));
    baseline_ = base.front();
  }

  void add(const suite_group& g, bool from_suite) {
    if (g.cores > machine_.cores()) {
      for (const auto& s : g.strategies) {
        for (const auto& w : g.workloads) skip({s.text(), w.text(), 0, "", "", fmt::format("needs {} cores", g.cores)});
      }
      return;
    }
    std::vector<strategy_choice> strategies;
    for (const auto& spec : g.strategies) {
      tolerant(from_suite, {spec.text(), "", 0, "", "", "not in this build"}, [&] {
        for (auto& s : choose_strategies(all_, "--strategy", spec)) strategies.push_back(std::move(s));
      });
    }
    for (const auto& spec : g.workloads) {
      tolerant(from_suite, {"", spec.name, 0, "", "", "not in this build"}, [&] {
        for (auto& w : choose_workloads(all_, spec)) add(g, strategies, std::move(w), from_suite);
      });
    }
  }

  // --set names a parameter that no chosen workload has.
  void refuse_unused_sets(const std::vector<set_spec>& typed) const {
    std::vector<std::string> known;
    for (const auto w : workloads_) {
      for (const auto& p : all_.workloads[w].parameters) known.emplace_back(p.name);
    }
    for (const auto& set : typed) {
      const auto found = sets_used_.find(set.name());
      if (found == sets_used_.end() || !found->second) {
        throw usage_error(no_such("--set", set.name(), "parameter of the chosen workloads", known));
      }
    }
  }

  // Typed ones, which nobody wants to see skipped.
  void refuse_missing_allocators(const std::vector<allocator_choice>& typed) {
    for (const auto& a : typed) {
      if (!loads(*a.info)) throw usage_error(fmt::format("--allocator {}: {}", a.text(), not_installed(*a.info)));
    }
  }

 private:
  // A suite may name what this binary lacks: that is listed as skipped. A person may not.
  template <class Choose>
  void tolerant(bool from_suite, skipped_row what, Choose choose) {
    try {
      choose();
    } catch (const unknown_name&) {
      if (!from_suite) throw;
      skip(std::move(what));
    }
  }

  void add(const suite_group& g, const std::vector<strategy_choice>& strategies, workload_choice w, bool from_suite) {
    beside_ = g.beside;
    workloads_.insert(w.index);
    const workload_info& info = all_.workloads[w.index];
    for (const auto& set : g.sets) apply_set(info, w, set);
    std::vector<std::map<std::string, std::string>> combinations{{}};
    for (const auto& [name, values] : w.given) {
      std::vector<std::map<std::string, std::string>> next;
      for (const auto& c : combinations) {
        for (const auto& v : values) next.push_back(c), next.back()[name] = v;
      }
      combinations = std::move(next);
    }
    for (const auto& given : combinations) {
      const parameters checked(info, given);
      try {
        check(strategies, w.index, checked);
      } catch (const usage_error& e) {
        if (!from_suite) throw;
        skip({"", std::string(info.name), 0, "", "", e.what()});
        continue;
      }
      for (const int threads : g.threads.counts.empty() ? automatic_threads(machine_) : g.threads.counts) {
        for (const auto& how : measure_choices(g.modes, plan_.request)) {
          for (const int think : g.thinks.ns.empty() ? std::vector{0} : g.thinks.ns) {
            think_ns_ = static_cast<std::uint64_t>(think);
            for (const auto& s : strategies) rows(g, s, w.index, checked, threads, how);
          }
        }
      }
    }
  }

  void apply_set(const workload_info& info, workload_choice& w, const set_spec& set) {
    bool& used = sets_used_[set.name()];
    if (!set.workload.empty() && !glob_matches(set.workload, info.name)) return;
    const auto parameter = std::ranges::find(info.parameters, std::string_view(set.parameter), &parameter_info::name);
    if (parameter == info.parameters.end()) return;
    used = true;
    w.given[set.parameter] = set.values.values(parameter->kind == parameter_kind::whole);
  }

  // The workload's own opinion of its parameters, asked once, of any heap that can run it; with as many lanes as they need, for whether
  // a row has them is another question.
  void check(const std::vector<strategy_choice>& strategies, std::size_t workload, const parameters& p) {
    constexpr int most_needed = 64;
    for (const auto& s : strategies) {
      const cell& pair = s.variant->cells.at(workload);
      if (!pair.unmet.empty() || !pair.unmet_for(p).empty() || s.variant->can.process_global) continue;
      body_spec b;
      b.params = p;
      b.lanes = std::max(1, all_.workloads[workload].min_lanes);
      while (b.lanes < most_needed && !pair.unmet_lanes(p, b.lanes).empty()) ++b.lanes;
      pair.make(b)->prepare();
      return;
    }
  }

  void rows(const suite_group& g, const strategy_choice& s, std::size_t workload, const parameters& p, int threads,
            const measure_choice& how) {
    if (how.mode == measure_mode::observed) return observed_row(g, s, workload, p, threads);
    const bool axis = s.variant->can.limits_heap && !g.heaps.empty();
    for (const auto& heap : axis ? g.heaps : std::vector<heap_limit>{{}}) {
      row_spec r = row(s, workload, p, threads, how);
      r.allocator = g.allocators.front().text();
      if (const std::string reason = unmet(s, workload, r, heap); !reason.empty()) {
        skip({r.strategy, r.workload_label, threads, how.text(), heap.text(), reason});
        continue;
      }
      const bool is_baseline = r.strategy == baseline_.label();
      r.role = is_baseline ? row_role::baseline : row_role::measured;
      if (adds_baseline_ && !is_baseline) with_baseline(heap, workload, p, r);
      push(r);
      if (adds_baseline_ && is_baseline) again(r);
      r.role = row_role::measured;
      other_allocators(g, s, r);
    }
  }

  // The same row under the allocators that come after the first.
  void other_allocators(const suite_group& g, const strategy_choice& s, row_spec r) {
    for (const auto& allocator : std::span(g.allocators).subspan(1)) {
      r.allocator = allocator.text();
      const std::string reason = s.variant->can.own_heap   ? "the same row under every allocator: its objects are not malloc's"
                                 : !loads(*allocator.info) ? not_installed(*allocator.info)
                                                           : "";
      if (reason.empty()) {
        push(r);
      } else {
        skip({r.strategy, r.workload_label, r.threads, r.measured().text(), r.heap.label(), reason, r.allocator});
      }
    }
  }
  bool loads(const allocator_info& a) {
    const auto [at, fresh] = loads_.emplace(&a, true);
    if (fresh && allocator_loads_) at->second = allocator_loads_(a);
    return at->second;
  }

  // On the observed policy, for at least two threads. A count of events needs no baseline and no second measurement.
  void observed_row(const suite_group& g, const strategy_choice& s, std::size_t workload, const parameters& p, int threads) {
    row_spec r = row(s, workload, p, threads, measure_mode::observed);
    r.allocator = g.allocators.front().text();
    r.role = row_role::observed;
    r.counters.clear();
    std::string reason = unmet(s, workload, r, {});
    if (reason.empty() && threads < 2) reason = "hand-offs need two threads";
    if (reason.empty()) reason = without_twin(all_.observed, "observed", "only the default variant is", s, workload);
    if (reason.empty()) {
      push(r);
      other_allocators(g, s, std::move(r));
    } else {
      skip({r.strategy, r.workload_label, threads, r.measured().text(), "", std::move(reason)});
    }
  }

  // The baseline stands in every scene, asked for or not; with a heap axis of its own, at the same limit.
  void with_baseline(const heap_limit& heap, std::size_t workload, const parameters& p, const row_spec& like) {
    row_spec r = row(baseline_, workload, p, like.threads, like.measured());
    const heap_limit limit = baseline_.variant->can.limits_heap ? heap : heap_limit{};
    if (!unmet(baseline_, workload, r, limit).empty()) return;
    r.role = row_role::baseline;
    r.allocator = like.allocator;
    push(r);
    again(r);
  }
  void again(row_spec r) {
    r.role = row_role::again;
    push(std::move(r));
  }

  row_spec row(const strategy_choice& s, std::size_t workload, const parameters& p, int threads, const measure_choice& how) {
    const workload_info& info = all_.workloads[workload];
    row_spec r;
    r.strategy = s.label();
    std::size_t at = 0;
    for (const auto& t : s.entry->tunables) {
      if (!t.run_time) r.options[t.name] = s.variant->options.at(at++);
    }
    r.tunables = s.tunables;
    for (const auto& [name, value] : s.tunables) {
      const auto t = std::ranges::find(s.entry->tunables, name, &tunable_entry::name);
      if (!t->values.empty()) r.options[name] = t->text(value);
    }
    r.header_bytes = s.variant->header_bytes;
    r.own_heap = s.variant->can.own_heap;
    r.own_process = s.variant->can.process_global;
    r.workload = info.name;
    r.workload_label = info.name;
    for (const auto& d : info.parameters) {
      const std::string& value = p.text(d.name);
      r.parameters[std::string(d.name)] = value;
      if (value != d.fallback()) r.workload_label += fmt::format(" {}={}", d.name, without_directories(value));
    }
    r.workload_label = with_think(r.workload_label, think_ns_);
    r.think_ns = think_ns_;
    r.threads = threads;
    r.cpus = pin_list(plan_.request.pin, threads, machine_);
    r.pin = plan_.request.pin.text();
    r.oversubscribed = threads > cpus_used(r.cpus, machine_);
    r.mode = how.mode, r.rate = how.rate, r.arrivals = how.arrivals;
    r.ramp_ns = ramp_ns_;
    const bool brief = how.mode == measure_mode::throughput && !s.variant->can.cycles && !r.oversubscribed;
    r.briefs = brief ? plan_.briefs : 1;
    r.window_ns = plan_.window_ns / static_cast<std::uint64_t>(r.briefs);
    r.gc_workers = gc_workers(threads);
    for (const auto& c : plan_.request.counters) r.counters.push_back(c.text());
    return r;
  }

  [[nodiscard]] int gc_workers(int threads) const {
    const int asked = plan_.request.gc_workers.number;
    return asked != 0 ? asked : std::clamp(threads, 1, machine_.cores());
  }

  // Why this row can't be measured; resolves its heap limit on the way.
  std::string unmet(const strategy_choice& s, std::size_t workload, row_spec& r, const heap_limit& heap) const {
    const cell& pair = s.variant->cells.at(workload);
    const workload_info& info = all_.workloads[workload];
    if (!pair.unmet.empty()) return std::string(pair.unmet);
    if (std::string reason = pair.unmet_for(parameters(info, r.parameters)); !reason.empty()) return reason;
    if (s.variant->can.single_threaded && r.threads > 1) return "not thread-safe";
    if (r.threads < info.min_lanes) return fmt::format("needs at least {} threads", info.min_lanes);
    if (std::string reason = pair.unmet_lanes(parameters(info, r.parameters), r.threads); !reason.empty()) return reason;
    if (r.mode == measure_mode::promptness) {
      std::string reason = without_twin(all_.stamped, "stamped", "only other variants are", s, workload);
      if (!reason.empty()) return reason;
    }
    r.heap.multiple = heap.multiple;
    r.heap.limit_bytes = heap.bytes;
    if (heap.multiple == 0) return "";
    const auto payload = pair.payload_bytes(body_of(info, r, 1));
    if (!payload || *payload == 0) return "a heap in multiples needs a workload that states its payload";
    r.heap.payload_bytes = *payload;
    r.heap.limit_bytes = static_cast<std::uint64_t>(r.heap.multiple * static_cast<double>(*payload));
    return "";
  }

  void push(row_spec r) {
    r.beside = beside_;
    const auto [at, fresh] = keys_.emplace(r.key(), r.parameters);
    if (!fresh) {
      if (at->second == r.parameters) return;  // two groups ask for the same row
      throw usage_error(fmt::format("--workload {}: two files of the same name can't be told apart", r.workload_label));
    }
    plan_.rows.push_back(std::move(r));
  }
  void skip(skipped_row s) {
    if (skips_.insert(s.parts().text() + "|" + s.reason).second) plan_.skipped.push_back(std::move(s));
  }

  const registry& all_;
  run_plan& plan_;
  const topology& machine_;
  std::string beside_;  // of the group that is being added
  std::uint64_t ramp_ns_;
  const allocator_check& allocator_loads_;
  bool adds_baseline_;
  std::uint64_t think_ns_ = 0;                   // of the rows that are made
  std::map<const allocator_info*, bool> loads_;  // what was asked already
  strategy_choice baseline_;
  std::set<std::size_t> workloads_;
  std::map<std::string, bool> sets_used_;
  std::map<std::string, std::map<std::string, std::string>> keys_;  // and the parameters behind them
  std::set<std::string> skips_;
};

const suite_info* suite_of(const selection& r) {
  if (r.suite != nullptr) return r.suite;
  return r.strategies.empty() && r.workloads.empty() ? &suite_named("default") : nullptr;
}

// The suite's groups with what the flags put in place of their fields; --workload keeps the groups that have one of them.
std::vector<suite_group> groups_of(const registry& all, const suite_info* suite, const run_request& r) {
  std::vector<suite_group> groups;
  if (suite != nullptr) {
    groups = suite->groups;
    if (!r.workloads.empty()) {
      std::set<std::string> wanted;
      for (const auto& spec : r.workloads) {
        if (spec.every_variant || !spec.options.empty()) {
          throw usage_error(
              fmt::format("--workload {}: with --suite, a name; --set changes the suite's parameters", spec.text()));
        }
        for (const auto& w : choose_workloads(all, spec)) wanted.emplace(all.workloads[w.index].name);
      }
      for (auto& g : groups) {
        std::erase_if(g.workloads, [&](const name_spec& w) { return !wanted.contains(w.name); });
      }
    }
  } else {
    groups.push_back(
        {"", {"*"}, r.workloads.empty() ? std::vector<name_spec>{"*"} : r.workloads, {}, {}, {measure_mode::throughput}, {}});
  }
  for (auto& g : groups) {
    if (!r.strategies.empty()) g.strategies = r.strategies;
    g.sets.insert(g.sets.end(), r.sets.begin(), r.sets.end());
    if (r.threads) g.threads = *r.threads;
    if (!r.modes.empty()) g.modes = r.modes;
    if (r.observe && std::ranges::find(g.modes, measure_mode::observed) == g.modes.end()) {
      g.modes.push_back(measure_mode::observed);
    }
    if (!r.heaps.empty()) g.heaps = r.heaps;
    if (r.thinks) g.thinks = *r.thinks;
    if (!r.allocators.empty()) g.allocators.clear();
    for (const auto& a : r.allocators) {
      if (std::ranges::find(g.allocators, a) == g.allocators.end()) g.allocators.push_back(a);
    }
    if (g.allocators.empty()) g.allocators.emplace_back();
  }
  return groups;
}

std::uint64_t drawn_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 20 ^ device()) % 1'000'000'000U + 1;  // short enough to be typed
}

}  // namespace

run_plan make_plan(const registry& all, run_request request, const topology& machine, const allocator_check& check) {
  run_plan plan;
  const suite_info* suite = suite_of(request);
  const protocol& how = suite != nullptr ? suite->how : standard_protocol();
  if (request.seed == 0) request.seed = drawn_seed();
  plan.request = request;
  plan.suite = suite != nullptr ? suite->name : "selection";
  // Whoever says how long windows are, or how many, says it of all rows.
  if (!request.duration && !request.blocks) plan.briefs = how.briefs;
  plan.blocks = request.blocks.value_or(how.windows * plan.briefs);
  const auto window = request.duration.value_or(how.window);
  plan.window_ns = static_cast<std::uint64_t>(window.count());
  const auto ramp_ns = static_cast<std::uint64_t>(std::min(how.ramp, window).count());
  std::vector<std::string> counters;
  for (const auto& c : request.counters) counters.push_back(c.text());
  (void)choose_counters(counters);
  (void)pin_list(request.pin, 1, machine);

  planner p(all, plan, machine, ramp_ns, check, suite == nullptr || suite->baseline);
  p.refuse_missing_allocators(request.allocators);
  for (const auto& s : request.strategies) (void)choose_strategies(all, "--strategy", s);
  for (const auto& g : groups_of(all, suite, request)) p.add(g, suite != nullptr);
  p.refuse_unused_sets(request.sets);
  refuse_unused_rates(plan);
  const auto limited = [](const auto& row) { return !row.heap.empty(); };
  if (!request.heaps.empty() && std::ranges::none_of(plan.rows, [](const row_spec& r) { return r.heap.limit_bytes != 0; }) &&
      std::ranges::none_of(plan.skipped, limited)) {
    throw usage_error(fmt::format("--heap {}: no chosen strategy takes a limit", texts_of(request.heaps)));
  }
  if (plan.rows.empty()) {
    if (plan.skipped.empty()) throw usage_error("nothing is selected");
    throw usage_error("every row is skipped: " + reasons_of(plan.skipped));
  }
  settle_processes(plan, how.processes);
  return plan;
}

}  // namespace tally
