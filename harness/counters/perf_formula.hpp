// Formulas over counted events, as counter groups write them: numbers, names, + - * / and parentheses.
//
// Parsed once, when the group is read, so that a name that does not exist is an error of the file and not of a run. What can't
// be computed in a run (an event that is absent, a division by zero) has no value and says why; it is never 0.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

// A value, or the reason why there is none.
struct measured_value {
  double value = 0;
  std::string absent;  // empty: there is a value
};

// A position in the text, counted from 0, and what is wrong there.
struct formula_error : std::runtime_error {
  formula_error(std::size_t where, const std::string& what) : std::runtime_error(what), at(where) {}
  std::size_t at;
};

class formula {
 public:
  formula() = default;
  // Throws formula_error: bad syntax, or a name that is not among `known`.
  formula(std::string_view text, std::span<const std::string> known);
  [[nodiscard]] measured_value evaluate(const std::function<measured_value(const std::string&)>& named) const;

 private:
  enum class step_kind { number, name, add, subtract, multiply, divide, negate };
  struct step {
    step_kind kind;
    double number = 0;
    std::string name;
  };
  class parser;
  std::vector<step> steps_;  // reverse Polish
};

}  // namespace tally
