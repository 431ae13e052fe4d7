// Object programs: what is accepted runs on a heap that finalises and collects, and on one that traces, or is refused where it stands.
#include "harness/base/errors.hpp"
#include "harness/watch/object_machine.hpp"
#include "harness/watch/watched_adapter.hpp"
#include "strategies/gil.hpp"
#include "strategies/mark_sweep.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using collecting = tally::strategies::gil_heap<tally::native, {.cycles = tally::cycle_kind::generational}>;
using tracing = tally::strategies::mark_sweep_heap<tally::native>;

constexpr std::uint64_t most_run = 1000;  // steps of a program that is run

bool one_line(std::string_view told, const tally::object_program& p) {
  return told.starts_with(p.file + ":") && told.find('\n') == std::string_view::npos;
}

template <class H>
void run(const tally::object_program& p) {
  tally::watched_adapter<H> heap(tally::heap_config{});
  std::uint64_t steps = 0;
  try {
    tally::object_machine machine(p, heap, "it");
    while (machine.step()) ++steps;
  } catch (const tally::usage_error& e) {
    if (!one_line(e.what(), p)) tally::fuzz::finding("a refusal that is no line with its place", e.what());
    return;
  }
  if (steps != p.steps) tally::fuzz::finding("another number of steps than was told", std::to_string(steps));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  object_program p;
  if (!fuzz::accepted<usage_error>([&] {
        try {
          p = parse_program(text, "it.objects");
        } catch (const usage_error& e) {
          p.file = "it.objects";
          if (!one_line(e.what(), p)) fuzz::finding("a refusal that is no line with its place", e.what());
          throw;
        }
      })) {
    return 0;
  }
  if (p.steps > default_steps) fuzz::finding("more steps than are allowed", std::to_string(p.steps));
  std::uint64_t turns = 0;  // of loops, those inside each other at once; a test is no place for millions
  for (const auto& s : p.statements) {
    if (s.kind == statement_kind::repeat) turns += s.numbers[0];
  }
  if (p.steps > most_run || turns > 32) return 0;
  run<collecting>(p);
  run<tracing>(p);
  return 0;
}
