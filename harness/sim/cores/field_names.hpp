// Names that accesses and paths are counted by. A name gets a number when the binary starts; the same name has the same number
// everywhere. Numbers depend on the order in which the binary was linked, so that nothing that is written down shows them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/memory/policy.hpp"

namespace tally::sim {

class name_table {
 public:
  std::uint16_t enter(std::string_view name) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return static_cast<std::uint16_t>(i);
    }
    names_.push_back(name);
    return static_cast<std::uint16_t>(names_.size() - 1);
  }
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }

 private:
  std::vector<std::string_view> names_;
};

// Fields (of tally::atomic and tally::var) and paths (of tally::note_path). Function-local: entered before main() by whatever
// translation unit comes first.
inline name_table& fields() {
  static name_table t;
  return t;
}
inline name_table& paths() {
  static name_table t;
  return t;
}

template <field_name Name>
inline const std::uint16_t field_number = fields().enter(Name.view());
template <field_name Name>
inline const std::uint16_t path_number = paths().enter(Name.view());

}  // namespace tally::sim
