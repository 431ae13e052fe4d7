// The option `immortal`: whether each count operation looks first if its object lives for ever, and leaves it alone then.
#pragma once

#include "harness/contract/family.hpp"

namespace tally::strategies {

enum class immortality { no, yes };

// How many references an immortal object has for whoever asks: more than a collector can find.
inline constexpr std::uint64_t always_held = std::uint64_t{1} << 40;

template <class Options>
consteval tunable<Options> immortal_choice() {
  return choice<&Options::immortal, Options>(
      "immortal", {"no", "yes"}, "objects that a program marks are never counted; all others pay for a look at their count",
      "Rust, C++, and CPython before 3.12");
}

}  // namespace tally::strategies
