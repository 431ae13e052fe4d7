// The processors that a thread may run on: as many as Linux can have, where cpu_set_t ends at 1024. Allocates nothing.
#pragma once

#include <sched.h>

#include <array>
#include <climits>
#include <cstddef>
#include <span>
#include <vector>

namespace tally {

class cpu_set {
 public:
  static constexpr int most_cpus = 8192;  // the kernel's NR_CPUS, at most

  cpu_set() = default;
  // Numbers outside of the range are left out.
  explicit cpu_set(std::span<const int> cpus) {
    for (const int cpu : cpus) {
      const auto n = static_cast<std::size_t>(cpu);
      if (cpu >= 0 && cpu < most_cpus) words_[n / bits] |= 1UL << n % bits;
    }
  }
  // The calling thread's; empty where the kernel does not say.
  [[nodiscard]] static cpu_set of_this_thread() {
    cpu_set set;
    if (sched_getaffinity(0, sizeof set.words_, reinterpret_cast<cpu_set_t*>(set.words_.data())) < 0) set.words_ = {};
    return set;
  }

  // Binds the calling thread to them. False: the kernel refuses (there is none that may be used), and nothing changed.
  bool bind() const { return sched_setaffinity(0, sizeof words_, reinterpret_cast<const cpu_set_t*>(words_.data())) == 0; }

  [[nodiscard]] std::vector<int> cpus() const {
    std::vector<int> all;
    for (int cpu = 0; cpu < most_cpus; ++cpu) {
      const auto n = static_cast<std::size_t>(cpu);
      if ((words_[n / bits] >> n % bits & 1) != 0) all.push_back(cpu);
    }
    return all;
  }
  friend bool operator==(const cpu_set&, const cpu_set&) = default;

 private:
  // What the kernel reads and writes: cpu_set_t is such an array, too, of 1024 bits.
  static constexpr std::size_t bits = sizeof(unsigned long) * CHAR_BIT;
  std::array<unsigned long, most_cpus / bits> words_{};
};

}  // namespace tally
