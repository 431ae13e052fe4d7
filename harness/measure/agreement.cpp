#include "harness/measure/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tally {
namespace {

agreement not_comparable(std::string why) {
  return {agreement_kind::not_comparable, 0, false, "not comparable: " + std::move(why)};
}

}  // namespace

agreement compare_transfers(const observed_transfers& seen, const simulated_transfers& told) {
  if (seen.verdicts.empty()) return not_comparable("no window was measured");
  // All windows must be: a figure that is a mean over contended and other windows is neither.
  for (const auto& v : seen.verdicts) {
    if (v != "contended") return not_comparable(fmt::format("row not contended ({})", v));
  }
  if (seen.oversubscribed) return not_comparable("more threads than processors");
  if (seen.known_share < 0.5) {
    return not_comparable(fmt::format("only {:.0f} % of the RMWs could tell", 100 * seen.known_share));
  }
  const double s = seen.handoffs_per_op, t = told.transfers_per_op;
  const bool none_seen = s < no_transfers_per_op, none_told = t < no_transfers_per_op;
  if (none_seen && none_told) return {agreement_kind::agree, 1, true, "agree: no transfers"};
  const double likely = std::max(s, t) * seen.operations;   // how many there were, or should have been
  if (likely < least_handoffs) return not_comparable(fmt::format("{:.0f} hand-offs are too few to tell", likely));
  if (none_seen || none_told) {
    return {agreement_kind::differ, 0, false,
            fmt::format("differ: observed {:.3g}, simulated {:.3g} an operation", s, t)};
  }
  agreement a;
  a.factor = std::max(s, t) / std::min(s, t);
  a.within_band = told.least && told.most && *told.least <= s && s <= *told.most;
  if (a.factor <= agreement_factor) {
    a.kind = agreement_kind::agree;
    a.words = fmt::format("agree within {:.2g}x", a.factor);
  } else {
    a.kind = agreement_kind::differ;
    a.words = fmt::format("differ: {:.2g}x (observed {:.3g}, simulated {:.3g} an operation{})", a.factor, s, t,
                          a.within_band ? ", within the band over schedules" : "");
  }
  return a;
}

observed_transfers observed_from(const std::vector<nlohmann::ordered_json>& records, const std::string& field) {
  observed_transfers all;
  double handoffs = 0, rmws = 0, known = 0;
  for (const auto& r : records) {
    if (r.value("role", "") != "observed" || r.value("status", "") != "ok") continue;
    all.operations += r.at("metrics").at("operations").at("value").get<double>();
    all.verdicts.push_back(r.at("quality").at("verdict"));
    all.oversubscribed = all.oversubscribed || r.at("config").value("oversubscribed", false);
    for (const auto& f : r.at("handoffs").at("fields")) {
      if (!field.empty() && f.at("name") != field) continue;
      handoffs += f.at("handoffs").get<double>();
      rmws += f.at("rmws").get<double>();
      known += f.at("known").get<double>();
    }
  }
  if (all.operations > 0) all.handoffs_per_op = handoffs / all.operations;
  if (rmws > 0) all.known_share = known / rmws;
  return all;
}

const char* name_of(agreement_kind k) {
  return k == agreement_kind::agree ? "agree" : k == agreement_kind::differ ? "differ" : "not comparable";
}

}  // namespace tally
