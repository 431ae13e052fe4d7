#include "harness/run/choices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <iterator>
#include <numeric>
#include <ranges>

#include "harness/base/text.hpp"
#include "harness/run/runtimes.hpp"
#include "harness/run/varied_numbers.hpp"

namespace tally {
namespace {

template <class Range, class Name>
std::vector<std::string> names_of(const Range& range, Name name) {
  std::vector<std::string> names;
  for (const auto& r : range) names.emplace_back(name(r));
  return names;
}

}  // namespace

name_spec name_spec::read(std::string_view flag, std::string_view text) {
  name_spec spec;
  const auto colon = text.find(':');
  spec.name = text.substr(0, colon);
  if (colon == std::string_view::npos) return spec;
  if (text.substr(colon + 1) == "*") {
    spec.every_variant = true;
    return spec;
  }
  if (text.substr(colon + 1) == "*tunables") {
    spec.every_tunable = true;
    return spec;
  }
  for (const auto& piece : split(text.substr(colon + 1), ',')) {
    const auto equals = piece.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw usage_error(fmt::format("{} {}: '{}' is not name=value", flag, text, piece));
    }
    spec.options.emplace_back(piece.substr(0, equals), piece.substr(equals + 1));
  }
  return spec;
}

std::vector<name_spec> name_spec::read_list(std::string_view flag, std::string_view text) {
  std::vector<std::string> pieces;
  for (auto& piece : split(text, ',')) {
    const bool option = piece.find('=') != std::string::npos && piece.find(':') == std::string::npos;
    if (option && !pieces.empty() && pieces.back().find_first_of(":=") != std::string::npos) {
      pieces.back() += "," + piece;
    } else if (!piece.empty()) {
      pieces.push_back(std::move(piece));
    }
  }
  std::vector<name_spec> list;
  for (const auto& piece : pieces) list.push_back(read(flag, piece));
  return list;
}

std::string name_spec::text() const {
  if (every_variant) return name + ":*";
  if (every_tunable) return name + ":*tunables";
  std::string out = name;
  for (const auto& [option, value] : options) out += fmt::format("{}{}={}", out.size() == name.size() ? ":" : ",", option, value);
  return out;
}

set_spec set_spec::read(std::string_view flag, std::string_view text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) throw usage_error(fmt::format("{} {}: name=value", flag, text));
  set_spec set;
  set.parameter = text.substr(0, equals);
  if (const auto dot = set.parameter.find('.'); dot != std::string::npos) {
    set.workload = set.parameter.substr(0, dot);
    set.parameter.erase(0, dot + 1);
  }
  set.values = scan::read(fmt::format("{} {}=", flag, set.parameter), text.substr(equals + 1));
  return set;
}

std::string set_spec::name() const { return workload.empty() ? parameter : workload + "." + parameter; }

std::string strategy_choice::label() const {
  std::string out = variant_name(*entry, *variant);
  bool first = variant->label.empty();
  for (const auto& [name, value] : tunables) {
    const auto t = std::ranges::find(entry->tunables, name, &tunable_entry::name);
    out += fmt::format("{}{}={}", std::exchange(first, false) ? ":" : ",", name, t->text(value));
  }
  return out;
}

bool has_option(const strategy_entry& s, const variant_entry& v, std::string_view option) {
  if (option.empty()) return true;
  std::size_t at = 0;
  for (const auto& t : s.tunables) {
    if (!t.run_time && option == fmt::format("{}={}", t.name, v.options.at(at++))) return true;
  }
  return false;
}

namespace {

// The strategy has the option, but not with this value: what is to be told where no strategy that a glob means has it.
struct no_such_value : unknown_name {
  using unknown_name::unknown_name;
};

strategy_choice with_options(const strategy_entry& s, std::string_view flag, const name_spec& typed) {
  const std::string spec = typed.text();
  strategy_choice choice{&s, nullptr, {}};
  std::vector<std::string> wanted;  // a value per compile-time tunable
  const auto compiled = [](const tunable_entry& t) { return !t.run_time; };
  for (const auto& t : s.tunables | std::views::filter(compiled)) wanted.push_back(t.fallback);
  for (const auto& [name, value] : typed.options) {
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
    if (!found->values.empty()) {
      const auto place = std::ranges::find(found->values, value);
      if (place == found->values.end()) {
        throw no_such_value(fmt::format("{} {}: {} is one of {}", flag, spec, name, joined(found->values)));
      }
      if (compiled(*found)) {
        wanted[at] = value;
      } else {
        choice.tunables.emplace_back(name, static_cast<double>(place - found->values.begin()));
      }
      continue;
    }
    double number = 0;
    if (!to_number(value, number)) throw no_such_value(fmt::format("{} {}: {} is not a number", flag, spec, value));
    if (number < found->least || number > found->most) {
      throw no_such_value(
          fmt::format("{} {}: {} is between {} and {}", flag, spec, name, number_text(found->least), number_text(found->most)));
    }
    choice.tunables.emplace_back(name, number);
  }
  const auto built = std::ranges::find(s.variants, wanted, &variant_entry::options);
  if (built == s.variants.end()) {
    const auto labels = names_of(s.variants, [&](const variant_entry& v) { return variant_name(s, v); });
    std::string why = "this combination is not built";
    for (const auto& [name, value] : typed.options) {
      const auto r = std::ranges::find(s.refusals, fmt::format("{}={}", name, value), &refusal_entry::option);
      if (r != s.refusals.end()) why = fmt::format("{} with {}: {}", s.name, r->option, r->reason);
    }
    throw unknown_name(fmt::format("{} {}: {}; there is {}", flag, spec, why, joined(labels)));
  }
  choice.variant = &*built;
  for (const auto& [name, value] : choice.tunables) {
    const auto& needed = std::ranges::find(s.tunables, name, &tunable_entry::name)->only_with;
    if (!has_option(s, *built, needed)) {
      throw no_such_value(fmt::format("{} {}: {} means something with {} only", flag, spec, name, needed));
    }
  }
  return choice;
}

// NAME:*tunables, or a runtime's options in the place of the defaults.
std::vector<strategy_choice> with_tunables(const strategy_entry& s, std::string_view flag, const name_spec& spec) {
  const bool typed = !spec.options.empty();
  auto list = with_numbers_varied(typed ? with_options(s, flag, spec) : strategy_choice{&s, &s.variants.front(), {}}, !typed);
  if (list.empty()) throw unknown_name(fmt::format("{} {}: {} has no number that can be varied", flag, spec.text(), s.name));
  return list;
}

// A runtime's strategy and options, those that are typed last.
name_spec with_runtime(const registry& all, const name_spec& typed) {
  if (std::ranges::find(all.strategies, typed.name, &strategy_entry::name) != all.strategies.end()) return typed;
  const auto r = find_runtime(typed.name);
  if (!r) return typed;
  name_spec spec = r->strategy;
  spec.every_variant = typed.every_variant;
  spec.every_tunable = typed.every_tunable;
  for (const auto& [option, value] : typed.options) {
    const auto own = std::ranges::find(spec.options, option, [](const auto& o) { return o.first; });
    if (own != spec.options.end()) spec.options.erase(own);
    spec.options.emplace_back(option, value);
  }
  return spec;
}

}  // namespace

std::vector<strategy_choice> choose_strategies(const registry& all, std::string_view flag, const name_spec& typed) {
  const name_spec spec = with_runtime(all, typed);
  const std::string_view name = spec.name;
  const bool of_any = name == "all" || name.find_first_of("*?") != std::string_view::npos;
  std::vector<strategy_choice> chosen;
  std::exception_ptr lacking, unfit;
  for (const auto& s : all.strategies) {
    if (!glob_matches(name == "all" ? "*" : name, s.name)) continue;
    if (spec.every_variant) {
      for (const auto& v : s.variants) chosen.push_back({&s, &v, {}});
    } else if (spec.options.empty() && !spec.every_tunable) {
      chosen.push_back({&s, &s.variants.front(), {}});
    } else {
      // Of several strategies those that have these options, with these values, or numbers, are meant.
      try {
        auto here = spec.every_tunable ? with_tunables(s, flag, spec) : std::vector{with_options(s, flag, spec)};
        std::ranges::move(here, std::back_inserter(chosen));
      } catch (const no_such_value&) {
        if (!of_any) throw;
        if (!unfit) unfit = std::current_exception();
      } catch (const unknown_name&) {
        if (!of_any) throw;
        lacking = std::current_exception();
      }
    }
  }
  if (chosen.empty() && unfit) std::rethrow_exception(unfit);
  if (chosen.empty() && lacking) std::rethrow_exception(lacking);
  if (chosen.empty()) {
    auto names = names_of(all.strategies, [](const auto& s) { return s.name; });
    std::ranges::copy(runtime_names(), std::back_inserter(names));
    throw unknown_name(no_such(flag, name, "strategy", names));
  }
  return chosen;
}

std::string without_twin(const std::vector<strategy_entry>& twins, std::string_view policy, std::string_view built,
                         const strategy_choice& s, std::size_t workload) {
  const auto twin = std::ranges::find(twins, s.entry->name, &strategy_entry::name);
  if (twin == twins.end() || twin->variants.empty()) return fmt::format("no {} build of this strategy", policy);
  const auto v = std::ranges::find(twin->variants, s.variant->options, &variant_entry::options);
  if (v == twin->variants.end()) return fmt::format("{} built on the {} policy", built, policy);
  return std::string(v->cells.at(workload).unmet);
}

std::vector<workload_choice> choose_workloads(const registry& all, const name_spec& spec) {
  if (spec.every_variant || spec.every_tunable) {
    throw usage_error(fmt::format("--workload {}: '*' is not name=value", spec.text()));
  }
  std::vector<workload_choice> chosen;
  for (std::size_t i = 0; i < all.workloads.size(); ++i) {
    const auto& w = all.workloads[i];
    if (!glob_matches(spec.name == "all" ? "*" : spec.name, w.name)) continue;
    workload_choice c{i, {}};
    for (const auto& [parameter, value] : spec.options) {
      if (std::ranges::find(w.parameters, parameter, &parameter_info::name) == w.parameters.end()) {
        const auto names = names_of(w.parameters, [](const auto& p) { return p.name; });
        throw unknown_name(
            no_such(fmt::format("--workload {}:", spec.text()), parameter, fmt::format("parameter of {}", w.name), names));
      }
      c.given[parameter].push_back(value);
    }
    chosen.push_back(std::move(c));
  }
  if (chosen.empty()) {
    const auto names = names_of(all.workloads, [](const auto& w) { return w.name; });
    throw unknown_name(no_such("--workload", spec.name, "workload", names));
  }
  return chosen;
}

}  // namespace tally
