// Runtimes' files: what is accepted names a strategy, and says of each choice where it is from.
#include "harness/run/runtimes.hpp"

#include "harness/base/errors.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  runtime r;
  if (!fuzz::accepted<usage_error>([&] { r = parse_runtime(text, "it.runtime"); })) return 0;
  if (r.strategy.name.empty() || r.summary.empty()) fuzz::finding("a runtime that says nothing", r.summary);
  if (r.choices.size() != r.strategy.options.size() + 1) fuzz::finding("choices", r.strategy.text());
  for (const auto* lines : {&r.choices, &r.header, &r.differences}) {
    for (const sourced_line& l : *lines) {
      if (l.source.empty() || l.source.find_first_of(" []") != std::string::npos) fuzz::finding("a source", l.source);
    }
  }
  return 0;
}
