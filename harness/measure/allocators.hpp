// The malloc under a row: the C library's, or a library that is loaded before it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

inline constexpr std::string_view system_allocator = "system";

struct allocator_info {
  const char* name;
  const char* library;  // for LD_PRELOAD; found as the dynamic linker finds libraries. Empty: the C library's
  const char* package;  // Debian's
};

// Throws usage_error with the nearest name.
[[nodiscard]] const allocator_info& allocator_named(const std::string& name);

// "system,mimalloc": the names in their order, each once. Throws usage_error.
[[nodiscard]] std::vector<std::string> allocators_in(std::string_view list);

// A strategy variant under an allocator, as keys, tables and plots call it: "atomic", "atomic+mimalloc".
[[nodiscard]] std::string under_allocator(const std::string& variant, std::string_view allocator);

// "libmimalloc.so.2 is not installed (Debian: apt-get install libmimalloc2.0)"
[[nodiscard]] std::string not_installed(const allocator_info&);

// Whether an allocator's library can be loaded; runner.hpp has the one that tries.
using allocator_check = std::function<bool(const allocator_info&)>;

}  // namespace tally
