#include "harness/results/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/measure/statistics.hpp"

namespace tally {
namespace {

agreement not_comparable(std::string why) {
  return {agreement_kind::not_comparable, 0, false, "not comparable: " + std::move(why)};
}

}  // namespace

agreement compare_handoffs(const observed_handoffs& seen, const simulated_handoffs& told) {
  if (seen.windows + seen.left_out == 0) return not_comparable("no window was measured");
  if (seen.windows == 0) return not_comparable(fmt::format("row not contended ({})", seen.verdict));
  if (seen.oversubscribed) return not_comparable("more threads than processors");
  if (seen.rmws == 0) return not_comparable("no read-modify-write was watched");
  if (seen.known_share < 0.5) {
    return not_comparable(fmt::format("only {:.0f} % of the RMWs could tell", 100 * seen.known_share));
  }
  if (!told.settled) return not_comparable("the simulation has not settled");
  const double s = seen.per_op, t = told.per_op;
  const bool none_seen = s < no_handoffs_per_op, none_told = t < no_handoffs_per_op;
  if (none_seen && none_told) return {agreement_kind::agree, 1, true, "agree: no hand-offs"};
  const double likely = std::max(s, t) * seen.operations;  // how many there were, or should have been
  if (likely < least_handoffs) return not_comparable(fmt::format("{:.0f} hand-offs are too few to tell", likely));
  agreement a;
  a.within_band = told.least && told.most && *told.least <= s && s <= *told.most;
  const char* const in_band = a.within_band ? ", within the band over schedules" : "";
  a.kind = agreement_kind::differ;
  if (none_seen || none_told) {
    a.words = fmt::format("differ: observed {:.3g}, simulated {:.3g} per operation{}", s, t, in_band);
    return a;
  }
  a.factor = std::max(s, t) / std::min(s, t);
  if (a.factor <= agreement_factor) {
    a.kind = agreement_kind::agree;
    a.words = fmt::format("agree within {:.2g}x", a.factor);
  } else {
    a.words = fmt::format("differ: {:.2g}x (observed {:.3g}, simulated {:.3g} per operation{})", a.factor, s, t, in_band);
  }
  return a;
}

observed_handoffs observed_from(const std::vector<result>& windows) {
  observed_handoffs all;
  double known = 0;
  std::vector<double> per_op, latencies;
  for (const result& r : windows) {
    if (r.role != row_role::observed || r.status != row_status::ok) continue;
    for (const auto& f : r.fields) {
      if (std::ranges::find(all.fields, f.name) == all.fields.end()) all.fields.push_back(f.name);
    }
    if (r.verdict != "contended") {
      ++all.left_out;
      all.verdict = r.verdict;
      continue;
    }
    ++all.windows;
    all.operations += r.number_or("operations", 0);
    all.oversubscribed = all.oversubscribed || r.oversubscribed;
    per_op.push_back(r.number_or("handoffs_per_op", 0));
    if (const double ns = r.number_or("handoff_latency", 0); ns > 0) latencies.push_back(ns);
    for (const auto& f : r.fields) {
      all.rmws += f.rmws;
      known += f.known;
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
