// Mappings of our own, for LeakSanitizer: it looks for pointers in what malloc gave, on stacks and in globals, and what only an
// object in a block heap or an arena refers to would be a leak to it. Nothing in a build without AddressSanitizer.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define TALLY_LEAK_ROOTS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TALLY_LEAK_ROOTS
#endif
#endif
#ifdef TALLY_LEAK_ROOTS
#include <sanitizer/lsan_interface.h>
#endif

namespace tally {

// From add to remove the readable parts of [at, at + bytes) are looked through. leaks(object): a program leaks it on purpose, with
// all that it leads to.
struct leak_roots {
#ifdef TALLY_LEAK_ROOTS
  static void add(const void* at, std::size_t bytes) { __lsan_register_root_region(at, bytes); }
  static void remove(const void* at, std::size_t bytes) { __lsan_unregister_root_region(at, bytes); }
  static void leaks(const void* object) { __lsan_ignore_object(object); }
#else
  static void add(const void*, std::size_t) {}
  static void remove(const void*, std::size_t) {}
  static void leaks(const void*) {}
#endif
};

}  // namespace tally
