// What goes wrong because of what somebody typed, or because a disk refused.
#pragma once

#include <stdexcept>

namespace tally {

// Bad input: one line that names the flag and the value. The command line prints it and exits with 64.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Nothing in this binary is called that.
struct unknown_name : usage_error {
  using usage_error::usage_error;
};

// A file or disk refused: the harness's failure, not the strategy's. Exit code 3.
struct results_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace tally
