#include "harness/session/watch_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "harness/base/files.hpp"
#include "harness/base/terminal.hpp"
#include "harness/base/text.hpp"
#include "harness/watch/holders.hpp"
#include "harness/watch/object_machine.hpp"

namespace tally {
namespace {

// A strategy's heap and the program on it.
struct watched_run {
  std::string name;
  std::unique_ptr<watched_heap> heap;
  std::unique_ptr<object_machine> machine;
  std::uint64_t freed = 0;  // until now
};

std::vector<name_spec> usual_strategies(const object_program& p, const registry& all) {
  if (p.first([](const program_statement& s) { return has_finalizer(s.object); }) != nullptr) return {"gil:cycles=generational"};
  std::vector<name_spec> usual;
  for (const char* name : {"atomic", "deferred", "mark_sweep"}) {
    if (std::ranges::find(all.strategies, name, &strategy_entry::name) != all.strategies.end()) usual.emplace_back(name);
  }
  return usual;
}

std::vector<strategy_choice> chosen_strategies(const registry& all, const watch_options& o, const object_program& p) {
  std::vector<strategy_choice> chosen;
  std::vector<std::string> names;
  for (const auto& spec : o.strategies.empty() ? usual_strategies(p, all) : o.strategies) {
    for (auto& c : choose_strategies(all, "--strategy", spec)) {
      const std::string name = c.label();
      if (std::ranges::find(names, name) != names.end()) continue;
      if (c.variant->watch == nullptr) {
        throw usage_error(
            fmt::format("--strategy {}: its objects have one owner each, and no object program keeps to that", name));
      }
      const bool second_of_one =
          std::ranges::any_of(chosen, [&](const auto& other) { return c.variant->can.process_global && other.entry == c.entry; });
      if (second_of_one) throw usage_error(fmt::format("--strategy {}: a process has one heap of {}", name, c.entry->name));
      names.push_back(name);
      chosen.push_back(std::move(c));
    }
  }
  return chosen;
}

std::unique_ptr<watched_heap> make_heap(const strategy_choice& c) {
  std::vector<std::pair<std::string_view, double>> tunables(c.tunables.begin(), c.tunables.end());
  return c.variant->watch({.limit_bytes = 0, .tunables = tunables.data(), .tunable_count = tunables.size()});
}

// What happened in a step, and to whom.
struct seen_event {
  std::string what;
  std::vector<int> times;  // by strategy
};

// Step, statement, a column per strategy, and what happened, which may be long.
class event_table {
 public:
  event_table(const object_program& p, const std::vector<watched_run>& runs) : runs_(runs) {
    for (const auto& s : p.statements) statement_ = std::max(statement_, std::min(s.text.size(), widest_statement));
    std::vector<std::string> names;
    for (const auto& r : runs) names.push_back(r.name);
    line("step", "statement", names, alone() ? "event under " + names[0] : "event");
  }
  void step(std::uint64_t number, const program_statement& s, const std::vector<seen_event>& events) {
    std::string step = std::to_string(number), statement = s.text.substr(0, widest_statement);
    for (const auto& e : events) {
      std::vector<std::string> cells;
      for (const int n : e.times) cells.push_back(n == 0 ? "" : n == 1 ? "x" : std::to_string(n));
      line(std::exchange(step, ""), std::exchange(statement, ""), cells, e.what);
    }
  }
  // A number for each.
  void end(const std::string& what, const std::vector<std::uint64_t>& numbers) {
    std::vector<std::string> cells;
    for (const auto n : numbers) cells.push_back(std::to_string(n));
    line(std::exchange(end_, ""), "", cells, alone() ? what + ": " + cells[0] : what);
  }

 private:
  static constexpr std::size_t widest_statement = 28;
  [[nodiscard]] bool alone() const { return runs_.size() == 1; }
  void line(const std::string& step, const std::string& statement, const std::vector<std::string>& cells,
            const std::string& what) {
    std::string out = fmt::format("{:>7}  {:{}}", step, statement, statement_);
    if (!alone()) {
      for (std::size_t i = 0; i < cells.size(); ++i) out += fmt::format("  {:>{}}", cells[i], runs_[i].name.size());
    }
    fmt::print("{}  {}\n", out, what);
  }
  const std::vector<watched_run>& runs_;
  std::size_t statement_ = std::string_view("statement").size();
  std::string end_ = "end";
};

// What one run did in its step.
std::vector<std::string> events_of(watched_run& run) {
  std::vector<std::string> events = run.machine->events();
  if (const std::uint64_t freed = run.heap->freed(); freed > run.freed) {
    events.push_back(fmt::format("freed {}", freed - std::exchange(run.freed, freed)));
  }
  return events;
}

// Each run's, joined where they say the same: what only one of them says stands before what both say afterwards.
std::vector<seen_event> joined_events(std::vector<watched_run>& runs) {
  std::vector<seen_event> all;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto events = events_of(runs[i]);
    const auto known = [&all](const std::string& what) { return std::ranges::find(all, what, &seen_event::what); };
    for (std::size_t k = 0; k < events.size(); ++k) {
      auto at = i == 0 ? all.end() : known(events[k]);
      if (at == all.end()) {
        for (std::size_t later = k + 1; i != 0 && later < events.size(); ++later) at = std::min(at, known(events[later]));
        at = all.insert(at, {events[k], std::vector<int>(runs.size())});
      }
      ++at->times[i];
    }
  }
  return all;
}

std::string names_where(const std::vector<watched_run>& runs, bool (*holds)(const watched_facts&)) {
  std::vector<std::string> names;
  for (const auto& r : runs) {
    if (holds(r.heap->facts())) names.push_back(r.name);
  }
  return joined(names);
}

// What the program asked for and did not get.
std::string notes_of(const object_program& p, const std::vector<watched_run>& runs) {
  std::string out;
  const auto note = [&](bool asked, bool (*lacks)(const watched_facts&), std::string_view what) {
    if (const auto names = names_where(runs, lacks); asked && !names.empty()) out += fmt::format("{}: {}\n", names, what);
  };
  const auto has = [&](auto... kinds) { return (... || (p.first(kinds) != nullptr)); };
  using enum statement_kind;
  note(has(collect), [](const watched_facts& f) { return !f.collects; }, "nothing looks for cycles, and collect does nothing");
  note(has(weak), [](const watched_facts& f) { return !f.observers; }, "weak references have no callbacks");
  note(
      has(threshold, enable, disable), [](const watched_facts& f) { return !f.steered; },
      "there is no collector to steer, and threshold, enable and disable do nothing");
  note(
      has(freeze, unfreeze), [](const watched_facts& f) { return !f.generational; },
      "there are no generations, and freeze and unfreeze do nothing");
  note(
      has(state, who, count), [](const watched_facts& f) { return !f.ends_objects; },
      "garbage can't be told from memory: who and count see what variables reach, and state counts all objects");
  return out;
}

void tell_end(const object_program& p, std::vector<watched_run>& runs, event_table& table) {
  std::vector<std::uint64_t> alive, garbage;
  std::string names;
  for (auto& r : runs) {
    const garbage_found found = garbage_in(r.heap->graph(), p);
    alive.push_back(r.heap->alive());
    // What a tracing strategy has not freed is garbage, but for what variables reach, which is all that its graph has.
    garbage.push_back(r.heap->facts().ends_objects ? found.objects : alive.back() - r.heap->graph().objects.size());
    if (!found.names.empty()) names += fmt::format("No variable reaches, under {}: {}\n", r.name, found.names);
  }
  table.end("left alive", alive);
  table.end("of these garbage", garbage);
  if (const std::string notes = names + notes_of(p, runs); !notes.empty()) tell("\n" + notes);
}

void print_events(watched_run& run) {
  const std::string rule(run.heap->facts().rule);
  fmt::print("# {}\n", rule.empty() ? run.name : "python " + rule);
  while (run.machine->step()) {
    for (const auto& e : run.machine->events()) fmt::print("{} {}\n", run.machine->steps(), e);
  }
}

void print_table(const object_program& p, std::vector<watched_run>& runs) {
  event_table table(p, runs);
  while (true) {
    bool more = false;
    for (auto& r : runs) more = r.machine->step() || more;
    if (!more) break;
    if (const auto events = joined_events(runs); !events.empty()) {
      table.step(runs[0].machine->steps(), runs[0].machine->statement(), events);
    }
  }
  tell_end(p, runs, table);
}

}  // namespace

int watch_session(const registry& all, const watch_options& o) {
  const auto text = text_in(o.file);
  if (!text) throw usage_error(fmt::format("watch {}: can't be read", o.file));
  const object_program program = parse_program(*text, o.file, o.steps);
  std::vector<watched_run> runs;
  for (const auto& c : chosen_strategies(all, o, program)) runs.push_back({c.label(), make_heap(c), nullptr});
  if (runs.empty()) throw usage_error("watch: no strategy to run it under; name one with --strategy");
  if (o.events && runs.size() != 1) {
    throw usage_error(
        fmt::format("watch --events: the events of one strategy; name it with --strategy (these are {})", runs.size()));
  }
  for (auto& r : runs) r.machine = std::make_unique<object_machine>(program, *r.heap, r.name);
  if (o.events) {
    print_events(runs[0]);
  } else {
    print_table(program, runs);
  }
  return 0;
}

}  // namespace tally
