#include "harness/results/results_folder.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "harness/contract/workload.hpp"

namespace tally {

namespace fs = std::filesystem;

std::string utc(const char* format) {
  const std::time_t now = std::time(nullptr);
  return fmt::format(fmt::runtime(format), fmt::gmtime(now));
}

fs::path fresh_directory(std::string_view what, std::uint64_t seed) {
  const std::uint64_t id = seed * 0x9e3779b97f4a7c15U ^ static_cast<std::uint64_t>(::getpid()) << 20;
  return results_home / fmt::format("{}-{}-{:04x}", utc("{:%Y%m%dT%H%M%SZ}"), what, id >> 48);
}

void make_directory(std::string_view flag, const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory / "plots", error);
  if (!error && ::access(directory.c_str(), W_OK) != 0) error.assign(errno, std::generic_category());
  if (error) throw usage_error(fmt::format("{} {}: can't be written: {}", flag, directory.string(), error.message()));
}

void point_latest(const fs::path& directory) {
  if (directory.parent_path() != results_home) return;
  std::error_code ignored;  // a file system without links has no latest
  const fs::path beside = results_home / fmt::format("latest.{}", ::getpid());
  fs::create_symlink(directory.filename(), beside, ignored);
  fs::rename(beside, results_home / "latest", ignored);
  if (ignored) fs::remove(beside, ignored);
}

}  // namespace tally
