// The parent of a run: starts worker processes, gives them one window after the other, puts every record on the disk before
// the next window starts, and survives what the workers do.
//
// A worker that crashes or hangs makes an error row for the window it had, and a new worker goes on. Rows of process-global
// strategies have a worker each; so has every allocator.
#pragma once

#include <csignal>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "harness/measure/allocators.hpp"
#include "harness/results/results_file.hpp"
#include "harness/run/plan.hpp"
#include "harness/run/progress.hpp"

namespace tally {

struct run_outcome {
  std::size_t measured = 0, errors = 0, missing = 0;
  bool interrupted = false;
  int processes = 0;  // whole ones, done already or now
  double seconds = 0;
};

// Asked after each whole process, with the number of them and the seconds since execute() began, unless windows of the next one are done
// already: is another one measured?
using process_question = std::function<bool(int processes, double seconds)>;

// Measures what the plan says and `done` has not. Records are appended to `file`, and what they say to `results`. When
// `interrupt` is set, the window in flight is given up. Throws results_error when the disk refuses.
run_outcome execute(const run_plan&, const std::set<window_key>& done, double timeout_s, results_file& file,
                    std::vector<result>& results, progress& shown, const process_question& another,
                    const volatile int& interrupt);

// Asks a worker whether the allocator's library could be loaded.
[[nodiscard]] bool allocator_loads(const allocator_info&);

}  // namespace tally
