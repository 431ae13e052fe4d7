// `tally findings`: the rows of published findings, measured or read, and what they say.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/session/run_session.hpp"

namespace tally {

struct findings_options {
  std::vector<std::string> slugs;  // none: all
  std::string results;             // judged instead of measuring: a directory
  std::string out;                 // where what is measured is kept
  std::string expect;              // a file of slugs that may be refuted
  bool strict = false;             // what is not reproduced counts as refuted
  bool as_json = false, quiet = false;
  bool simulate = false;  // on the virtual multicore, which has the cores that this machine lacks
};

// Measures or simulates a suite, and ends it so; returns the exit code.
using findings_source = std::function<int(const suite_info&, const run_ending&)>;

// Returns the exit code: 1 where a finding is refuted that was not expected to be, with `strict` where one is not reproduced; else the
// run's. Throws usage_error, results_error.
int findings_session(const registry&, const findings_options&, const findings_source&);

}  // namespace tally
