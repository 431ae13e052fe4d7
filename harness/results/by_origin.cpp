#include "harness/results/by_origin.hpp"

#include <algorithm>
#include <utility>

#include "harness/results/results_file.hpp"

namespace tally {

std::size_t origin_sorter::place(const json& record, const std::string& named) {
  const bool says = says_origin(record);
  row_origin o = origin_of(record);
  const std::string name = says ? o.name() : named;
  if (!says && name.empty() && !origins_.empty()) return last_;
  auto found = std::ranges::find(names_, name);
  if (found == names_.end() && says && names_ == std::vector<std::string>{""}) found = names_.begin();
  last_ = static_cast<std::size_t>(found - names_.begin());
  if (found == names_.end()) {
    names_.push_back(name);
    origins_.push_back(std::move(o));
    known_.push_back(says);
  } else if (says && !known_[last_]) {
    names_[last_] = name;
    origins_[last_] = std::move(o);
    known_[last_] = true;
  }
  return last_;
}

sorted_results load_by_origin(const std::filesystem::path& rows) {
  sorted_results all;
  origin_sorter sorter;
  all.damaged = each_record(rows, [&](json& record, result& r) {
    const std::size_t at = sorter.place(record, r.origin);
    all.origins.resize(sorter.origins().size());
    all.origins[at].results.push_back(std::move(r));
  });
  for (std::size_t i = 0; i < all.origins.size(); ++i) all.origins[i].origin = sorter.origins()[i];
  return all;
}

}  // namespace tally
