#include "harness/report/machines_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/program.hpp"
#include "harness/base/text.hpp"

namespace tally {
namespace {

std::string shape_of(const sim::machine& m) {
  return fmt::format("{}, {} of {} with an LLC each, {:g} GHz", counted(m.sockets, "socket"),
                     counted(std::size_t{m.sockets} * m.llcs_per_socket, "group"), counted(m.cores_per_llc, "core"), m.clock_ghz);
}

}  // namespace

std::string machines_text(std::string_view indent) {
  const auto names = sim::machine_names();
  std::size_t width = 0;
  for (const auto& n : names) width = std::max(width, n.size());
  std::string out;
  for (const auto& n : names) out += fmt::format("{}{:{}}  {}\n", indent, n, width, shape_of(sim::load_machine(n)));
  return out;
}

json machine_json(const sim::machine& m, std::string_view typed) {
  json figures = json::object();
  for (const auto& f : m.figures) figures[f.key] = {{"value", f.value}, {"source", f.source}};
  return {{"name", typed}, {"cores", m.cores()}, {"sockets", m.sockets}, {"clock_ghz", m.clock_ghz}, {"figures", figures}};
}

json machines_json() {
  json list = json::array();
  for (const auto& n : sim::machine_names()) list.push_back(machine_json(sim::load_machine(n), n));
  return list;
}

std::string describe_machine(const sim::machine& m, std::string_view typed) {
  std::string out = fmt::format("{}: {}; {}\n\nFigures, with the keys of docs/references.md:\n", m.name, shape_of(m),
                                command("sim", "--machine", typed));
  for (const auto& f : m.figures) out += fmt::format("  {:21} = {:12} [{}]\n", f.key, f.value, f.source);
  return out;
}

}  // namespace tally
