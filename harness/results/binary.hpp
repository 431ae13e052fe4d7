// What this binary is: in every record, so that no number stands without the code that made it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/results/json.hpp"

namespace tally {

// From the build (cmake/TallyIdentity.cmake, at every build, not at configuration).
struct build_identity {
  const char* version;  // the project's, CMakeLists.txt
  const char* git;      // revision, "unknown" outside of a repository
  bool dirty;           // files of the repository were changed
  const char* compiler;
  const char* flags;
  const char* build_type;
  const char* sanitizer;     // "" for none
  const char* planted = "";  // TALLY_PLANT, a slow-down for tests: "atomic=10", the strategy's label and per cent; "" for none
};
[[nodiscard]] const build_identity& built_as();
// "0.1.0 (0123456789ab)", "0.1.0 (0123456789ab, changed)", "0.1.0 (of no known revision)".
[[nodiscard]] std::string version_text();

// What a build with this `planted` adds to the time of a row of the strategy, as a share (harness/engine/planted.hpp). Of the baseline
// measured again it is 0, so that the A/A pair is a planted row and one that is not. Nothing where nothing is planted.
[[nodiscard]] std::optional<double> planted_share(std::string_view planted, std::string_view strategy, bool again);

// The same as JSON, with the C++ library and the hash of the executable file.
[[nodiscard]] const json& binary_identity();
[[nodiscard]] const std::string& executable_hash();
// FNV-1a, 64 bits: told apart, not defended against. `hash`: of what stands before it.
inline constexpr std::uint64_t hash_of_nothing = 0xcbf29ce484222325U;
[[nodiscard]] std::uint64_t text_hash(std::string_view, std::uint64_t hash = hash_of_nothing);
[[nodiscard]] std::uint64_t file_hash(const char* path);

}  // namespace tally
