// A slow-down that is put into a lane on purpose, to see whether a run finds it: a build with TALLY_PLANT, for tests alone
// (docs/verification.md, "A planted slow-down").
//
// After each batch the lane waits for a share of what the batch took. The strategy's code is untouched, and a share of 0 goes the same
// way. Where lanes contend, the wait takes contention away, too: there a row gets slower by less than was planted.
#pragma once

#include "harness/engine/lane.hpp"

namespace tally {

class planted_delay final : public lane_driver {
 public:
  // `share` of a batch's own time: 0.1 adds 10 %.
  explicit planted_delay(double share) : share_(share) {}
  // Runs the lane through its phases, as it does without a driver.
  void operate(lane_control& lane, const batch_runner& batches) override;

 private:
  double share_;
};

}  // namespace tally
