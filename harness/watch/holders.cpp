#include "harness/watch/holders.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.hpp"

namespace tally {
namespace {

// The shortest way to each object: breadth first, from all variables.
class reached_objects {
 public:
  reached_objects(const object_graph& g, const object_program& p) : program_(p), ways_(g.objects.size()) {
    std::vector<std::size_t> queue;
    const auto reach = [&](std::size_t object, const way& w) {
      if (object == object_graph::none || ways_[object].reached) return;
      ways_[object] = w;
      queue.push_back(object);
    };
    for (std::size_t v = 0; v < g.variables.size(); ++v) reach(g.variables[v], {true, object_graph::none, v});
    for (std::size_t i = 0; i < queue.size(); ++i) {
      const auto& slots = g.objects[queue[i]].slots;
      for (std::size_t s = 0; s < slots.size(); ++s) reach(slots[s], {true, queue[i], s});
    }
  }
  [[nodiscard]] bool reaches(std::size_t object) const { return ways_[object].reached; }
  // "a.0.1"; where that is long, its beginning and how much is left out.
  [[nodiscard]] std::string path(std::size_t object) const {
    constexpr std::size_t most = 12;
    if (!reaches(object)) return "garbage";
    std::vector<std::size_t> slots;
    while (ways_[object].from != object_graph::none) {
      slots.push_back(ways_[object].place);
      object = ways_[object].from;
    }
    std::string out = program_.variables[ways_[object].place];
    for (std::size_t i = 0; i < std::min(slots.size(), most); ++i) out += fmt::format(".{}", slots[slots.size() - 1 - i]);
    return slots.size() > most ? fmt::format("{}...({} more)", out, slots.size() - most) : out;
  }

 private:
  struct way {
    bool reached = false;
    std::size_t from = object_graph::none, place = 0;  // an object and its slot, or none and a variable
  };
  const object_program& program_;
  std::vector<way> ways_;
};

std::string name_of(const object_graph::object& o, const object_program& p) {
  return fmt::format("{}#{}", p.variables[o.name], o.number);
}

}  // namespace

std::vector<std::string> holders_of(const object_graph& g, const object_program& p, watched_variable x) {
  const std::size_t wanted = g.variables[x];
  if (wanted == object_graph::none) return {};
  const reached_objects reached(g, p);
  std::vector<std::string> lines;
  for (std::size_t v = 0; v < g.variables.size(); ++v) {
    if (g.variables[v] == wanted) lines.push_back(p.variables[v] + " (variable)");
  }
  for (std::size_t i = 0; i < g.objects.size(); ++i) {
    const auto& o = g.objects[i];
    for (std::size_t s = 0; s < o.slots.size(); ++s) {
      if (o.slots[s] != wanted) continue;
      const std::string place = reached.reaches(i) ? fmt::format("{}.{}", reached.path(i), s) : "garbage";
      lines.push_back(fmt::format("{} (slot {} of {})", place, s, name_of(o, p)));
    }
  }
  for (std::size_t i = 0; i < g.objects.size(); ++i) {
    const auto& o = g.objects[i];
    if (o.observed == wanted) lines.push_back(fmt::format("{} (weak reference {})", reached.path(i), name_of(o, p)));
  }
  return lines;
}

std::uint64_t count_references(const object_graph& g, watched_variable x) {
  const std::size_t wanted = g.variables[x];
  if (wanted == object_graph::none) return 0;
  auto n = static_cast<std::uint64_t>(std::ranges::count(g.variables, wanted));
  for (const auto& o : g.objects) n += static_cast<std::uint64_t>(std::ranges::count(o.slots, wanted));
  return n;
}

garbage_found garbage_in(const object_graph& g, const object_program& p) {
  constexpr std::size_t most = 8;
  const reached_objects reached(g, p);
  garbage_found found;
  for (std::size_t i = 0; i < g.objects.size(); ++i) {
    if (reached.reaches(i)) continue;
    if (++found.objects <= most) found.names += (found.objects == 1 ? "" : ", ") + name_of(g.objects[i], p);
  }
  if (found.objects > most) found.names += fmt::format(" and {} more", found.objects - most);
  return found;
}

}  // namespace tally
