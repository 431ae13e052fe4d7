#include "harness/run/choices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <numeric>
#include <ranges>

#include "harness/base/text.hpp"

namespace tally {
namespace {

template <class Range, class Name>
std::vector<std::string> names_of(const Range& range, Name name) {
  std::vector<std::string> names;
  for (const auto& r : range) names.emplace_back(name(r));
  return names;
}

// name=value pieces behind the colon.
std::vector<std::pair<std::string, std::string>> options_of(std::string_view flag, std::string_view spec,
                                                            std::string_view behind_colon) {
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& piece : split(behind_colon, ',')) {
    const auto equals = piece.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw usage_error(fmt::format("{} {}: '{}' is not name=value", flag, spec, piece));
    }
    options.emplace_back(piece.substr(0, equals), piece.substr(equals + 1));
  }
  return options;
}

}  // namespace

std::vector<std::string> split_specs(std::span<const std::string> typed) {
  std::vector<std::string> specs;
  for (const auto& t : typed) {
    bool first = true;
    for (auto& piece : split(t, ',')) {
      const bool goes_on = !first && piece.find('=') != std::string::npos && piece.find(':') == std::string::npos;
      if (goes_on && specs.back().find(':') != std::string::npos) {
        specs.back() += "," + piece;
      } else if (goes_on && specs.back().find('=') != std::string::npos) {
        specs.back() += "," + piece;
      } else {
        specs.push_back(std::move(piece));
      }
      first = false;
    }
  }
  std::erase(specs, "");
  return specs;
}

std::string strategy_choice::label() const {
  std::string options = variant->label;
  for (const auto& [name, value] : tunables) options += fmt::format("{}{}={:g}", options.empty() ? "" : ",", name, value);
  return options.empty() ? entry->name : entry->name + ":" + options;
}

namespace {

strategy_choice with_options(const strategy_entry& s, std::string_view flag, std::string_view spec,
                             const std::vector<std::pair<std::string, std::string>>& options) {
  strategy_choice choice{&s, nullptr, {}};
  std::vector<std::string> wanted;  // a value per compile-time tunable
  const auto compiled = [](const tunable_entry& t) { return !t.run_time(); };
  for (const auto& t : s.tunables | std::views::filter(compiled)) wanted.push_back(t.fallback);
  for (const auto& [name, value] : options) {
    std::size_t at = 0;
    const tunable_entry* found = nullptr;
    for (const auto& t : s.tunables) {
      if (t.name == name) found = &t;
      if (found != nullptr) break;
      if (compiled(t)) ++at;
    }
    if (found == nullptr) {
      const auto names = names_of(s.tunables, [](const auto& t) { return t.name; });
      throw unknown_name(no_such(fmt::format("{} {}:", flag, spec), name, "option of " + s.name, names));
    }
    if (compiled(*found)) {
      if (std::ranges::find(found->values, value) == found->values.end()) {
        throw usage_error(fmt::format("{} {}: {} is one of {}", flag, spec, name, joined(found->values)));
      }
      wanted[at] = value;
      continue;
    }
    double number = 0;
    if (!to_number(value, number)) throw usage_error(fmt::format("{} {}: {} is not a number", flag, spec, value));
    if (number < found->least || number > found->most) {
      throw usage_error(fmt::format("{} {}: {} is between {:g} and {:g}", flag, spec, name, found->least, found->most));
    }
    choice.tunables.emplace_back(name, number);
  }
  const auto built = std::ranges::find(s.variants, wanted, &variant_entry::options);
  if (built == s.variants.end()) {
    const auto labels = names_of(s.variants, [&](const variant_entry& v) { return variant_name(s, v); });
    throw unknown_name(fmt::format("{} {}: this combination is not built; there is {}", flag, spec, joined(labels)));
  }
  choice.variant = &*built;
  return choice;
}

}  // namespace

std::vector<strategy_choice> choose_strategies(const registry& all, std::string_view flag, std::string_view spec) {
  const auto colon = spec.find(':');
  const std::string_view name = spec.substr(0, colon);
  const bool of_any = name == "all" || name.find_first_of("*?") != std::string_view::npos;
  std::vector<strategy_choice> chosen;
  std::exception_ptr lacking;
  for (const auto& s : all.strategies) {
    if (!glob_matches(name == "all" ? "*" : name, s.name)) continue;
    if (colon == std::string_view::npos) {
      chosen.push_back({&s, &s.variants.front(), {}});
    } else if (spec.substr(colon + 1) == "*") {
      for (const auto& v : s.variants) chosen.push_back({&s, &v, {}});
    } else {
      // Of several strategies those that have these options are meant.
      try {
        chosen.push_back(with_options(s, flag, spec, options_of(flag, spec, spec.substr(colon + 1))));
      } catch (const unknown_name&) {
        if (!of_any) throw;
        lacking = std::current_exception();
      }
    }
  }
  if (chosen.empty() && lacking) std::rethrow_exception(lacking);
  if (chosen.empty()) {
    const auto names = names_of(all.strategies, [](const auto& s) { return s.name; });
    throw unknown_name(no_such(flag, name, "strategy", names));
  }
  return chosen;
}

std::vector<workload_choice> choose_workloads(const registry& all, std::string_view spec) {
  const auto colon = spec.find(':');
  const std::string_view name = spec.substr(0, colon);
  std::vector<workload_choice> chosen;
  for (std::size_t i = 0; i < all.workloads.size(); ++i) {
    const auto& w = all.workloads[i];
    if (!glob_matches(name == "all" ? "*" : name, w.name)) continue;
    workload_choice c{i, {}};
    if (colon != std::string_view::npos) {
      for (auto& [parameter, value] : options_of("--workload", spec, spec.substr(colon + 1))) {
        if (std::ranges::find(w.parameters, parameter, &parameter_info::name) == w.parameters.end()) {
          const auto names = names_of(w.parameters, [](const auto& p) { return p.name; });
          throw unknown_name(
              no_such(fmt::format("--workload {}:", spec), parameter, fmt::format("parameter of {}", w.name), names));
        }
        c.given[parameter].push_back(value);
      }
    }
    chosen.push_back(std::move(c));
  }
  if (chosen.empty()) {
    const auto names = names_of(all.workloads, [](const auto& w) { return w.name; });
    throw unknown_name(no_such("--workload", name, "workload", names));
  }
  return chosen;
}

}  // namespace tally
