#include "harness/report/runtimes_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tally {
namespace {

json sourced_json(const std::vector<sourced_line>& lines) {
  json list = json::array();
  for (const auto& l : lines) list.push_back({{"key", l.key}, {"value", l.value}, {"source", l.source}});
  return list;
}

}  // namespace

std::string runtimes_text(std::string_view indent) {
  const auto names = runtime_names();
  std::size_t width = 0;
  for (const auto& n : names) width = std::max(width, n.size());
  std::string out;
  for (const auto& n : names) {
    const auto r = find_runtime(n);
    out += fmt::format("{}{:{}}  {} ({})\n", indent, n, width, r->summary, r->strategy.text());
  }
  return out;
}

json runtimes_json() {
  json list = json::array();
  for (const auto& n : runtime_names()) {
    const auto r = find_runtime(n);
    list.push_back({{"name", n},
                    {"summary", r->summary},
                    {"strategy", r->strategy.text()},
                    {"choices", sourced_json(r->choices)},
                    {"header", sourced_json(r->header)},
                    {"differs", sourced_json(r->differences)}});
  }
  return list;
}

std::string describe_runtime(const registry& all, const runtime& r) {
  const auto chosen = choose_strategies(all, "describe " + r.name + ":", r.strategy).front();
  std::string out =
      fmt::format("{}: {}\n  as {}\n\nChoices, with the keys of docs/references.md:\n", r.name, r.summary, chosen.label());
  for (const auto& c : r.choices) out += fmt::format("  {:11} = {:12} [{}]\n", c.key, c.value, c.source);
  out += fmt::format("\nHeader: {} bytes in the model", chosen.variant->header_bytes);
  for (const auto& h : r.header) out += fmt::format("; in the runtime {} [{}]", h.value, h.source);
  out += "\n";
  if (!r.differences.empty()) out += "\nWhat the runtime does that the model does not:\n";
  for (const auto& d : r.differences) out += fmt::format("  {} [{}]\n", d.value, d.source);
  return out;
}

}  // namespace tally
