// A strategy's run-time numbers at other values than their defaults: whether it is compared at its best (NAME:*tunables).
#pragma once

#include <vector>

#include "harness/run/choices.hpp"

namespace tally {

// The choice, and behind it the same with each of its numbers at a quarter of its value and at four times it, within its limits, one at
// a time. With `of_other_variants` also what means something with an option only that the choice has not: on the first variant that has
// it, which stands before its own. Empty where there is no such number, and of what never frees: it is the floor, and its numbers say
// when a window ends.
[[nodiscard]] std::vector<strategy_choice> with_numbers_varied(const strategy_choice&, bool of_other_variants);

}  // namespace tally
