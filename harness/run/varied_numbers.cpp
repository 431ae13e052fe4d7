#include "harness/run/varied_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <ranges>

#include "harness/base/text.hpp"

namespace tally {
namespace {

bool is_number(const tunable_entry& t) { return t.run_time && t.values.empty(); }

// What a choice has it at.
std::optional<double> current_value(const strategy_choice& choice, const tunable_entry& t) {
  const auto given = std::ranges::find(choice.tunables, t.name, [](const auto& of) { return of.first; });
  if (given != choice.tunables.end()) return given->second;
  double fallback = 0;
  return to_number(t.fallback, fallback) ? std::optional(fallback) : std::nullopt;
}

// None of a value of 0. What counts something stays whole.
std::vector<double> other_values(const tunable_entry& t, double value) {
  const auto whole = [](double v) { return v == std::floor(v); };
  std::vector<double> values;
  for (const double factor : {0.25, 4.0}) {
    double other = factor * value;
    if (whole(value) && whole(t.least)) other = std::round(other);
    other = std::clamp(other, t.least, t.most);
    if (other != value) values.push_back(other);
  }
  return values;
}

strategy_choice with_number(strategy_choice choice, const std::string& name, double value) {
  std::erase_if(choice.tunables, [&](const auto& of) { return of.first == name; });
  choice.tunables.emplace_back(name, value);
  return choice;
}

// Of the numbers that mean something with `condition` only ("" is always met).
void add_varied(std::vector<strategy_choice>& list, const strategy_choice& base, const std::string& condition) {
  for (const auto& t : base.entry->tunables) {
    const auto value = is_number(t) && t.only_with == condition ? current_value(base, t) : std::nullopt;
    if (!value) continue;
    for (const double other : other_values(t, *value)) {
      if (std::ranges::find(list, base.label(), &strategy_choice::label) == list.end()) list.push_back(base);
      list.push_back(with_number(base, t.name, other));
    }
  }
}

}  // namespace

std::vector<strategy_choice> with_numbers_varied(const strategy_choice& choice, bool of_other_variants) {
  const strategy_entry& s = *choice.entry;
  std::vector<strategy_choice> list;
  if (choice.variant->can.oracle == oracle_class::never_frees) return list;
  std::vector<std::string> conditions;
  for (const auto& t : s.tunables | std::views::filter(is_number)) {
    if (std::ranges::find(conditions, t.only_with) == conditions.end()) conditions.push_back(t.only_with);
  }
  for (const auto& condition : conditions) {
    const auto meets = [&](const variant_entry& v) { return has_option(s, v, condition); };
    strategy_choice of = choice;
    if (!meets(*of.variant)) {
      const auto built = of_other_variants ? std::ranges::find_if(s.variants, meets) : s.variants.end();
      if (built == s.variants.end()) continue;
      of.variant = &*built;
    }
    add_varied(list, of, condition);
  }
  return list;
}

}  // namespace tally
