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

// Throws usage_error with the nearest name, which begins with `flag`.
[[nodiscard]] const allocator_info& allocator_named(std::string_view name, std::string_view flag = "--allocator");

// One of --allocator's.
struct allocator_choice {
  const allocator_info* info;
  allocator_choice() : allocator_choice(system_allocator.data()) {}
  allocator_choice(const char* typed) : info(&allocator_named(typed)) {}
  [[nodiscard]] static allocator_choice read(std::string_view flag, std::string_view text);
  [[nodiscard]] std::string text() const { return info->name; }
  friend bool operator==(const allocator_choice&, const allocator_choice&) = default;
};

// A strategy variant under an allocator, as keys, tables and plots call it: "atomic", "atomic+mimalloc".
[[nodiscard]] std::string under_allocator(const std::string& variant, std::string_view allocator);

// "libmimalloc.so.2 is not installed (Debian: apt-get install libmimalloc2.0)"
[[nodiscard]] std::string not_installed(const allocator_info&);

// Whether an allocator's library can be loaded; runner.hpp has the one that tries.
using allocator_check = std::function<bool(const allocator_info&)>;

}  // namespace tally
