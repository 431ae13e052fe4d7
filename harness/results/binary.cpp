#include "harness/results/binary.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>
#include <version>

#include "harness/base/text.hpp"

namespace tally {

std::uint64_t text_hash(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

std::uint64_t file_hash(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::uint64_t hash = hash_of_nothing;
  std::vector<char> part(65536);
  while (in.read(part.data(), static_cast<std::streamsize>(part.size())), in.gcount() > 0) {
    hash = text_hash({part.data(), static_cast<std::size_t>(in.gcount())}, hash);
  }
  return hash;
}

std::string version_text() {
  const build_identity& b = built_as();
  const std::string planted = *b.planted == '\0' ? "" : fmt::format(", slowed on purpose: {}", b.planted);
  if (std::string_view(b.git) == "unknown") return fmt::format("{} (of no known revision{})", b.version, planted);
  return fmt::format("{} ({}{}{})", b.version, b.git, b.dirty ? ", changed" : "", planted);
}

std::optional<double> planted_share(std::string_view planted, std::string_view strategy, bool again) {
  const auto equals = planted.rfind('=');
  double percent = 0;
  if (equals == std::string_view::npos || planted.substr(0, equals) != strategy) return std::nullopt;
  if (!to_number(planted.substr(equals + 1), percent)) return std::nullopt;
  return again ? 0 : percent / 100;
}

const std::string& executable_hash() {
  static const std::string hash = fmt::format("{:016x}", file_hash("/proc/self/exe"));
  return hash;
}

const json& binary_identity() {
  static const json identity = [] {
    const build_identity& b = built_as();
    json j;
    j["git"] = b.git;
    j["dirty"] = b.dirty;
    j["compiler"] = b.compiler;
    j["flags"] = b.flags;
    j["build_type"] = b.build_type;
    j["sanitizer"] = b.sanitizer;
#if defined(__GLIBCXX__)
    j["library"] = fmt::format("libstdc++ {}", __GLIBCXX__);
#else
    j["library"] = "libc++";
#endif
    j["executable"] = executable_hash();
    if (*b.planted != '\0') j["planted"] = b.planted;
    return j;
  }();
  return identity;
}

}  // namespace tally
