#include "harness/report/metrics_list.hpp"

#include <fmt/format.h>

#include <algorithm>

#ifdef TALLY_SIM
#include "harness/sim/sim_metrics.hpp"
#endif

namespace tally {
namespace {

std::string_view side(better b) {
  return b == better::less ? "less is better" : b == better::more ? "more is better" : "neither more nor less is better";
}

}  // namespace

std::vector<metric_info> known_metrics() {
  std::vector<metric_info> all;
  for (const auto& m : measured_metrics()) all.push_back(m);
#ifdef TALLY_SIM
  for (const auto& m : sim::simulated_metrics()) all.push_back(m);
#endif
  return all;
}

std::string metrics_text(std::string_view indent) {
  const auto all = known_metrics();
  const std::size_t width = std::ranges::max(all, {}, [](const metric_info& m) { return m.name.size(); }).name.size();
  std::string out;
  for (const auto& m : all) out += fmt::format("{}{:{}}  {:6}  {:9}  {}\n", indent, m.name, width, m.unit, m.evidence, m.meaning);
  return out;
}

json metrics_json() {
  json list = json::array();
  for (const auto& m : known_metrics()) {
    list.push_back({{"name", m.name},
                    {"unit", m.unit},
                    {"class", m.evidence},
                    {"better", m.which == better::less   ? "less"
                               : m.which == better::more ? "more"
                                                         : "neither"},
                    {"meaning", m.meaning}});
  }
  return list;
}

std::string describe_metric(std::string_view name) {
  std::string out;
  for (const auto& m : known_metrics()) {
    if (m.name == name) out += fmt::format("{}: {}\n  unit {}; {}; {}\n", m.name, m.meaning, m.unit, side(m.which), m.evidence);
  }
  return out;
}

}  // namespace tally
