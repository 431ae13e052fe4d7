// A recording replayed for a moment under one heap.
#pragma once

#include <string>

#include "harness/engine/bind.hpp"
#include "harness/engine/engine.hpp"
#include "workloads/trace.hpp"

namespace tally::testing {

template <class Heap>
window_result replay(const std::string& file, const std::string& mode, int lanes) {
  body_spec spec;
  spec.params = parameters(workloads::trace::info, {{"file", file}, {"mode", mode}});
  spec.lanes = lanes;
  bound_run<Heap, workloads::trace> body(spec);
  window_spec window;
  window.lanes = lanes;
  window.ramp_ns = 1'000'000;
  window.window_ns = 5'000'000;
  return run_window(body, window);
}

}  // namespace tally::testing
