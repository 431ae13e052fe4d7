#include "harness/measure/allocators.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/text.hpp"

namespace tally {
namespace {

constexpr allocator_info allocators[] = {
    {system_allocator.data(), "", ""},
    {"mimalloc", "libmimalloc.so.2", "libmimalloc2.0"},
    {"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
};

}  // namespace

const allocator_info& allocator_named(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& a : allocators) {
    if (name == a.name) return a;
    known.emplace_back(a.name);
  }
  throw usage_error(no_such("--allocator", name, "allocator", known));
}

std::vector<std::string> allocators_in(std::string_view list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    const std::string name(list.substr(at, comma - at));
    if (name.empty()) throw usage_error(fmt::format("--allocator {}: names with a comma between, such as system,mimalloc", list));
    (void)allocator_named(name);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    at = comma + 1;
  }
  return names;
}

std::string under_allocator(const std::string& variant, std::string_view allocator) {
  return allocator.empty() || allocator == system_allocator ? variant : fmt::format("{}+{}", variant, allocator);
}

std::string not_installed(const allocator_info& a) {
  return fmt::format("{} is not installed (Debian: apt-get install {})", a.library, a.package);
}

}  // namespace tally
