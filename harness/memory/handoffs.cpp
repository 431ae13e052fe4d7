#include "harness/memory/handoffs.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>

namespace tally {
namespace {

struct field_names {
  std::mutex lock;
  std::vector<std::string_view> names;  // of template arguments: they live as long as the program
};
field_names& all_names() {
  static field_names all;
  return all;
}

}  // namespace

std::size_t observed_field_number(std::string_view name) {
  field_names& all = all_names();
  const std::lock_guard held(all.lock);
  const auto found = std::ranges::find(all.names, name);
  if (found != all.names.end()) return static_cast<std::size_t>(found - all.names.begin());
  if (all.names.size() == handoff_watch::most_fields) std::abort();
  all.names.reserve(handoff_watch::most_fields);  // a view that was returned stays valid
  all.names.push_back(name);
  return all.names.size() - 1;
}

std::string_view observed_field_name(std::size_t number) {
  field_names& all = all_names();
  const std::lock_guard held(all.lock);
  return all.names.at(number);
}

std::size_t observed_fields() {
  field_names& all = all_names();
  const std::lock_guard held(all.lock);
  return all.names.size();
}

std::vector<field_handoffs> handoffs_between(const handoff_totals& opened, const handoff_totals& closed) {
  std::vector<field_handoffs> seen;
  for (std::size_t f = 0; f < closed.size(); ++f) {
    const handoff_counts c = closed[f].since(opened[f]);
    if (c.rmws != 0) seen.push_back({f, c});
  }
  return seen;
}

}  // namespace tally
