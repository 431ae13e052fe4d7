// JSON, with its keys in the order in which they were written. It exists at files and pipes only.
#pragma once

#include <nlohmann/json.hpp>

namespace tally {

using json = nlohmann::ordered_json;

// Of everything that is written: results/schema.json.
inline constexpr int schema_number = 1;

}  // namespace tally
