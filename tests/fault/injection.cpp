#include "tests/fault/injection.hpp"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

// The allocator behind the names that are taken here.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace tally::fault {
namespace {

constinit std::atomic<long> made{0};
constinit std::atomic<long> left{0};  // counts down to the one that fails; 0: none is counted
constinit std::atomic<bool> lasts{false}, failing{false}, failed{false};
constinit std::atomic<int> exemptions{0};

bool fails() {
  made.fetch_add(1, std::memory_order_relaxed);
  if (exemptions.load(std::memory_order_relaxed) != 0) return false;
  if (failing.load(std::memory_order_relaxed)) return true;
  if (left.load(std::memory_order_relaxed) <= 0) return false;
  if (left.fetch_sub(1, std::memory_order_relaxed) != 1) return false;
  failed.store(true, std::memory_order_relaxed);
  failing.store(lasts.load(std::memory_order_relaxed), std::memory_order_relaxed);
  return true;
}

}  // namespace

void fail_allocation(long n, bool lasting) {
  failed = false;
  lasts = lasting;
  left = n;
}
bool stop_failing() {
  left = 0;
  failing = false;
  return failed;
}
long allocations() { return made; }
exempt::exempt() { exemptions.fetch_add(1, std::memory_order_relaxed); }
exempt::~exempt() { exemptions.fetch_sub(1, std::memory_order_relaxed); }

}  // namespace tally::fault

using tally::fault::fails;

namespace {

void* refuse() {
  errno = ENOMEM;
  return nullptr;
}

}  // namespace

extern "C" {

void* malloc(std::size_t n) { return fails() ? refuse() : __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t each) { return fails() ? refuse() : __libc_calloc(n, each); }
void* realloc(void* p, std::size_t n) { return fails() ? refuse() : __libc_realloc(p, n); }
void* memalign(std::size_t alignment, std::size_t n) { return fails() ? refuse() : __libc_memalign(alignment, n); }
void* aligned_alloc(std::size_t alignment, std::size_t n) { return memalign(alignment, n); }
int posix_memalign(void** into, std::size_t alignment, std::size_t n) {
  void* p = memalign(alignment, n);
  if (p == nullptr) return ENOMEM;
  *into = p;
  return 0;
}

void* mmap(void* at, std::size_t n, int protection, int flags, int descriptor, off_t offset) {
  if (fails()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, n, protection, flags, descriptor, offset));
}
int mprotect(void* at, std::size_t n, int protection) {
  if (fails()) {
    errno = ENOMEM;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_mprotect, at, n, protection));
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
  return fails() ? EAGAIN : real(thread, attributes, start, argument);
}

}  // extern "C"
