// One step of a lane whose context can leave.
//
// A program that has away(lane) may let its lane's context go: a step sets lane.leaving, the context is detached when the step
// has returned, away(lane) runs without one (it may move parcels, and wait for lane.env.stopping()), and a new context is
// attached. To a strategy this is a thread that ends and another that begins: what the first one made now has no owner.
#pragma once

#include <optional>
#include <type_traits>

namespace tally {

template <class H, class Program, class Lane>
inline auto step_attached(H& heap, std::optional<typename H::context>& context, Program& program, Lane& lane) {
  if constexpr (requires { program.away(lane); }) {
    const auto done = program.step(*context, lane);
    if (lane.leaving) [[unlikely]] {
      context.reset();
      program.away(lane);
      lane.leaving = false;
      context.emplace(heap);
    }
    return done;
  } else {
    return program.step(*context, lane);
  }
}

}  // namespace tally
