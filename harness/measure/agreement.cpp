#include "harness/measure/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/measure/statistics.hpp"

namespace tally {
namespace {

agreement not_comparable(std::string why) {
  return {agreement_kind::not_comparable, 0, false, "not comparable: " + std::move(why)};
}

}  // namespace

double metric_of(const nlohmann::ordered_json& record, const char* name) {
  const auto& metrics = record.at("metrics");
  return metrics.contains(name) ? metrics.at(name).at("value").get<double>() : 0;
}

agreement compare_handoffs(const observed_handoffs& seen, const simulated_handoffs& told) {
  if (seen.windows + seen.left_out == 0) return not_comparable("no window was measured");
  if (seen.windows == 0) return not_comparable(fmt::format("row not contended ({})", seen.verdict));
  if (seen.oversubscribed) return not_comparable("more threads than processors");
  if (seen.rmws == 0) return not_comparable("no read-modify-write was watched");
  if (seen.known_share < 0.5) {
    return not_comparable(fmt::format("only {:.0f} % of the RMWs could tell", 100 * seen.known_share));
  }
  const double s = seen.per_op, t = told.per_op;
  const bool none_seen = s < no_handoffs_per_op, none_told = t < no_handoffs_per_op;
  if (none_seen && none_told) return {agreement_kind::agree, 1, true, "agree: no hand-offs"};
  const double likely = std::max(s, t) * seen.operations;   // how many there were, or should have been
  if (likely < least_handoffs) return not_comparable(fmt::format("{:.0f} hand-offs are too few to tell", likely));
  agreement a;
  a.within_band = told.least && told.most && *told.least <= s && s <= *told.most;
  const char* const in_band = a.within_band ? ", within the band over schedules" : "";
  a.kind = agreement_kind::differ;
  if (none_seen || none_told) {
    a.words = fmt::format("differ: observed {:.3g}, simulated {:.3g} an operation{}", s, t, in_band);
    return a;
  }
  a.factor = std::max(s, t) / std::min(s, t);
  if (a.factor <= agreement_factor) {
    a.kind = agreement_kind::agree;
    a.words = fmt::format("agree within {:.2g}x", a.factor);
  } else {
    a.words = fmt::format("differ: {:.2g}x (observed {:.3g}, simulated {:.3g} an operation{})", a.factor, s, t, in_band);
  }
  return a;
}

observed_handoffs observed_from(const std::vector<nlohmann::ordered_json>& records) {
  observed_handoffs all;
  double known = 0;
  std::vector<double> per_op, latencies;
  for (const auto& r : records) {
    if (r.value("role", "") != "observed" || r.value("status", "") != "ok") continue;
    for (const auto& f : r.at("handoffs").at("fields")) {
      const std::string name = f.at("name");
      if (std::ranges::find(all.fields, name) == all.fields.end()) all.fields.push_back(name);
    }
    if (const std::string verdict = r.at("quality").at("verdict"); verdict != "contended") {
      ++all.left_out;
      all.verdict = verdict;
      continue;
    }
    ++all.windows;
    all.operations += metric_of(r, "operations");
    all.oversubscribed = all.oversubscribed || r.at("config").value("oversubscribed", false);
    per_op.push_back(metric_of(r, "handoffs_per_op"));
    if (const double ns = metric_of(r, "handoff_latency"); ns > 0) latencies.push_back(ns);
    for (const auto& f : r.at("handoffs").at("fields")) {
      all.rmws += f.at("rmws").get<double>();
      known += f.at("known").get<double>();
    }
  }
  if (!per_op.empty()) {
    all.per_op = median(per_op);
    all.least = std::ranges::min(per_op);
    all.most = std::ranges::max(per_op);
  }
  if (!latencies.empty()) all.latency_ns = median(latencies);
  if (all.rmws > 0) all.known_share = known / all.rmws;
  std::ranges::sort(all.fields);
  return all;
}

const char* name_of(agreement_kind k) {
  return k == agreement_kind::agree ? "agree" : k == agreement_kind::differ ? "differ" : "not comparable";
}

}  // namespace tally
