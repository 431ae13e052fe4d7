#include "tests/conform/sequences/memory.hpp"

#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstring>

// The linker's --wrap (tests/CMakeLists.txt) makes calls of malloc calls of __wrap_malloc, and __real_malloc is malloc.
extern "C" {
void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_aligned_alloc(std::size_t, std::size_t);
void __real_free(void*);
}

namespace {

constinit std::atomic<long> held{0};

void* counted(void* p) {
  if (p != nullptr) ++held;
  return p;
}

}  // namespace

extern "C" {
void* __wrap_malloc(std::size_t n) { return counted(__real_malloc(n)); }
void* __wrap_calloc(std::size_t n, std::size_t each) { return counted(__real_calloc(n, each)); }
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t n) { return counted(__real_aligned_alloc(alignment, n)); }
void __wrap_free(void* p) {
  if (p != nullptr) {
    --held;
    std::memset(p, 0x5a, malloc_usable_size(p));
  }
  __real_free(p);
}
}

namespace tally::conform {

long blocks_held() { return held; }

}  // namespace tally::conform
