// The timed loops of the calibration.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <numeric>

#include "harness/base/random.hpp"
#include "harness/memory/native.hpp"
#include "harness/sim/calibrate.hpp"

namespace tally {
namespace {

constexpr int tries = 7;
constexpr std::uint64_t line_bytes = 64;

// ns of one of the `steps` steps that f() makes; the best of several.
template <class F>
double best_of(std::uint64_t steps, F&& f) {
  double best = 0;
  for (int i = 0; i < tries; ++i) {
    const std::uint64_t start = native::now();
    f();
    const double ns = static_cast<double>(native::now() - start) / static_cast<double>(steps);
    best = i == 0 ? ns : std::min(best, ns);
  }
  return best;
}

// Memory in huge pages where the kernel gives them.
class buffer {
 public:
  explicit buffer(std::uint64_t bytes) : bytes_((bytes + huge - 1) / huge * huge + huge) {
    void* p = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    at_ = static_cast<std::byte*>(p);
    madvise(at_, bytes_, MADV_HUGEPAGE);  // a wish: not granted, the pages are small and the TLB is in the figure
  }
  ~buffer() { munmap(at_, bytes_); }
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  [[nodiscard]] std::byte* begin() const {
    return reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(at_) + huge - 1) / huge * huge);
  }

 private:
  static constexpr std::uint64_t huge = std::uint64_t{2} << 20;
  std::uint64_t bytes_;
  std::byte* at_;
};

}  // namespace

// Sattolo's algorithm: exactly one cycle, where a plain shuffle makes several, of which the chase would see one.
std::vector<std::uint32_t> random_cycle(std::uint32_t n, std::uint64_t seed) {
  std::vector<std::uint32_t> order(n), next(n);
  std::iota(order.begin(), order.end(), 0U);
  random_source random(seed, n);
  for (std::uint32_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i - 1)]);
  for (std::uint32_t i = 0; i < n; ++i) next[i] = order[i];
  return next;
}

double clock_period_ns() {
  // One cycle each on every processor that runs this: an addition whose input is the last one's output.
  constexpr std::uint64_t rounds = 200'000, each = 16;
  return best_of(rounds * each, [] {
    std::uint64_t a = 1, b = 3;
    for (std::uint64_t i = 0; i < rounds; ++i) {
#if defined(__x86_64__)
      asm volatile(
          "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n"
          "add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n add %1, %0\n"
          : "+r"(a)
          : "r"(b)
          : "cc");
#else
      for (std::uint64_t k = 0; k < each; ++k) {
        a += b;
        asm volatile("" : "+r"(a));
      }
#endif
    }
  });
}

double chase_ns(std::uint64_t buffer_bytes) {
  const auto lines = static_cast<std::uint32_t>(std::max<std::uint64_t>(buffer_bytes / line_bytes, 2));
  const buffer memory(lines * line_bytes);
  {
    const std::vector<std::uint32_t> next = random_cycle(lines, 1);
    for (std::uint32_t i = 0; i < lines; ++i) {
      *reinterpret_cast<std::byte**>(memory.begin() + i * line_bytes) = memory.begin() + next[i] * line_bytes;
    }
  }
  const std::byte* at = memory.begin();
  const auto walk = [&](std::uint64_t steps) {
    for (std::uint64_t i = 0; i < steps; ++i) at = *reinterpret_cast<std::byte* const*>(at);
    asm volatile("" : : "r"(at));
  };
  // Warm; then long enough for the clock, and at least a fair part of the cycle.
  const std::uint64_t steps = std::clamp<std::uint64_t>(lines, 100'000, 400'000);
  walk(std::min<std::uint64_t>(lines, 4'000'000));
  return best_of(steps, [&] { walk(steps); });
}

double uncontended_store_ns() {
  alignas(line_bytes) std::atomic<std::uint64_t> word{0};
  constexpr std::uint64_t steps = 1'000'000;
  return best_of(steps, [&] {
    // relaxed: one thread, a plain store each
    for (std::uint64_t i = 0; i < steps; ++i) word.store(i, std::memory_order_relaxed);
  });
}

double uncontended_rmw_ns() {
  alignas(line_bytes) std::atomic<std::uint64_t> word{0};
  constexpr std::uint64_t steps = 200'000;
  return best_of(steps, [&] {
    std::uint64_t seen = 0;
    // relaxed: one thread; the result is used, so that each waits for the one before
    for (std::uint64_t i = 0; i < steps; ++i) seen = word.fetch_add(seen & 1, std::memory_order_relaxed);
    asm volatile("" : : "r"(seen));
  });
}

}  // namespace tally
