// The open loop: when operations are meant to begin, whatever became of those before them.
//
// In a closed loop an operation begins when the one before is over, so that a stop of 10 ms is one slow operation, and those that
// would have come meanwhile are never made ("coordinated omission" [WRK2]). In an open loop each has an intended start, and its
// latency counts from there: a thread that was stopped is late for all that had come due, and catches up without skipping any.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "harness/base/random.hpp"

namespace tally {

// constant: evenly spaced; poisson: independent of each other, the same number in the mean.
enum class arrival_kind { constant, poisson };
inline constexpr std::array<std::string_view, 2> arrival_names{"constant", "poisson"};
static_assert(arrival_names.size() == static_cast<std::size_t>(arrival_kind::poisson) + 1);

struct open_loop {
  double per_second = 0;  // steps of the workload, of all lanes together
  arrival_kind arrivals = arrival_kind::constant;
  std::uint64_t seed = 1;  // of Poisson arrivals
};

// The intended starts of one lane: its share of the row's rate, apart from the other lanes'. Evenly spaced ones are those of
// wrk2's: computed from their number, so that no error adds up [WRK2].
class arrival_schedule {
 public:
  // Counts from `origin_ns`, which all lanes have in common.
  arrival_schedule(const open_loop& of, int lane, int lanes, std::uint64_t origin_ns)
      : kind_(of.arrivals), origin_ns_(origin_ns), spacing_ns_(1e9 * lanes / of.per_second),
        first_ns_(spacing_ns_ * lane / lanes), at_ns_(first_ns_),
        random_(of.seed, arrivals_stream + static_cast<std::uint64_t>(lane)) {
    if (kind_ == arrival_kind::poisson) at_ns_ = exponential_ns();
  }
  [[nodiscard]] std::uint64_t next() const { return origin_ns_ + static_cast<std::uint64_t>(at_ns_); }
  void advance() {
    ++number_;
    at_ns_ = kind_ == arrival_kind::constant ? first_ns_ + spacing_ns_ * static_cast<double>(number_) : at_ns_ + exponential_ns();
  }
  // How many of those that are not over are before `ns`.
  [[nodiscard]] std::uint64_t due_before(std::uint64_t ns) const {
    arrival_schedule ahead = *this;
    while (ahead.next() < ns) ahead.advance();
    return ahead.number_ - number_;
  }

 private:
  // Apart from the lanes' own draws, which are streams 0, 1, 2 ... of the same seed.
  static constexpr std::uint64_t arrivals_stream = std::uint64_t{1} << 32;

  double exponential_ns() { return -spacing_ns_ * std::log1p(-static_cast<double>(random_() >> 11) * 0x1p-53); }

  arrival_kind kind_;
  std::uint64_t origin_ns_;
  double spacing_ns_;
  double first_ns_;  // from the origin; of evenly spaced ones
  double at_ns_;     // of the next one, from the origin
  random_source random_;
  std::uint64_t number_ = 0;  // that are over
};

// What a lane saw of its open loop, inside the window.
struct open_lane_counts {
  std::uint64_t late = 0;       // steps that were due before the one ahead of them was over
  std::uint64_t overslept = 0;  // steps that the kernel woke the thread too late for
  std::uint64_t spun_ns = 0;    // of processor time, until intended starts that were near
  // Steps that were due and had not begun, when the window opened and when it closed.
  std::uint64_t backlog_at_opening = 0, backlog_at_closing = 0;
};

}  // namespace tally
