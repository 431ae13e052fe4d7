// Findings' files: what is accepted has rows for its checks, and a verdict for every ratio.
#include "harness/base/errors.hpp"
#include "harness/report/findings_report.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  finding f;
  if (!fuzz::accepted<usage_error>([&] { f = parse_finding(text, "it.finding"); })) return 0;
  if (f.claim.empty() || f.published.empty() || f.checks.empty()) fuzz::finding("a finding that claims nothing", f.claim);
  for (const finding_check& c : f.checks) {
    for (const std::string& name : {c.over, c.under.empty() ? c.over : c.under}) {
      if (f.row(name).threads < 1) fuzz::finding("threads", c.name);
    }
    for (const double at : {c.low, c.high, c.refuted_above.value_or(c.high), c.refuted_below.value_or(c.low)}) {
      const auto verdict = verdict_of(c, {.value = at, .around = {at, at}});
      const bool inside = at >= c.low && at <= c.high;
      if ((verdict == finding_verdict::reproduced) != inside) fuzz::finding("verdict", c.expected());
    }
  }
  return 0;
}
