// Preloaded into `tally`: faults at a point that the environment names.
//
//   TALLY_FAULT=alloc:N   the N-th allocation since main() began fails, and all after it (injection.cpp)
//   TALLY_FAULT=write:N   the N-th call that changes a file fails with ENOSPC; a write of a line leaves half of it behind
//   TALLY_FAULT=kill:N:S  the process gets signal S before its N-th such call
//   TALLY_FAULT_IN=worker only in processes that run `tally worker`, else only in others
//   TALLY_FAULT_COUNT=F   how many such points there were is written to file F when the process exits
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/fault/injection.hpp"

namespace {

constinit std::atomic<long> writes{0};
constinit long failing_write = 0, killing_write = 0, failing_allocation = 0, before_main = 0;
constinit int killing_signal = 0;
constinit char count_file[512] = "";

bool in_worker() {
  char line[4096];
  const int d = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0));
  const long n = ::syscall(SYS_read, d, line, sizeof line - 1);
  ::syscall(SYS_close, d);
  if (n <= 0) return false;
  line[n] = '\0';
  const std::size_t first = std::strlen(line) + 1;
  return static_cast<long>(first) < n && std::strcmp(line + first, "worker") == 0;
}

// True: this call fails.
bool change() {
  const long n = writes.fetch_add(1, std::memory_order_relaxed) + 1;
  if (n == killing_write) ::kill(::getpid(), killing_signal);
  if (n != failing_write) return false;
  errno = ENOSPC;
  return true;
}

struct setup {
  setup() {
    const char* fault = std::getenv("TALLY_FAULT");
    const char* where = std::getenv("TALLY_FAULT_IN");
    if ((where != nullptr && std::strcmp(where, "worker") == 0) != in_worker()) return;
    if (const char* f = std::getenv("TALLY_FAULT_COUNT")) std::snprintf(count_file, sizeof count_file, "%s", f);
    long n = 0;
    if (fault == nullptr) return;
    if (std::sscanf(fault, "alloc:%ld", &n) == 1) failing_allocation = n;
    if (std::sscanf(fault, "write:%ld", &n) == 1) failing_write = n;
    if (std::sscanf(fault, "kill:%ld:%d", &n, &killing_signal) == 2) killing_write = n;
  }
  ~setup() {
    if (*count_file == '\0') return;
    char text[64];
    const int length = std::snprintf(text, sizeof text, "%ld %ld\n", writes.load(), tally::fault::allocations() - before_main);
    const int d = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, count_file, O_WRONLY | O_CREAT | O_TRUNC, 0666));
    ::syscall(SYS_write, d, text, length);
    ::syscall(SYS_close, d);
  }
} const at_start;

using main_function = int (*)(int, char**, char**);
constinit main_function program = nullptr;

int begin(int argc, char** argv, char** environment) {
  before_main = tally::fault::allocations();
  if (failing_allocation != 0) tally::fault::fail_allocation(failing_allocation, true);
  return program(argc, argv, environment);
}

}  // namespace

extern "C" {

int __libc_start_main(main_function main, int argc, char** argv, void (*init)(), void (*fini)(), void (*rtld_fini)(),
                      void* stack) {
  using function = int (*)(main_function, int, char**, void (*)(), void (*)(), void (*)(), void*);
  program = main;
  const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  return real(begin, argc, argv, init, fini, rtld_fini, stack);
}

// Files only: pipes to and from workers are no disk.
ssize_t write(int descriptor, const void* bytes, std::size_t n) {
  const bool file = ::lseek(descriptor, 0, SEEK_CUR) >= 0;
  if (file && change()) {
    if (n < 2) return -1;
    return ::syscall(SYS_write, descriptor, bytes, n / 2) < 0 ? -1 : (failing_write = writes + 1, static_cast<ssize_t>(n / 2));
  }
  return ::syscall(SYS_write, descriptor, bytes, n);
}
int fdatasync(int descriptor) { return change() ? -1 : static_cast<int>(::syscall(SYS_fdatasync, descriptor)); }
int rename(const char* from, const char* to) { return change() ? -1 : static_cast<int>(::syscall(SYS_rename, from, to)); }
int mkdir(const char* path, mode_t mode) { return change() ? -1 : static_cast<int>(::syscall(SYS_mkdir, path, mode)); }
int symlink(const char* to, const char* at) { return change() ? -1 : static_cast<int>(::syscall(SYS_symlink, to, at)); }
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if (change()) return -1;
  }
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int open64(const char* path, int flags, ...) __attribute__((alias("open")));

}  // extern "C"
