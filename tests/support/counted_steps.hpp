// A lane that takes a number of steps instead of a time, and counts in how many of them what had something else inside.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <thread>

#include "harness/engine/lane.hpp"
#include "harness/engine/registry.hpp"

namespace tally::testing {

struct counted_steps : lane_driver {
  explicit counted_steps(int n) : steps(n) {}
  void operate(lane_control&, const batch_runner& b) override {
    for (int i = 0; i < steps; ++i) {
      b.run(b.state, 1);
      const delay_bits bits = inside.read(b);
      for (std::size_t d = 0; d < delays; ++d) seen[d] += bits.has(d);
    }
  }
  [[nodiscard]] int of(delay d) const { return seen[static_cast<std::size_t>(d)]; }
  int steps;
  delay_reader inside;
  std::array<int, delays> seen{};
};

// The only lane of `body`; what its oracle says.
inline std::string driven(run_body& body, counted_steps& driver) {
  conductor_words words;
  words.phase = static_cast<int>(phase::ramp_up);
  lane_control control;
  control.shared = &words;
  control.driver = &driver;
  return body.run([&] { std::thread([&] { body.lane(0, control); }).join(); }).message;
}

}  // namespace tally::testing
