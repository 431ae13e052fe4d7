// `tally doctor`: what of this machine and of this build makes numbers lie.
#pragma once

#include <string>

namespace tally {

struct doctor_options {
  std::string out;      // where results would go; empty: where a run puts them
  bool strict = false;  // a warning ends it with 1
  bool as_json = false;
};

// Takes about a second, in which it wants every CPU. Returns the exit code: 0, with `strict` 1 where something warns.
int doctor_session(const doctor_options&);

}  // namespace tally
