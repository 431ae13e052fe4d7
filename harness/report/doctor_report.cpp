#include "harness/report/doctor_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/text.hpp"
#include "harness/results/binary.hpp"

namespace tally {
namespace {

std::string_view name_of(check_state s) { return check_state_names.at(static_cast<std::size_t>(s)); }

std::vector<std::string> names_with(const std::vector<machine_check>& checks, check_state state) {
  std::vector<std::string> names;
  for (const auto& c : checks) {
    if (c.state == state) names.push_back(c.name);
  }
  return names;
}

json check_json(const machine_check& c) {
  json j{{"name", c.name}, {"value", c.value}, {"state", name_of(c.state)}};
  if (!c.reason.empty()) j["reason"] = c.reason;
  if (!c.remedy.empty()) j["remedy"] = c.remedy;
  return j;
}

json pair_json(const handoff_pair& p) {
  json j{{"cpus", {p.cpu_a, p.cpu_b}}, {"siblings", p.siblings}, {"repetitions", p.repetitions}, {"failed", p.failed}};
  if (!p.absent.empty()) {
    j["absent"] = p.absent;
    return j;
  }
  j.update({{"median_ns", p.median_ns}, {"low_ns", p.spread.low}, {"high_ns", p.spread.high}, {"lost_share", p.lost_share}});
  return j;
}

}  // namespace

std::string doctor_verdict(const std::vector<machine_check>& checks) {
  const auto wrong = names_with(checks, check_state::warn), hidden = names_with(checks, check_state::unseen);
  if (!wrong.empty()) {
    return fmt::format("Numbers from here may lie: {} of {} warn ({}).", wrong.size(), counted(checks.size(), "check"),
                       joined(wrong));
  }
  if (hidden.empty())
    return fmt::format("Nothing makes numbers lie here that can be checked ({}).", counted(checks.size(), "check"));
  return fmt::format("Nothing that can be seen makes numbers lie here, but {} can't be ({}): compare within a run only.",
                     counted(hidden.size(), "thing"), joined(hidden));
}

std::string doctor_text(const std::vector<machine_check>& checks) {
  std::size_t width = 0, states = 0;
  for (const auto& c : checks) width = std::max(width, c.name.size());
  for (const auto& s : check_state_names) states = std::max(states, s.size());
  std::string out;
  for (const auto& c : checks) {
    out += fmt::format("{:{}}  {:{}}  {}\n", c.name, width, name_of(c.state), states, c.value);
    if (!c.reason.empty()) out += fmt::format("    {}\n", c.reason);
    if (!c.remedy.empty()) out += fmt::format("    Remedy: {}\n", c.remedy);
  }
  return out + "\n" + doctor_verdict(checks) + "\n";
}

json doctor_json(const std::vector<machine_check>& checks, const host_reading& r) {
  json all = json::array(), pairs = json::array();
  for (const auto& c : checks) all.push_back(check_json(c));
  for (const auto& p : r.handoffs) pairs.push_back(pair_json(p));
  return {{"checks", std::move(all)},
          {"warnings", names_with(checks, check_state::warn).size()},
          {"not_visible", names_with(checks, check_state::unseen).size()},
          {"verdict", doctor_verdict(checks)},
          {"machine", nlohmann::json(r.facts)},
          {"before", nlohmann::json(r.before)},
          {"busy", {{"from", nlohmann::json(r.busy_from)}, {"to", nlohmann::json(r.busy_to)}}},
          {"runnable", r.runnable},
          {"handoffs", std::move(pairs)},
          {"histogram_ns", r.histogram_ns},
          {"binary", binary_identity()}};
}

}  // namespace tally
