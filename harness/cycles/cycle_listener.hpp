// What a collector tells of what it does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally {

// Hears of what a collector does. For watching programs; no strategy's own.
class cycle_listener {
 public:
  virtual void collected(int generation, std::uint64_t unreachable) = 0;
  // Before and after the observers of one dead object are told.
  virtual void telling(std::size_t observers) = 0;
  virtual void told(std::size_t observers) = 0;

 protected:
  ~cycle_listener() = default;
};

}  // namespace tally
