#include "harness/engine/usage.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

#include "harness/memory/native.hpp"

namespace tally {

thread_usage thread_usage::now() {
  thread_usage u;
  u.wall_ns = native::now();
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  u.cpu_ns = static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_nsec);
  rusage r{};
  getrusage(RUSAGE_THREAD, &r);
  u.voluntary_switches = r.ru_nvcsw;
  u.involuntary_switches = r.ru_nivcsw;
  // "ran delayed slices", nanoseconds.
  if (const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC); file >= 0) {
    char text[96] = {};
    unsigned long long ran = 0, delayed = 0;
    if (read(file, text, sizeof text - 1) > 0 && std::sscanf(text, "%llu %llu", &ran, &delayed) == 2) {
      u.delay_ns = delayed;
      u.delay_known = true;
    }
    close(file);
  }
  return u;
}

std::uint64_t malloc_free_bytes() { return mallinfo2().fordblks; }

}  // namespace tally
