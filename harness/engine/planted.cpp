#include "harness/engine/planted.hpp"

namespace tally {
namespace {

struct slowed_batches {
  const batch_runner& own;
  double share;

  std::uint64_t run(std::uint64_t batch) const {
    const std::uint64_t began = own.clock();
    const std::uint64_t done = own.run(own.state, batch);
    const std::uint64_t ended = own.clock();
    const auto wait = static_cast<std::uint64_t>(share * static_cast<double>(ended - began));
    while (own.clock() - ended < wait) {}
    return done;
  }
};

}  // namespace

void planted_delay::operate(lane_control& lane, const batch_runner& batches) {
  slowed_batches slowed{batches, share_};
  batch_runner slower = batches;
  slower.state = &slowed;
  slower.run = [](void* state, std::uint64_t batch) { return static_cast<const slowed_batches*>(state)->run(batch); };
  lane.driver = nullptr;
  lane.operate(slower);
}

}  // namespace tally
