// What a plan makes of --rate and --arrivals.
#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.hpp"
#include "harness/run/plan.hpp"

namespace tally {

std::vector<measure_choice> measure_choices(const std::vector<measure_mode>& modes, const run_request& asked) {
  std::vector<measure_choice> all;
  for (const auto mode : modes) {
    if (mode != measure_mode::latency || asked.rates.empty()) {
      all.emplace_back(mode);
      continue;
    }
    for (const auto& rate : asked.rates) all.emplace_back(mode, rate, asked.arrivals.value_or(arrival_kind::constant));
  }
  return all;
}

void refuse_unused_rates(const run_plan& plan) {
  const auto& rates = plan.request.rates;
  if (plan.request.arrivals && std::ranges::none_of(rates, &rate_choice::open)) {
    throw usage_error(fmt::format("--arrivals {}: only rows of a rate have arrivals; give --rate, too",
                                  arrival_names.at(static_cast<std::size_t>(*plan.request.arrivals))));
  }
  const auto latency = [](const row_spec& r) { return r.mode == measure_mode::latency; };
  const auto of_latency = [](const skipped_row& s) { return s.mode.starts_with(name_of(measure_mode::latency)); };
  if (rates.empty() || std::ranges::any_of(plan.rows, latency) || std::ranges::any_of(plan.skipped, of_latency)) return;
  throw usage_error(fmt::format("--rate {}: no chosen row measures latency; give --mode latency, too", texts_of(rates)));
}

}  // namespace tally
