// Runtimes that are modelled: a strategy with all that is chosen for it, and where each choice is known from. Their files are
// harness/run/runtimes/NAME.runtime, in lines of KEY = VALUE [SOURCE] (harness/base/sourced.hpp):
//
//   strategy   which of Tally's is nearest; every other key but the two below is an option of it
//   header     bytes before an object's payload, in the runtime itself
//   differs    (any number) what the runtime has or does that the model does not
//
// A runtime's name stands for its strategy wherever one is named; options that are typed behind it count more than its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/sourced.hpp"
#include "harness/run/choices.hpp"

namespace tally {

struct runtime {
  std::string name, summary;
  name_spec strategy;
  std::vector<sourced_line> choices;  // the strategy, and its options
  std::vector<sourced_line> header;   // one, or none
  std::vector<sourced_line> differences;
};

// Throws usage_error with the label and the line.
[[nodiscard]] runtime parse_runtime(std::string_view text, const std::string& label);
[[nodiscard]] std::vector<std::string> runtime_names();
// Nothing if none has that name.
[[nodiscard]] std::optional<runtime> find_runtime(const std::string& name);

}  // namespace tally
