// What a recording holds, in words or as JSON: `tally trace info FILE`.
#pragma once

#include <string>

#include "harness/trace/format.hpp"

namespace tally::recorded {

// `file`: a path, or the name of a bundled recording. Throws usage_error, as reading does.
[[nodiscard]] std::string info_text(const std::string& file);
[[nodiscard]] std::string info_json(const std::string& file);
// Of one that has been read.
[[nodiscard]] std::string info_text(recording);
[[nodiscard]] std::string info_json(recording);

}  // namespace tally::recorded
