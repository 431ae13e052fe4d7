#include "harness/contract/workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tally {

std::vector<std::string> parameter_info::words() const {
  std::vector<std::string> all;
  for (const std::string_view v : values) {
    if (!v.empty()) all.emplace_back(v);
  }
  return all;
}

parameters::parameters(const workload_info& w, const std::map<std::string, std::string>& given) {
  for (const auto& p : w.parameters) {
    const auto found = given.find(std::string(p.name));
    values_.emplace(p.name, checked(w, p, found == given.end() ? p.fallback() : found->second));
  }
  for (const auto& [name, text] : given) {
    if (!values_.contains(name)) {
      std::vector<std::string> known;
      for (const auto& p : w.parameters) known.emplace_back(p.name);
      throw usage_error(no_such("--set", name, fmt::format("parameter of {}", w.name), known));
    }
  }
}

parameters::value parameters::checked(const workload_info& w, const parameter_info& p, const std::string& given) {
  const std::string flag = fmt::format("--set {}={}", p.name, given);
  if (p.kind == parameter_kind::text) return {given};
  if (p.kind == parameter_kind::word) {
    const auto words = p.words();
    const auto at = std::ranges::find(words, given);
    if (at == words.end()) {
      const std::string near = nearest(given, words);
      throw usage_error(flag + (near.empty() ? ": one of " + joined(words) : ": did you mean " + near + "?"));
    }
    return {given, 0, static_cast<int>(at - words.begin())};
  }
  double v = 0;
  if (!to_number(given, v)) throw usage_error(flag + ": not a number");
  if (p.kind == parameter_kind::whole && v != std::trunc(v)) throw usage_error(flag + ": a whole number");
  if (!(v >= p.least && v <= p.most)) {
    throw usage_error(fmt::format("{}: between {} and {} in {}", flag, number_text(p.least), number_text(p.most), w.name));
  }
  return {number_text(v), v};
}

const parameters::value& parameters::at(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error("no parameter " + std::string(name));
  return found->second;
}

}  // namespace tally
