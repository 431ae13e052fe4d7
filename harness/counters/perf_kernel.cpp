// perf_event_open, for the calling thread.
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "harness/base/files.hpp"
#include "harness/counters/perf.hpp"

namespace tally {
namespace {

class kernel_source final : public perf_source {
 public:
  int open(const perf_code& code, int leader) override {
    perf_event_attr attr{};
    attr.size = sizeof attr;
    attr.type = code.type;
    attr.config = code.config;
    attr.config1 = code.config1;
    attr.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.exclude_kernel = code.kernel ? 0 : 1;
    attr.exclude_hv = 1;
    const long handle = syscall(SYS_perf_event_open, &attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
    return handle < 0 ? -errno : static_cast<int>(handle);
  }

  int read(int leader, std::size_t counters, perf_reading& into) override {
    // number of events, enabled, running, then a value each
    std::vector<std::uint64_t> words(3 + counters);
    const ssize_t want = static_cast<ssize_t>(words.size() * sizeof words[0]);
    const ssize_t got = ::read(leader, words.data(), static_cast<std::size_t>(want));
    if (got < 0) return errno;
    if (got != want || words[0] != counters) return EIO;
    into.enabled_ns = words[1];
    into.running_ns = words[2];
    into.values.assign(words.begin() + 3, words.end());
    return 0;
  }

  void close(int handle) override { ::close(handle); }

  [[nodiscard]] bool has_pmu() const override {
    // cpu on x86, cpu_core on its hybrids, armv8_... on Arm
    for (const auto& entry : entries_of("/sys/bus/event_source/devices")) {
      const std::string name = entry.filename().string();
      if (name.starts_with("cpu") || name.starts_with("armv")) return true;
    }
    return false;
  }
};

}  // namespace

perf_source& kernel_perf() {
  static kernel_source source;
  return source;
}

}  // namespace tally
