#include "harness/session/config_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/base/files.hpp"
#include "harness/measure/environment.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/session/flags.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

std::string shown(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

json machine_json(const sim::machine& m) {
  json figures = json::array();
  for (const auto& f : m.figures) figures.push_back({f.key, f.value, f.source});
  return {{"name", m.name}, {"figures", figures}};
}

sim::machine machine_from(const json& j) {
  std::string text;
  for (const auto& f : j.at("figures")) {
    text += fmt::format("{} = {} [{}]\n", f.at(0).get<std::string>(), f.at(1).get<std::string>(), f.at(2).get<std::string>());
  }
  return sim::parse_machine(text, j.at("name").get<std::string>());
}

template <class T>
json value_json(const T& value) {
  if constexpr (std::same_as<T, std::optional<sim::machine>>) {
    return value ? machine_json(*value) : json(nullptr);
  } else if constexpr (is_optional<T>::value) {
    return value ? value_json(*value) : json(nullptr);
  } else if constexpr (is_list<T>::value) {
    json texts = json::array();
    for (const auto& v : value) texts.push_back(value_text(v));
    return texts;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return value;
  } else {
    return value_text(value);
  }
}

template <class Request>
json request_of(const Request& r) {
  json j;
  each_flag<Request>([&](const auto& row) {
    json value = value_json(r.*row.member);
    if (value != nullptr && value != "" && value != json::array()) j[row.name] = std::move(value);
  });
  return j;
}

// A number's or a text's; nothing where the value is of another type.
template <class T>
std::optional<std::string> typed_text(const json& given) {
  if constexpr (std::is_arithmetic_v<T>) {
    return given.is_number() ? std::optional(given.dump()) : std::nullopt;
  } else {
    return given.is_string() ? std::optional(given.get<std::string>()) : std::nullopt;
  }
}

template <class T>
bool take_value(const json& given, number_range range, T& into) {
  if constexpr (std::same_as<T, std::optional<sim::machine>>) {
    into = machine_from(given);
    return true;
  } else if constexpr (is_optional<T>::value) {
    if (given == 0 || given == "") return true;  // how flags without a value were written once
    return take_value(given, range, into.emplace());
  } else if constexpr (is_list<T>::value) {
    if (given == "") return true;
    into.clear();
    for (const auto& one : given.is_array() ? given : json::array({given})) {
      const auto text = typed_text<typename T::value_type>(one);
      if (!text) return false;
      for (auto& v : read_values<typename T::value_type>("", *text, range)) into.push_back(std::move(v));
    }
    return true;
  } else if constexpr (std::same_as<T, bool>) {
    if (given.is_boolean()) into = given.get<bool>();
    return given.is_boolean();
  } else {
    if constexpr (std::is_pointer_v<T>) {
      if (given == "") return true;
    }
    const auto text = typed_text<T>(given);
    if (text) into = read_value<T>("", *text, range);
    return text.has_value();
  }
}

template <class Request>
void take_request(const json& j, Request& r) {
  each_flag<Request>([&](const auto& row) {
    const auto given = j.find(row.name);
    if (given == j.end()) return;
    bool fits = false;
    try {
      fits = take_value(*given, row.range, r.*row.member);
    } catch (const usage_error&) {  // it can't be read
    } catch (const json::exception&) {}
    if (!fits) throw usage_error(fmt::format("the request's {} can't be {}", row.name, shown(*given)));
  });
}

json config_of(std::string_view suite, json request) {
  return {{"schema", schema_number},       {"started", utc("{:%Y-%m-%dT%H:%M:%SZ}")}, {"suite", suite},
          {"request", std::move(request)}, {"machine", environment().machine_id},     {"binary", binary_identity()}};
}

std::string text_of(const json& config) {
  try {
    return config.dump(2) + "\n";
  } catch (const json::exception&) {
    throw usage_error("a flag's value is not UTF-8 text, so config.json can't hold it: " + shown(config.at("request")));
  }
}

}  // namespace

json request_json(const run_request& r) { return request_of(r); }
json request_json(const sim::sim_request& r) { return request_of(r); }

void read_request(const json& j, run_request& r) { take_request(j, r); }

void read_request(const json& j, sim::sim_request& r) {
  for (const char* needed : {"cores", "machine", "schedule", "ops"}) {
    if (!j.contains(needed)) throw usage_error(fmt::format("the request has no {}", needed));
  }
  take_request(j, r);
}

std::string config_text(const run_plan& plan) {
  json config = config_of(plan.suite, request_json(plan.request));
  json rows = json::array();
  for (const auto& r : plan.rows) rows.push_back(r.key());
  config.update({{"processes", plan.processes},
                 {"blocks", plan.blocks},
                 {"window_ns", plan.window_ns},
                 {"brief_window_ns", plan.brief_ns()},
                 {"smoke", plan.smoke()},
                 {"rows", std::move(rows)}});
  return text_of(config);
}

std::string config_text(const sim::sim_request& r, const std::vector<std::string>& not_modelled) {
  json config = config_of("sim", request_json(r));
  config["simulation"] = {{"not_modelled", not_modelled}};
  return text_of(config);
}

session_config parse_config(std::string_view text, const std::string& origin) {
  const json config = json::parse(text, nullptr, false);
  const auto refuse = [&](std::string_view why) { throw usage_error(fmt::format("{}: {}", origin, why)); };
  if (config.is_object() && config.contains("merged")) {
    refuse("these are the results of several runs, merged; each of them goes on in its own directory");
  }
  if (!config.is_object() || !config.contains("request") || !config.at("request").is_object())
    refuse("config.json can't be read");
  const auto schema = config.find("schema");
  if (schema == config.end() || *schema != schema_number) {
    refuse(fmt::format("the results have schema {}, this binary knows schema {}",
                       schema == config.end() ? "none" : shown(*schema), schema_number));
  }
  session_config there;
  there.kind = config.contains("simulation") ? session_kind::sim : session_kind::run;
  there.request = config.at("request");
  try {
    if (there.kind == session_kind::run) {
      run_request r;
      read_request(there.request, r);
    } else {
      sim::sim_request r;
      read_request(there.request, r);
    }
  } catch (const usage_error& e) {
    refuse(fmt::format("config.json: {}", e.what()));
  }
  const auto text_at = [](const json& in, const char* key) {
    return in.is_object() && in.contains(key) && in.at(key).is_string();
  };
  const bool whole = text_at(config, "machine") && config.contains("binary") && text_at(config.at("binary"), "git") &&
                     text_at(config.at("binary"), "executable");
  if (!whole) refuse("config.json does not say which binary and machine it was");
  there.machine = config.at("machine");
  there.git = config.at("binary").at("git");
  there.executable = config.at("binary").at("executable");
  return there;
}

session_config read_config(std::string_view flag, const std::filesystem::path& directory) {
  const std::string origin = fmt::format("{} {}", flag, directory.string());
  const auto text = text_in(directory / "config.json");
  if (!text) throw usage_error(origin + ": there is no run (no config.json)");
  return parse_config(*text, origin);
}

void note_end(const fs::path& directory, const stop_rule& rule, const run_end& end) {
  const fs::path file = directory / "config.json";
  json config = json::parse(text_in(file).value_or(""), nullptr, false);
  if (!config.is_object()) return;
  json said{{"why", end.why ? json(stop_names.at(static_cast<std::size_t>(*end.why))) : json("interrupted")},
            {"processes", end.processes},
            {"seconds", end.seconds}};
  if (rule.until) {
    json widths = json::array();
    for (const auto& w : end.widths) widths.push_back({w.row, std::isinf(w.share) ? json(nullptr) : json(w.share)});
    said["widths"] = std::move(widths);
  }
  config["ended"] = std::move(said);
  if (end.why) {
    config["processes"] = end.processes;
    config["smoke"] = end.processes < citable_processes;
  }
  write_whole(file, text_of(config));
}

std::optional<run_end> noted_end(const fs::path& directory) {
  const json config = json::parse(text_in(directory / "config.json").value_or(""), nullptr, false);
  const auto found = config.is_object() ? config.find("ended") : config.end();
  if (!config.is_object() || found == config.end()) return std::nullopt;
  run_end end;
  try {
    const auto why = std::ranges::find(stop_names, found->at("why").get<std::string>());
    if (why != stop_names.end()) end.why = static_cast<stop_reason>(why - stop_names.begin());
    end.processes = std::clamp(found->at("processes").get<int>(), 0, most_processes);
    end.seconds = std::max(0.0, found->at("seconds").get<double>());
  } catch (const json::exception&) {
    return std::nullopt;
  }
  return end;
}

std::vector<std::string> planned_rows(const fs::path& directory) {
  const json config = json::parse(text_in(directory / "config.json").value_or(""), nullptr, false);
  std::vector<std::string> rows;
  const auto found = config.is_object() ? config.find("rows") : config.end();
  if (!config.is_object() || found == config.end()) return rows;
  for (const auto& row : *found) {
    if (row.is_string()) rows.push_back(row);
  }
  return rows;
}

}  // namespace tally
