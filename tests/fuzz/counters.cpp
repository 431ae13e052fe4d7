// Groups of hardware counters: what is accepted can be evaluated, whatever was counted.
#include "harness/counters/perf_group.hpp"

#include "harness/contract/workload.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tally;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  counter_group group;
  if (!fuzz::accepted<usage_error>([&] { group = parse_counter_group("it.group", text); })) return 0;
  if (group.summary.empty() || group.sections.empty()) fuzz::finding("accepted without summary or section", text);
  for (const counter_section& section : group.sections) {
    for (const counter_event& event : section.events) {
      for (const std::string& encoding : event.encodings) {
        std::string reason;
        fuzz::accepted<usage_error>([&] { (void)encode(encoding, reason); });
      }
    }
    for (const counter_metric& metric : section.metrics) {
      for (const double x : {0.0, 1.0, 1e300}) {
        const measured_value v = metric.value.evaluate([&](const std::string&) { return measured_value{x, {}}; });
        static_cast<void>(v);
      }
    }
  }
  return 0;
}
