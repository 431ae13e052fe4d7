#include "harness/contract/workload.hpp"

#include <algorithm>

namespace tally {

parameters::parameters(const workload_info& w, const std::map<std::string, std::string>& given) {
  for (const auto& p : w.parameters) values_.emplace(p.name, p.fallback);
  for (const auto& [name, value] : given) {
    const auto found = std::ranges::find(w.parameters, name, &parameter_info::name);
    if (found == w.parameters.end()) {
      throw usage_error("--set " + name + ": workload " + std::string(w.name) + " has no such parameter");
    }
    values_[name] = value;
    if (found->least == 0 && found->most == 0) continue;
    const double v = number(name);
    if (!(v >= found->least && v <= found->most)) {
      throw usage_error("--set " + name + "=" + value + ": out of range for " + std::string(w.name));
    }
  }
}

double parameters::number(std::string_view name) const {
  const std::string& s = text(name);
  double v = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v);
  if (error != std::errc{} || end != s.data() + s.size()) {
    throw usage_error("--set " + std::string(name) + "=" + s + ": not a number");
  }
  return v;
}

const std::string& parameters::text(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error("no parameter " + std::string(name));
  return found->second;
}

}  // namespace tally
