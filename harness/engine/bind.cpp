#include "harness/engine/bind.hpp"

#include <fmt/format.h>

namespace tally {

bound_body::bound_body(const body_spec& spec) : spec_(spec) {
  for (const auto& [name, value] : spec_.tunables) tunables_.emplace_back(name, value);
}

void bound_body::report(metric_list& into) const { into.insert(into.end(), metrics_.begin(), metrics_.end()); }
void bound_body::notes(note_list& into) const { into.insert(into.end(), notes_.begin(), notes_.end()); }

heap_config bound_body::config() const {
  return {spec_.heap_limit_bytes, spec_.lanes + 1, spec_.gc_workers, tunables_.data(), tunables_.size()};
}

void bound_body::ask(oracle_verdict& verdict, const heap_state& found, std::int64_t expected, const char* when) {
  if (!verdict.ok) return;
  bool fine = found.live == expected;
  if (found.oracle == oracle_class::never_frees) fine = found.live >= expected && found.live == found.made;
  if (found.oracle == oracle_class::bounded) fine = found.live >= expected && found.live <= expected + found.slack;
  verdict.expected = expected;
  verdict.live = found.live;
  if (fine) return;
  verdict.ok = false;
  verdict.message = fmt::format("{}: {} objects live, expected {}", when, found.live, expected);
}

}  // namespace tally
