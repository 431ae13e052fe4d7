// Where results are kept: results/<UTC>-<what>-<id>/, unless a directory is named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tally {

inline const std::filesystem::path results_home = "results";

// The time now, in UTC: a format of fmt's.
[[nodiscard]] std::string utc(const char* format);
[[nodiscard]] std::filesystem::path fresh_directory(std::string_view what, std::uint64_t seed);
// Makes it, with plots/ in it; throws usage_error that names the flag.
void make_directory(std::string_view flag, const std::filesystem::path&);
// results/latest points to the newest run of the default place.
void point_latest(const std::filesystem::path&);

}  // namespace tally
