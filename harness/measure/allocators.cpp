#include "harness/measure/allocators.hpp"

#include <fmt/format.h>

#include "harness/base/text.hpp"

namespace tally {
namespace {

constexpr allocator_info allocators[] = {
    {system_allocator.data(), "", ""},
    {"mimalloc", "libmimalloc.so.2", "libmimalloc2.0"},
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
};

}  // namespace

const allocator_info& allocator_named(std::string_view name, std::string_view flag) {
  std::vector<std::string> known;
  for (const auto& a : allocators) {
    if (name == a.name) return a;
    known.emplace_back(a.name);
  }
  throw usage_error(no_such(flag, name, "allocator", known));
}

allocator_choice allocator_choice::read(std::string_view flag, std::string_view text) {
  allocator_choice c;
  c.info = &allocator_named(text, flag);
  return c;
}

std::string under_allocator(const std::string& variant, std::string_view allocator) {
  return allocator.empty() || allocator == system_allocator ? variant : fmt::format("{}+{}", variant, allocator);
}

std::string not_installed(const allocator_info& a) {
  return fmt::format("{} is not installed (Debian: apt-get install {})", a.library, a.package);
}

}  // namespace tally
