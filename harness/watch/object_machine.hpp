// Runs an object program on one heap, a statement at a time, and says what happened.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/watch/object_program.hpp"
#include "harness/watch/python_allocations.hpp"
#include "harness/watch/watched_heap.hpp"

namespace tally {

class object_machine final : private watched_events {
 public:
  // `strategy` is what messages call the heap. Throws usage_error, "FILE:LINE: ...", where the program asks for what the heap can't do.
  object_machine(const object_program&, watched_heap&, std::string strategy);
  object_machine(const object_machine&) = delete;
  object_machine& operator=(const object_machine&) = delete;

  // The next statement, and the loops that it ends; false: there is none. Throws usage_error, "FILE:LINE: ...": a slot that its object
  // does not have, more objects than the heap can hold.
  bool step();
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  // The one that step() has run.
  [[nodiscard]] const program_statement& statement() const { return program_.statements[done_]; }
  // What happened in it: "final a", "collected 2".
  [[nodiscard]] const std::vector<std::string>& events() const { return events_; }

 private:
  void refuse_what_is_lacking() const;
  void enter_loops();
  void run(const program_statement&);
  void make(const program_statement&);
  void collect(const program_statement&);
  void count(const program_statement&);
  void state();
  void who(const program_statement&);
  // Whether the variable holds a container; it must have the statement's slot then.
  [[nodiscard]] bool has_slot(const program_statement&, watched_variable of);
  void say(std::string event) { events_.push_back(std::move(event)); }
  [[nodiscard]] const std::string& name(watched_variable v) const { return program_.variables[v]; }

  void finalizing(object_kind, watched_variable) override;
  void notified(watched_variable) override;
  void collected(int generation, std::uint64_t unreachable) override;
  void telling(std::size_t observers) override;
  void told(std::size_t observers) override;
  void call_begins() override;
  void call_ends() override;

  const object_program& program_;
  watched_heap& heap_;
  const std::string strategy_;
  const watched_facts facts_;
  python_allocations python_;  // where the collector is CPython's
  bool begun_ = false;
  std::size_t next_ = 0, done_ = 0;
  std::uint64_t steps_ = 0, made_ = 0;
  std::vector<std::uint64_t> loops_;  // turns to come of those that are open, this one included
  std::vector<std::string> events_;
};

}  // namespace tally
