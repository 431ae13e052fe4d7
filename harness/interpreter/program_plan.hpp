// What of a row of the workload interpreter needs no heap: its program, assembled, and what comes of it.
#pragma once

#include <string>

#include "harness/contract/workload.hpp"
#include "harness/interpreter/bytecode_programs.hpp"

namespace tally::bytecode {

// Why a heap with shared slots, or without, can't run it: "" or a sentence.
[[nodiscard]] std::string unmet(const parameters& p, bool shared_slots);

struct program_plan {
  explicit program_plan(const parameters& p);
  // Of calls of main that did not give back what they should: "" or a sentence.
  [[nodiscard]] std::string verdict(std::uint64_t wrong) const;
  void report(metric_list& into, std::uint64_t steps, std::uint64_t waits, std::int64_t updates) const;

  [[nodiscard]] bool hands_over() const { return program.name == "queue_handoff"; }

  const program_info& program;
  std::int64_t rounds;
  double expected;
  bool immortal, borrows;
  image objects;
};

}  // namespace tally::bytecode
