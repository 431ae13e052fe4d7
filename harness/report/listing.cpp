#include "harness/report/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"
#include "harness/report/counters_report.hpp"
#include "harness/report/machines_list.hpp"
#include "harness/report/metrics_list.hpp"
#include "harness/report/runtimes_list.hpp"
#include "harness/run/choices.hpp"
#include "harness/run/plan.hpp"

namespace tally {

const char* oracle_words(oracle_class c) {
  switch (c) {
    case oracle_class::exact: return "every object is freed exactly when the workload says";
    case oracle_class::never_frees: return "nothing is ever freed";
    case oracle_class::bounded: return "conservative: a few dead objects may stay";
  }
  return "";
}

namespace {

std::vector<std::string> capability_words(const capabilities& can) {
  std::vector<std::string> words;
  words.emplace_back(can.single_threaded ? "one thread" : can.takes_turns ? "threads in turns" : "threads");
  if (can.weak) words.emplace_back("weak refs");
  if (can.shared_slot) words.emplace_back("shared slots");
  if (can.borrow) words.emplace_back("borrows");
  if (can.cycles) words.emplace_back("collects cycles");
  if (can.finalizers) words.emplace_back("finalisers");
  if (can.observers) words.emplace_back("observers");
  if (can.limits_heap) words.emplace_back("heap limit");
  if (can.own_heap) words.emplace_back("own heap");
  if (can.process_global) words.emplace_back("one heap per process");
  if (!can.instrumented) words.emplace_back("as it is (no instrumented policy)");
  return words;
}

bool wants(std::string_view what, std::string_view section) { return what.empty() || what == section; }

std::string range_of(const parameter_info& p) {
  if (p.is_number()) return fmt::format("{} to {}", number_text(p.least), number_text(p.most));
  if (p.kind == parameter_kind::text) return "text";
  const auto words = p.words();  // most texts name them
  const bool named = std::ranges::all_of(words, [&](const std::string& w) { return p.help.find(w) != std::string_view::npos; });
  return named ? "a word" : fmt::format("{}", fmt::join(words, ", "));
}

template <class Range, class Member>
std::size_t widest(const Range& range, Member name) {
  std::size_t width = 0;
  for (const auto& r : range) width = std::max(width, std::string_view(std::invoke(name, r)).size());
  return width;
}

std::string describe_strategy(const strategy_entry& s) {
  std::string out = fmt::format("{}: {}\n  source: {}\n", s.name, s.summary, s.source);
  const auto& first = s.variants.front();
  out += fmt::format("  can: {}\n", fmt::join(capability_words(first.can), ", "));
  out += fmt::format("  oracle: {}\n", oracle_words(first.can.oracle));
  // What is made by malloc without a header has its counts in a library's block.
  out += first.header_bytes != 0 ? fmt::format("  header: {} bytes per object\n", first.header_bytes)
         : first.can.own_heap    ? "  header: none\n"
                                 : "  header: the library's own\n";
  out += s.tunables.empty() ? "\nNothing to set.\n" : "\nTo set:\n";
  for (const auto& t : s.tunables) {
    const std::string values = t.values.empty() ? fmt::format("{} to {}", number_text(t.least), number_text(t.most))
                                                : fmt::format("{}", fmt::join(t.values, ", "));
    out += fmt::format("  {}={}  {}\n      {}; default {}: {}{}\n", t.name, t.fallback, t.summary, values, t.fallback,
                       t.default_from, t.only_with.empty() ? "" : "; only with " + t.only_with);
  }
  out += "\nBuilt:\n";
  const std::size_t width = [&] {
    std::size_t w = 0;
    for (const auto& v : s.variants) w = std::max(w, variant_name(s, v).size());
    return w;
  }();
  for (const auto& v : s.variants) {
    out += fmt::format("  {:{}}  {}", variant_name(s, v), width, fmt::join(capability_words(v.can), ", "));
    if (v.header_bytes != 0) out += fmt::format(", {} bytes", v.header_bytes);
    out += "\n";
  }
  std::string cannot;
  for (const auto& c : first.cells) {
    if (!c.unmet.empty()) cannot += fmt::format("  {}: {}\n", c.workload, c.unmet);
  }
  if (!cannot.empty()) out += "\nCan't run:\n" + cannot;
  if (!s.refusals.empty()) out += "\nWhat is not combined, and why:\n";
  for (const auto& r : s.refusals) out += fmt::format("  {}: {}\n", r.option, r.reason);
  return out;
}

std::string describe_workload(const registry& all, std::size_t index) {
  const workload_info& w = all.workloads[index];
  std::string out = fmt::format("{}: {}\n  one operation: {}\n", w.name, w.summary, w.step);
  if (w.min_lanes > 1) out += fmt::format("  needs at least {} threads\n", w.min_lanes);
  out += w.parameters.empty() ? "\nNothing to set.\n" : "\nTo set (--set name=value):\n";
  for (const auto& p : w.parameters) {
    out += fmt::format("  {}={}  {} ({})\n", p.name, p.fallback(), p.help, range_of(p));
  }
  std::map<std::string, std::vector<std::string>> refused;
  for (const auto& s : all.strategies) {
    const std::string reason(s.variants.front().cells.at(index).unmet);
    if (!reason.empty()) refused[reason].push_back(s.name);
  }
  if (!refused.empty()) out += "\nCan't be run by:\n";
  for (const auto& [reason, names] : refused) out += fmt::format("  {}: {}\n", fmt::join(names, ", "), reason);
  return out;
}

}  // namespace

std::string list_text(const registry& all, std::string_view what) {
  std::string out;
  const auto heading = [&](const char* h) {
    if (what.empty()) out += fmt::format("{}{}\n", out.empty() ? "" : "\n", h);
  };
  const char* indent = what.empty() ? "  " : "";
  if (wants(what, "strategies")) {
    heading("strategies");
    const std::size_t width = widest(all.strategies, &strategy_entry::name);
    for (const auto& s : all.strategies) {
      out += fmt::format("{}{:{}}  {}", indent, s.name, width, s.summary);
      if (s.variants.size() > 1) out += fmt::format("; {} variants", s.variants.size());
      out += "\n";
    }
  }
  if (wants(what, "workloads")) {
    heading("workloads");
    const std::size_t width = widest(all.workloads, &workload_info::name);
    for (const auto& w : all.workloads) out += fmt::format("{}{:{}}  {}\n", indent, w.name, width, w.summary);
  }
  if (wants(what, "suites")) {
    heading("suites");
    const std::size_t width = widest(all_suites(), &suite_info::name);
    for (const auto& s : all_suites()) {
      out += fmt::format("{}{:{}}  {} ({})\n", indent, s.name, width, s.summary, s.how.text());
    }
  }
  const auto missing = [&](bundled files) {
    const std::string why = bundled_missing(files);
    if (!why.empty() && !what.empty()) throw results_error(why);
    if (!why.empty()) out += indent + why + "\n";
  };
  if (wants(what, "counters")) {
    heading("counters");
    missing(bundled::counters);
    out += counters_text(indent);
  }
  if (wants(what, "metrics")) {
    heading("metrics");
    out += metrics_text(indent);
  }
  if (wants(what, "machines")) {
    heading("machines");
    missing(bundled::machines);
    out += machines_text(indent);
  }
  if (wants(what, "runtimes")) {
    heading("runtimes");
    missing(bundled::runtimes);
    out += runtimes_text(indent);
  }
  return out;
}

std::string describe_text(const registry& all, const std::string& name) {
  const std::string family = name.substr(0, name.find(':'));
  if (name.ends_with(".group")) return describe_counters(choose_counters({name}).front());
  if (name.ends_with(".machine")) return describe_machine(sim::load_machine(name), name);
  std::vector<std::string> known;
  for (const auto& s : all.strategies) {
    if (s.name == family)
      return describe_strategy(*choose_strategies(all, "describe", name_spec::read("describe", name)).front().entry);
    known.push_back(s.name);
  }
  for (std::size_t i = 0; i < all.workloads.size(); ++i) {
    if (all.workloads[i].name == family) return describe_workload(all, i);
    known.emplace_back(all.workloads[i].name);
  }
  for (const auto& s : all_suites()) {
    if (s.name == name) {
      std::string out = fmt::format("{}: {}\n  {}\n\nMeasures:\n", s.name, s.summary, s.how.text());
      for (const auto& g : s.groups) {
        out += fmt::format("  {}\n      {} under {}\n", g.title, texts_of(g.workloads), texts_of(g.strategies));
        if (!g.sets.empty()) out += fmt::format("      {}\n", texts_of(g.sets));
        std::vector<std::string> modes;
        for (const auto m : g.modes) modes.emplace_back(name_of(m));
        out += fmt::format("      threads {}, {}{}{}{}\n", g.threads.text(), joined(modes),
                           g.thinks.ns.empty() ? "" : fmt::format(", work of {} ns", g.thinks.text()),
                           g.heaps.empty() ? "" : ", heaps " + texts_of(g.heaps),
                           g.allocators.empty() ? "" : ", allocators " + texts_of(g.allocators));
      }
      return out;
    }
    known.push_back(s.name);
  }
  for (const auto& g : built_in_counters()) {
    if (g.name == name) return describe_counters(g);
    known.push_back(g.name);
  }
  if (std::string metric = describe_metric(name); !metric.empty()) return metric;
  for (const auto& m : known_metrics()) known.emplace_back(m.name);
  for (const auto& m : sim::machine_names()) {
    if (m == name) return describe_machine(sim::load_machine(m), m);
    known.push_back(m);
  }
  if (const auto r = find_runtime(name)) return describe_runtime(all, *r);
  std::ranges::copy(runtime_names(), std::back_inserter(known));
  for (const auto& [section, files] : bundled_sections) {
    if (const std::string why = bundled_missing(files); !why.empty())
      throw unknown_name(fmt::format("describe {}: {}", name, why));
  }
  if (nearest(name, known).empty()) {
    throw unknown_name(fmt::format("describe {}: there is nothing of that name; {} shows what there is", name, command("list")));
  }
  throw unknown_name(
      no_such("describe", name, "strategy, workload, suite, group of counters, metric, machine or runtime", known));
}

std::string skipped_text(const std::vector<skipped_row>& skipped) {
  // reason -> workload -> strategies
  std::map<std::string, std::map<std::string, std::set<std::string>>> gathered;
  for (const auto& s : skipped) {
    std::string where = s.workload;
    if (s.threads > 1) where += fmt::format(" on {} threads", s.threads);
    if (!s.heap.empty()) where += " with a heap of " + s.heap;
    gathered[s.reason][s.workload.empty() ? "" : where].insert(s.label());
  }
  std::string out;
  for (const auto& [reason, scenes] : gathered) {
    // Scenes that the same strategies miss are told together.
    std::map<std::set<std::string>, std::vector<std::string>> by_strategies;
    for (const auto& [scene, strategies] : scenes) by_strategies[strategies].push_back(scene);
    out += fmt::format("  {}:\n", reason);
    for (const auto& [strategies, where] : by_strategies) {
      const std::string who = fmt::format("{}", fmt::join(strategies, ", "));
      const std::string at = fmt::format("{}", fmt::join(where, "; "));
      out += fmt::format("    {}{}{}\n", who, who.empty() || at.empty() ? "" : " in ", at);
    }
  }
  return out;
}

std::string plan_text(const run_plan& plan) {
  std::string out, scene;
  for (const auto& r : plan.rows) {
    if (r.role == row_role::again) continue;
    if (r.scene() != scene) {
      scene = r.scene();
      out += fmt::format("{}, {}, {}{}\n", r.workload_label, counted(static_cast<std::size_t>(r.threads), "thread"),
                         r.measured().words(), r.oversubscribed ? ", more threads than processors" : "");
      if (!r.cpus.empty()) out += fmt::format("  on processors {}\n", fmt::join(r.cpus, ","));
    }
    std::string heap;
    if (r.heap.limit_bytes != 0) heap = fmt::format(" heap {} ({} bytes)", r.heap.label(), r.heap.limit_bytes);
    out += fmt::format("  {}{}{}\n", under_allocator(r.strategy, r.allocator), heap,
                       r.role == row_role::baseline ? "  (baseline, measured twice)" : "");
  }
  if (!plan.skipped.empty()) out += fmt::format("\nSkipped:\n{}", skipped_text(plan.skipped));
  out += fmt::format("\n{}, {}: {}\n", counted(plan.rows.size(), "row"), plan.windows_text(), plan.takes_text());
  return out;
}

}  // namespace tally
