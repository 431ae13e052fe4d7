#include "harness/results/row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "harness/base/text.hpp"
#include "harness/measure/allocators.hpp"

namespace tally {
namespace {

json or_null(std::uint64_t value) { return value == 0 ? json(nullptr) : json(value); }

}  // namespace

std::string_view name_of(measure_mode m) { return mode_names.at(static_cast<std::size_t>(m)); }
measure_mode mode_named(std::string_view s) { return enum_named<measure_mode>(mode_names, s, "--mode"); }
std::string_view name_of(row_role r) { return role_names.at(static_cast<std::size_t>(r)); }
row_role role_named(std::string_view s) { return enum_named<row_role>(role_names, s, "role"); }

std::string without_directories(const std::string& value) {
  const auto slash = value.find_last_of('/');
  return slash == std::string::npos ? value : value.substr(slash + 1);
}

heap_limit heap_limit::read(std::string_view flag, std::string_view text) {
  heap_limit limit;
  if (!text.ends_with('x')) {
    limit.bytes = size_bytes(flag, text);
  } else if (!to_number(text.substr(0, text.size() - 1), limit.multiple) || !(limit.multiple > 0 && limit.multiple <= 1000)) {
    throw usage_error(fmt::format("{} {}: a multiple such as 2x, or bytes such as 64M", flag, text));
  }
  return limit;
}

std::string heap_limit::text() const {
  if (multiple != 0) return number_text(multiple) + "x";
  if (bytes == 0) return "";
  return bytes % (1U << 20) == 0 ? fmt::format("{}M", bytes >> 20) : fmt::format("{}", bytes);
}

std::string heap_size::label() const {
  heap_limit asked;
  asked.multiple = multiple;
  asked.bytes = limit_bytes;
  return limit_bytes == 0 ? "" : asked.text();
}

std::string with_think(std::string label, std::uint64_t think_ns) {
  return think_ns == 0 ? label : fmt::format("{} think={}ns", label, think_ns);
}

namespace {

std::string under_limit(const std::string& label, const std::string& limit) {
  return limit.empty() ? label : label + "@" + limit;
}

}  // namespace

std::string row_key::scene() const {
  return fmt::format("{}|{}|{}{}{}", workload, threads, mode, simulated_on.empty() ? "" : "|", simulated_on);
}
std::string row_key::text() const { return fmt::format("{}|{}{}", strategy, scene(), again ? "|aa" : ""); }

std::string row_spec::label() const { return under_limit(under_allocator(strategy, allocator), heap.label()); }
row_key row_spec::parts() const { return {label(), workload_label, threads, measured().text(), "", role == row_role::again}; }
row_key skipped_row::parts() const { return {under_limit(label(), heap), workload, threads, mode}; }

json to_json(const run_item& item) {
  const row_spec& r = item.row;
  json tunables = json::object(), options = json::object(), parameters = json::object();
  for (const auto& [name, value] : r.tunables) tunables[name] = value;
  for (const auto& [name, value] : r.options) options[name] = value;
  for (const auto& [name, value] : r.parameters) parameters[name] = value;
  const std::string name = r.strategy.substr(0, r.strategy.find(':'));
  json config;
  config["strategy"] = {{"name", name},
                        {"label", r.strategy},
                        {"options", options},
                        {"tunables", tunables},
                        {"header_bytes", or_null(r.header_bytes)},
                        {"own_heap", r.own_heap}};
  config["workload"] = {{"name", r.workload}, {"label", r.workload_label}, {"parameters", parameters}};
  config["threads"] = r.threads;
  config["cpus"] = r.cpus;
  config["pin"] = r.pin;
  config["oversubscribed"] = r.oversubscribed;
  config["mode"] = name_of(r.mode);
  config["ramp_ns"] = r.ramp_ns;
  config["window_ns"] = r.window_ns;
  if (r.briefs != 1) config["briefs"] = r.briefs;
  if (r.think_ns != 0) config["think_ns"] = r.think_ns;
  config["heap"] = {{"limit_bytes", or_null(r.heap.limit_bytes)},
                    {"multiple", r.heap.multiple == 0 ? json(nullptr) : json(r.heap.multiple)},
                    {"payload_bytes", or_null(r.heap.payload_bytes)}};
  config["allocator"] = r.allocator;
  config["gc_workers"] = r.gc_workers;
  if (!r.counters.empty()) config["counters"] = r.counters;
  if (r.rate.open()) {
    config["rate"] = {{"per_second", r.rate.per_second == 0 ? json(nullptr) : json(r.rate.per_second)},
                      {"percent", r.rate.percent == 0 ? json(nullptr) : json(r.rate.percent)},
                      {"arrivals", arrival_names.at(static_cast<std::size_t>(r.arrivals))}};
  }
  return {{"schema", schema_number}, {"row", r.key()},          {"scene", r.scene()},
          {"role", name_of(r.role)}, {"process", item.process}, {"block", item.block},
          {"order", item.order},     {"seed", item.seed},       {"config", config}};
}

run_item item_from(const json& j) {
  run_item item;
  item.process = j.at("process");
  item.block = j.at("block");
  item.order = j.at("order");
  item.seed = j.at("seed");
  row_spec& r = item.row;
  const json& c = j.at("config");
  r.role = role_named(j.at("role").get<std::string>());
  r.strategy = c.at("strategy").at("label");
  for (const auto& [name, value] : c.at("strategy").at("options").items()) r.options[name] = value;
  for (const auto& [name, value] : c.at("strategy").at("tunables").items()) r.tunables.emplace_back(name, value);
  const auto number = [](const json& v) { return v.is_null() ? 0 : v.get<std::uint64_t>(); };
  r.header_bytes = number(c.at("strategy").at("header_bytes"));
  r.own_heap = c.at("strategy").value("own_heap", false);
  r.workload = c.at("workload").at("name");
  r.workload_label = c.at("workload").at("label");
  for (const auto& [name, value] : c.at("workload").at("parameters").items()) r.parameters[name] = value;
  r.threads = c.at("threads");
  r.cpus = c.at("cpus").get<std::vector<int>>();
  r.pin = c.at("pin");
  r.oversubscribed = c.at("oversubscribed");
  r.mode = mode_named(c.at("mode").get<std::string>());
  r.ramp_ns = c.at("ramp_ns");
  r.window_ns = c.at("window_ns");
  r.briefs = c.value("briefs", 1);
  r.think_ns = c.value("think_ns", std::uint64_t{0});
  r.heap.limit_bytes = number(c.at("heap").at("limit_bytes"));
  r.heap.multiple = c.at("heap").at("multiple").is_null() ? 0 : c.at("heap").at("multiple").get<double>();
  r.heap.payload_bytes = number(c.at("heap").at("payload_bytes"));
  r.allocator = c.at("allocator");
  r.gc_workers = c.at("gc_workers");
  r.counters = c.value("counters", std::vector<std::string>{});
  read_rate(c, r.rate, r.arrivals);
  return item;
}

void read_rate(const json& config, rate_choice& rate, arrival_kind& arrivals) {
  const auto found = config.find("rate");
  if (found == config.end()) return;
  const auto number = [](const json& v) { return v.is_null() ? 0 : v.get<double>(); };
  rate.per_second = number(found->at("per_second"));
  rate.percent = number(found->at("percent"));
  arrivals = enum_named<arrival_kind>(arrival_names, found->at("arrivals").get<std::string>(), "arrivals");
}

bound_row find_row(const registry& all, const row_spec& r) {
  bound_row found;
  const std::string name = r.strategy.substr(0, r.strategy.find(':'));
  const auto& built = r.mode == measure_mode::observed     ? all.observed
                      : r.mode == measure_mode::promptness ? all.stamped
                                                           : all.strategies;
  for (const auto& s : built) {
    if (s.name != name || s.variants.empty()) continue;
    std::vector<std::string> wanted;
    for (const auto& t : s.tunables) {
      if (!t.run_time) wanted.push_back(r.options.contains(t.name) ? r.options.at(t.name) : t.fallback);
    }
    const auto v = std::ranges::find(s.variants, wanted, &variant_entry::options);
    if (v != s.variants.end()) found.strategy = &s, found.variant = &*v;
  }
  const auto w = std::ranges::find(all.workloads, std::string_view(r.workload), &workload_info::name);
  if (found.variant == nullptr || w == all.workloads.end()) {
    throw usage_error(fmt::format("{}: not in this build", r.key()));
  }
  found.workload = &*w;
  found.pair = &found.variant->cells.at(static_cast<std::size_t>(w - all.workloads.begin()));
  return found;
}

body_spec body_of(const workload_info& w, const row_spec& r, std::uint64_t seed) {
  body_spec b;
  b.params = parameters(w, r.parameters);
  b.lanes = r.threads;
  b.seed = seed;
  b.heap_limit_bytes = r.heap.limit_bytes;
  b.gc_workers = r.gc_workers;
  b.tunables = r.tunables;
  return b;
}

}  // namespace tally
