#include "harness/session/sim_settings.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

#include "harness/base/errors.hpp"
#include "harness/measure/environment.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/results/row.hpp"

namespace tally::sim {
namespace {

// Flags that are kept beside the request, and their names in config.json.
constexpr std::array<std::pair<const char*, const char*>, 5> kept{
    {{"protocol", "protocol"}, {"caches", "caches"}, {"schedule", "schedules"}, {"ops", "operations"}, {"warm-up", "warm_up"}}};

json settings_of(const sim_options& o, const machine& m) {
  json figures = json::array();
  for (const auto& f : m.figures) figures.push_back({f.key, f.value, f.source});
  return {{"machine", m.name},        {"figures", figures},         {"protocol", o.protocol}, {"caches", o.caches},
          {"schedules", o.schedules}, {"operations", o.operations}, {"warm_up", o.warm_up},   {"not_modelled", not_modelled()}};
}

const char* in_request(const std::string& flag) { return flag == "cores" ? "threads" : flag.c_str(); }

}  // namespace

json config_of(const sim_options& o, const machine& m, std::uint64_t seed) {
  return {{"schema", schema_number},
          {"started", utc("{:%Y-%m-%dT%H:%M:%SZ}")},
          {"suite", "sim"},
          {"request", to_json(o.request)},
          {"simulation", settings_of(o, m)},
          {"seed", seed},
          {"machine", environment().machine_id},
          {"binary", binary_identity()}};
}

namespace {

void take_settings(sim_options& o, machine& model, const json& config) {
  json request = config.at("request");
  const json typed = to_json(o.request);
  for (const auto& flag : o.given) {
    if (typed.contains(in_request(flag))) request[in_request(flag)] = typed.at(in_request(flag));
  }
  o.request = request_from(request);
  const json& there = config.at("simulation");
  const auto keep = [&](std::size_t i, auto& into) {
    if (!o.given.contains(kept.at(i).first)) there.at(kept.at(i).second).get_to(into);
  };
  keep(0, o.protocol), keep(1, o.caches), keep(2, o.schedules), keep(3, o.operations), keep(4, o.warm_up);
  if (o.given.contains("machine")) return;
  std::string text;
  for (const auto& f : there.at("figures")) {
    text += fmt::format("{} = {} [{}]\n", f.at(0).get<std::string>(), f.at(1).get<std::string>(), f.at(2).get<std::string>());
  }
  model = parse_machine(text, there.at("machine").get<std::string>());
}

}  // namespace

void take_over(sim_options& o, machine& model, const earlier_session& earlier) {
  try {
    take_settings(o, model, earlier.config);
  } catch (const json::exception&) {
    throw usage_error(earlier.flag + ": config.json does not say what was simulated");
  }
}

std::string first_difference(const sim_options& typed, const machine& model, const json& config) {
  if (const auto d = tally::first_difference(typed.request, request_from(config.at("request"))); !d.empty()) return d;
  const json here = settings_of(typed, model), &there = config.at("simulation");
  for (const auto& [flag, name] : kept) {
    const json &mine = here.at(name), &theirs = there.at(name);
    if (mine != theirs) return fmt::format("--{} {} (there: {})", flag, mine.dump(), theirs.dump());
  }
  if (here.at("figures") != there.at("figures")) {
    return fmt::format("--machine {} (there: {}, or other figures)", model.name, there.at("machine").get<std::string>());
  }
  return "";
}

}  // namespace tally::sim
