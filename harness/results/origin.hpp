// Where a record comes from: the binary that made it, the machine that it ran on and the windows that it was measured in, as far as they
// decide figures. Rows of two origins are never one estimate; rows of two revisions may be compared if the rest of their origins
// agrees.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/results/json.hpp"

namespace tally {

struct origin_field {
  std::string name, value;  // "machine.kernel", "Linux 6.1.0"; value: "not recorded" where the record lacks it
  friend bool operator==(const origin_field&, const origin_field&) = default;
};

struct row_origin {
  std::string git;  // revision
  bool dirty = false;
  std::string executable;          // hash
  std::string cpu_model, machine;  // the latter: machine_id
  // What must agree: how it was compiled, the machine with its system, and how the run measures (its windows, its pinning).
  std::vector<origin_field> build, surround, protocol;
  // "a5a8865@3f2c-1b9e": revision ("+": changed), machine, and a hash of all of it. Equal names are equal origins.
  [[nodiscard]] std::string name() const;
  // "git a5a8865, Intel Xeon, machine 3f2c".
  [[nodiscard]] std::string text() const;
};

// Of a record that names binary and machine; simulated rows name no machine: their figures depend on none.
[[nodiscard]] row_origin origin_of(const json& record);
// Whether the record has what an origin is made of. Records of skipped rows and of failures have not: they go with those above.
[[nodiscard]] bool says_origin(const json& record);

struct origin_difference {
  std::string field, here, there;
};
// In what must agree between two origins whose rows are compared. The revision, whether it was changed and the executable's hash are
// what is compared, and in none of it.
[[nodiscard]] std::vector<origin_difference> differences(const row_origin& here, const row_origin& there);

}  // namespace tally
