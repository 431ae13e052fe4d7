#include "harness/run/request.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/base/files.hpp"
#include "harness/base/text.hpp"
#include "harness/contract/workload.hpp"
#include "harness/results/row.hpp"
#include "harness/run/choices.hpp"

namespace tally {
namespace {

// Every field with its flag: one place, so that writing, reading and comparing can't drift apart.
template <class Request>
auto each_field(Request& r, auto&& f) {
  f("suite", r.suite);
  f("strategy", r.strategies);
  f("workload", r.workloads);
  f("set", r.sets);
  f("heap", r.heaps);
  f("mode", r.modes);
  f("counters", r.counters);
  f("observe", r.observe);
  f("threads", r.threads);
  f("pin", r.pin);
  f("allocator", r.allocator);
  f("baseline", r.baseline);
  f("gc-workers", r.gc_workers);
  f("duration", r.duration);
  f("processes", r.processes);
  f("repeat", r.blocks);
  f("seed", r.seed);
}

}  // namespace

json to_json(const run_request& r) {
  json j;
  each_field(r, [&](const char* flag, const auto& value) { j[flag] = value; });
  return j;
}

run_request request_from(const json& j) {
  run_request r;
  each_field(r, [&](const char* flag, auto& value) {
    if (!j.contains(flag)) return;
    using type = std::remove_reference_t<decltype(value)>;
    const json& given = j.at(flag);
    // The library turns a number into whatever number is wanted, and -1 into a seed.
    bool fits = true;
    if constexpr (std::is_same_v<type, int>) {
      const auto n = given.is_number_integer() ? given.get<std::int64_t>() : -1;  // above its range: negative
      fits = n >= 0 && n <= std::numeric_limits<int>::max();
    } else if constexpr (std::is_same_v<type, std::uint64_t>) {
      fits = given.is_number_unsigned() || (given.is_number_integer() && given.get<std::int64_t>() >= 0);
    }
    try {
      if (fits) given.get_to(value);
    } catch (const json::exception&) {
      fits = false;
    }
    if (!fits) {
      const std::string shown = given.dump(-1, ' ', false, json::error_handler_t::replace);
      throw usage_error(fmt::format("the request's {} can't be {}", flag, shown));
    }
  });
  return r;
}

json parse_config(std::string_view text, const std::string& origin) {
  const json config = json::parse(text, nullptr, false);
  const auto refuse = [&](std::string_view why) { throw usage_error(fmt::format("{}: {}", origin, why)); };
  if (!config.is_object() || !config.contains("request") || !config.at("request").is_object())
    refuse("config.json can't be read");
  const auto schema = config.find("schema");
  if (schema == config.end() || *schema != schema_number) {
    refuse(fmt::format("the results have schema {}, this binary knows schema {}",
                       schema == config.end() ? "none" : schema->dump(-1, ' ', false, json::error_handler_t::replace),
                       schema_number));
  }
  try {
    (void)request_from(config.at("request"));
  } catch (const usage_error& e) {
    refuse(fmt::format("config.json: {}", e.what()));
  }
  const auto text_at = [](const json& in, const char* key) {
    return in.is_object() && in.contains(key) && in.at(key).is_string();
  };
  const bool whole = text_at(config, "machine") && config.contains("binary") && text_at(config.at("binary"), "git") &&
                     text_at(config.at("binary"), "executable");
  if (!whole) refuse("config.json does not say which binary and machine it was");
  return config;
}

json read_config(std::string_view flag, const std::filesystem::path& directory) {
  const std::string origin = fmt::format("{} {}", flag, directory.string());
  const auto text = text_in(directory / "config.json");
  if (!text) throw usage_error(origin + ": there is no run (no config.json)");
  return parse_config(*text, origin);
}

std::string config_text(const json& config) {
  try {
    return config.dump(2) + "\n";
  } catch (const json::exception&) {
    throw usage_error("a flag's value is not UTF-8 text, so config.json can't hold it: " +
                      config.at("request").dump(-1, ' ', false, json::error_handler_t::replace));
  }
}

std::string first_difference(const run_request& asked, const run_request& there) {
  const json a = to_json(asked), b = to_json(there);
  const auto shown = [](const json& v) {
    if (v.is_array()) return fmt::format("{}", fmt::join(v.get<std::vector<std::string>>(), ","));
    return v.is_string() ? v.get<std::string>() : v.dump();
  };
  for (const auto& [flag, value] : a.items()) {
    if (value == b.at(flag)) continue;
    const std::string was = shown(b.at(flag));
    return fmt::format("--{} {} (it was {})", flag, shown(value), was.empty() ? "not given" : was);
  }
  return "";
}

std::vector<int> thread_counts(std::string_view text, const std::vector<int>& automatic) {
  if (text.empty() || text == "auto") return automatic;
  std::set<int> counts;
  for (const auto& v : scan_values("--threads ", text)) {
    int n = 0;
    const auto [end, error] = std::from_chars(v.data(), v.data() + v.size(), n);
    if (error != std::errc{} || end != v.data() + v.size() || n < 1 || n > 1024) {
      throw usage_error(fmt::format("--threads {}: auto, or numbers between 1 and 1024 such as 1,2,4 or 1..8*2", text));
    }
    counts.insert(n);
  }
  return {counts.begin(), counts.end()};
}

}  // namespace tally
