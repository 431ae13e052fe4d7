#include "harness/watch/object_machine.hpp"

#include <fmt/format.h>

#include <new>

#include "harness/base/text.hpp"
#include "harness/watch/holders.hpp"

namespace tally {
namespace {

// What the objects of a program may take: a watched program is small, and a mistake should not take the machine's memory.
constexpr std::uint64_t most_bytes = std::uint64_t{256} << 20;

}  // namespace

object_machine::object_machine(const object_program& p, watched_heap& h, std::string strategy)
    : program_(p), heap_(h), strategy_(std::move(strategy)), facts_(h.facts()) {
  refuse_what_is_lacking();
  heap_.begin(p.variables.size(), *this);
}

void object_machine::refuse_what_is_lacking() const {
  const auto refuse = [this](const program_statement& s, std::string_view what) {
    throw usage_error(fmt::format("{}{}: {} {}", program_.place(s.line), s.text, strategy_, what));
  };
  if (!facts_.finalizers) {
    const auto* s = program_.first([](const program_statement& it) { return has_finalizer(it.object); });
    if (s != nullptr)
      refuse(*s,
             "runs no finalisers; what ends an object with its last reference does (plain, atomic, rc_arc, biased, gil; not "
             "slot=epoch)");
  }
  if (!facts_.weak) {
    if (const auto* s = program_.first(statement_kind::weak)) refuse(*s, "has no weak references");
  }
}

bool object_machine::step() {
  events_.clear();
  try {
    if (!std::exchange(begun_, true)) {
      if (facts_.generational) python_.begin(heap_, facts_.rule);
      events_.clear();
      enter_loops();
    }
    if (next_ == program_.statements.size()) return false;
    done_ = next_++;
    ++steps_;
    run(statement());
    heap_.poll();
    enter_loops();
  } catch (const std::bad_alloc&) {
    throw usage_error(
        fmt::format("{}{}: no memory is left under {}", program_.place(statement().line), statement().text, strategy_));
  }
  return true;
}

// Up to the next statement.
void object_machine::enter_loops() {
  for (; next_ != program_.statements.size(); ++next_) {
    const program_statement& s = program_.statements[next_];
    if (s.kind == statement_kind::repeat) {
      if (s.numbers[0] == 0) {
        next_ = s.partner;
      } else {
        loops_.push_back(s.numbers[0]);
      }
    } else if (s.kind == statement_kind::end) {
      if (--loops_.back() != 0) {
        next_ = s.partner;
      } else {
        loops_.pop_back();
      }
      heap_.poll();
    } else {
      return;
    }
  }
}

bool object_machine::has_slot(const program_statement& s, watched_variable of) {
  const seen_object o = heap_.look(of);
  if (!o.container()) return false;
  if (s.slot < o.slots) return true;
  throw usage_error(fmt::format("{}{}: {} holds an object with {} in step {}, which count from 0", program_.place(s.line), s.text,
                                name(of), counted(o.slots, "slot"), steps_));
}

void object_machine::run(const program_statement& s) {
  const auto variable = [&s](std::size_t i) { return s.variables[i]; };
  switch (s.kind) {
    case statement_kind::make:
    case statement_kind::leaf: make(s); break;
    case statement_kind::let: heap_.let(variable(0), variable(1)); break;
    case statement_kind::get:
      if (has_slot(s, variable(1))) heap_.get(variable(0), variable(1), s.slot);
      break;
    case statement_kind::set:
      if (has_slot(s, variable(0))) heap_.set(variable(0), s.slot, variable(1));
      break;
    case statement_kind::clear:
      if (has_slot(s, variable(0))) heap_.clear(variable(0), s.slot);
      break;
    case statement_kind::del: heap_.del(variable(0)); break;
    case statement_kind::weak:
      if (heap_.look(variable(1)).container()) heap_.weak(variable(0), variable(1));
      break;
    case statement_kind::up: heap_.up(variable(0), variable(1)); break;
    case statement_kind::collect: collect(s); break;
    case statement_kind::threshold:
      if (facts_.generational) python_.passed(3);
      heap_.set_thresholds({s.numbers[0], s.numbers[1], s.numbers[2]});
      break;
    case statement_kind::disable: heap_.enable(false); break;
    case statement_kind::enable: heap_.enable(true); break;
    case statement_kind::freeze: heap_.freeze(); break;
    case statement_kind::unfreeze: heap_.unfreeze(); break;
    case statement_kind::count: count(s); break;
    case statement_kind::state: state(); break;
    case statement_kind::who: who(s); break;
    case statement_kind::repeat:
    case statement_kind::end: break;  // enter_loops
  }
}

void object_machine::make(const program_statement& s) {
  new_object o{.kind = s.object, .slots = 0, .name = s.variables[0], .target = 0};
  if (s.kind == statement_kind::leaf) {
    o.kind = object_kind::leaf;
  } else {
    o.slots = static_cast<std::uint32_t>(s.numbers[0]);
    if (o.kind == object_kind::revive) o.target = s.variables[1];
  }
  constexpr std::uint64_t looked_at_each = 1024;
  if (++made_ % looked_at_each == 0 && heap_.held_bytes() > most_bytes) {
    throw usage_error(fmt::format("{}{}: the program's objects take more than {} MiB under {} in step {}", program_.place(s.line),
                                  s.text, most_bytes >> 20, strategy_, steps_));
  }
  if (facts_.most_objects != 0 && heap_.alive() >= facts_.most_objects) {
    throw usage_error(fmt::format("{}{}: {} frees recursively, and more than {} objects in a chain could end its stack",
                                  program_.place(s.line), s.text, strategy_, facts_.most_objects));
  }
  heap_.make(s.variables[0], o);
}

void object_machine::collect(const program_statement& s) {
  const bool asks = facts_.generational && !s.numbers.empty();  // with an argument
  if (asks) {
    python_.make_tuple(1);
    heap_.poll();  // a call looks whether something is due when its arguments are there
  }
  const std::uint64_t n = heap_.collect(s.numbers.empty() ? 2 : static_cast<int>(s.numbers[0]));
  if (asks) python_.free_tuple(1);
  say(fmt::format("collected {}", n));
}

void object_machine::count(const program_statement& s) {
  const watched_variable x = s.variables[0];
  std::uint64_t n = 0;
  if (const auto owners = heap_.owners(x)) {
    n = *owners;
  } else if (heap_.look(x).there) {
    n = count_references(heap_.graph(), x);
  }
  say(fmt::format("count {} {}", name(x), n));
}

void object_machine::state() {
  if (facts_.generational) {
    const bool on = heap_.enabled();
    heap_.enable(false);
    python_.state_asked();
    heap_.enable(on);
  }
  say(fmt::format("state alive {} generations {} {}", heap_.alive_containers(), heap_.count(1), heap_.count(2)));
}

void object_machine::who(const program_statement& s) {
  const watched_variable x = s.variables[0];
  const auto holders = holders_of(heap_.graph(), program_, x);
  if (holders.empty()) say(fmt::format("who {}: null", name(x)));
  for (const auto& holder : holders) say(fmt::format("who {}: {}", name(x), holder));
}

void object_machine::finalizing(object_kind kind, watched_variable v) {
  say(fmt::format("{} {}", kind == object_kind::revive ? "revive" : "final", name(v)));
}
void object_machine::notified(watched_variable v) { say(fmt::format("weak {}", name(v))); }
void object_machine::collected(int generation, std::uint64_t unreachable) {
  if (facts_.generational) python_.collected(generation);
  say(fmt::format("collection {} {}", generation, unreachable));
}
void object_machine::telling(std::size_t observers) {
  if (facts_.generational) python_.telling(observers);
}
void object_machine::told(std::size_t observers) {
  if (facts_.generational) python_.told(observers);
}
void object_machine::call_begins() {
  if (facts_.generational) python_.weak_arguments_made();
}
void object_machine::call_ends() {
  if (facts_.generational) python_.weak_arguments_freed();
}

}  // namespace tally
