#include "harness/engine/think.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/memory/native.hpp"

namespace tally {
namespace {

// A round is long beside a look at the clock (some 30 ns) and short beside a time slice, so that a thread that is kept from
// running spoils single rounds only: the median has none of them.
constexpr int calibration_rounds = 15;
constexpr std::uint64_t calibration_steps = 200'000;  // some 200 us: a multiplication takes 3 or 4 cycles
constexpr double check_ns = 100'000;

// Sorted; of `times` calls of work() each.
template <class F>
std::array<double, calibration_rounds> timed_rounds(std::uint64_t times, const F& work) {
  std::array<double, calibration_rounds> ns{};
  for (double& round : ns) {
    const std::uint64_t start = native::now();
    for (std::uint64_t i = 0; i < times; ++i) work();
    round = static_cast<double>(native::now() - start) / static_cast<double>(times);
  }
  std::ranges::sort(ns);
  return ns;
}

}  // namespace

void think(std::uint64_t steps) {
  std::uint64_t product = steps;
  for (; steps != 0; --steps) {
    product *= 0x9e3779b97f4a7c15U;    // odd: never 0
    asm volatile("" : "+r"(product));  // the compiler can neither fold the chain nor leave it out
  }
}

const think_calibration& calibrated_think() {
  static const think_calibration once = [] {
    think(calibration_steps);  // the clock of a core that idled rises first
    const auto ns = timed_rounds(1, [] { think(calibration_steps); });
    const auto step = [](double round) { return round / static_cast<double>(calibration_steps); };
    return think_calibration{step(ns[calibration_rounds / 2]), step(ns.front()), step(ns.back()), calibration_rounds};
  }();
  return once;
}

think_work think_of(std::uint64_t ns) {
  if (ns == 0) return {};
  const double asked = static_cast<double>(ns);
  think_work work;
  work.steps = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(asked / calibrated_think().step_ns)));
  const auto times = static_cast<std::uint64_t>(std::ceil(check_ns / asked));
  work.took_ns = timed_rounds(times, [&] { think(work.steps); })[calibration_rounds / 2];
  return work;
}

}  // namespace tally
