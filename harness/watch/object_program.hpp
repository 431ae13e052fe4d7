// An object program: what happens to the objects, a statement a line; docs/watching.md has the statements. Read whole, and checked as
// far as that can be done before it runs: what is accepted has statements with their words, loops that are closed, slots that some
// object has, and a bounded number of steps.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/watch/object_kind.hpp"

namespace tally {

enum class statement_kind {
  make,
  leaf,
  let,
  get,
  set,
  clear,
  del,
  weak,
  up,
  collect,
  threshold,
  disable,
  enable,
  freeze,
  unfreeze,
  count,
  state,
  who,
  repeat,
  end
};

struct program_statement {
  statement_kind kind{};
  std::uint32_t line = 0;
  std::string text;                      // as it was written, its words one space apart
  std::vector<std::uint32_t> variables;  // in the order of the words: places in object_program::variables
  std::uint32_t slot = 0;
  object_kind object = object_kind::plain;  // of make
  std::vector<std::uint64_t> numbers;       // make: slots; collect: the generation, if any; threshold; repeat
  std::size_t partner = 0;                  // of repeat its end, and the other way round
};

struct object_program {
  std::string file;
  std::vector<program_statement> statements;
  std::vector<std::string> variables;
  std::uint64_t steps = 0;  // that it takes

  // The first statement of the kind, or one for which a condition holds; null: there is none.
  template <class Condition>
  [[nodiscard]] const program_statement* first(Condition&& condition) const {
    for (const auto& s : statements) {
      if (condition(s)) return &s;
    }
    return nullptr;
  }
  [[nodiscard]] const program_statement* first(statement_kind kind) const {
    return first([kind](const program_statement& s) { return s.kind == kind; });
  }
  // "FILE:LINE: "
  [[nodiscard]] std::string place(std::uint32_t line) const { return file + ":" + std::to_string(line) + ": "; }
};

inline constexpr std::uint64_t default_steps = 5'000'000, most_steps = 1'000'000'000;

// `steps`: how many it may take; turns of loops count apart, and as much. Throws usage_error, "FILE:LINE: ...".
[[nodiscard]] object_program parse_program(std::string_view text, std::string_view file, std::uint64_t steps = default_steps);

}  // namespace tally
