#include "harness/session/program_checks.hpp"

#include <fmt/format.h>

#include <string_view>
#include <system_error>

#include "harness/base/program.hpp"
#include "harness/measure/allocators.hpp"
#include "harness/run/worker.hpp"
#include "harness/session/python_program.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

#ifdef NDEBUG
constexpr bool asserts = false;
#else
constexpr bool asserts = true;
#endif

machine_check build_type_check(const build_identity& b) {
  const std::string value = fmt::format("{}, {}", b.build_type, b.compiler);
  if (std::string_view(b.build_type) == "Release") return machine_check::fine("build type", value);
  return machine_check::warning("build type", value, "strategies are compiled otherwise than anybody would use them",
                                rebuilding("-DCMAKE_BUILD_TYPE=Release"));
}

machine_check sanitizer_check(const build_identity& b) {
  if (*b.sanitizer == '\0') return machine_check::fine("sanitizers", "none");
  return machine_check::warning("sanitizers", b.sanitizer, "every access is watched: times are the sanitizer's",
                                rebuilding("-DTALLY_SANITIZE="));
}

machine_check assertions_check(bool on) {
  if (!on) return machine_check::fine("assertions", "off");
  return machine_check::warning("assertions", "on", "checks are inside of what is measured",
                                rebuilding("-DCMAKE_BUILD_TYPE=Release"));
}

machine_check preload_check(const std::string& loaded) {
  if (loaded == system_allocator) return machine_check::fine("allocator", "system: the C library's");
  return machine_check::warning("allocator", loaded, "rows that say \"system\" would be on it",
                                fmt::format("without LD_PRELOAD: {}", command("run", "--allocator", "system," + loaded)));
}

machine_check plots_check(const std::string& lack) {
  if (lack.empty()) return machine_check::fine("plots", "a python3 with matplotlib was found");
  return machine_check::warning("plots", "no python3 with matplotlib", lack, "sudo apt-get install python3-matplotlib");
}

machine_check disk_check(const program_reading& p) {
  // The largest suite, rigorous, has 49 000 windows on two CPUs, with a record of 4 to 6 KB each: 0.3 GB. More CPUs have more rows.
  constexpr std::uint64_t enough = std::uint64_t{1} << 30;
  const std::string where = p.results.string();
  if (!p.free_bytes) return machine_check::hidden("disk", where, "the file system does not say how much of it is free");
  const std::string value = fmt::format("{:.1f} GiB free for {}", static_cast<double>(*p.free_bytes) / (1 << 30), where);
  if (*p.free_bytes >= enough) return machine_check::fine("disk", value);
  return machine_check::warning("disk", value, "a run ends where the disk is full",
                                "make room, or keep results elsewhere (--out)");
}

machine_check binary_check(const build_identity& b) {
  const std::string value = version_text();
  if (*b.planted != '\0') {
    return machine_check::warning("binary", value, "rows of that strategy are slower than it is, to test whether a run finds it",
                                  rebuilding("-DTALLY_PLANT="));
  }
  if (std::string_view(b.git) == "unknown") {
    return machine_check::hidden("binary", value, "it was built outside of a repository: keep the program with its results");
  }
  if (!b.dirty) return machine_check::fine("binary", value);
  return machine_check::warning("binary", value, "nobody can build it again from the revision that its records name",
                                "commit what is changed, and build again");
}

}  // namespace

program_reading read_program(const fs::path& results) {
  program_reading p{built_as(), asserts, loaded_allocator(), missing_for_plots(), results, std::nullopt};
  std::error_code error;
  fs::path there = fs::absolute(results, error);
  while (!error && !fs::exists(there, error) && there.has_relative_path()) there = there.parent_path();
  if (const auto space = fs::space(there, error); !error) p.free_bytes = space.available;
  return p;
}

std::vector<machine_check> program_checks(const program_reading& p) {
  return {build_type_check(p.built),  sanitizer_check(p.built),  assertions_check(p.assertions),
          preload_check(p.allocator), plots_check(p.plots_lack), disk_check(p),
          binary_check(p.built)};
}

}  // namespace tally
