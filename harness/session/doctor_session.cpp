#include "harness/session/doctor_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/terminal.hpp"
#include "harness/report/doctor_report.hpp"
#include "harness/results/results_folder.hpp"
#include "harness/session/program_checks.hpp"
#include "harness/session/session.hpp"

namespace tally {

static constexpr int exit_warned = 1;

int doctor_session(const doctor_options& o) {
  const host_reading host = read_host({}, cpu_topology(), {});
  std::vector<machine_check> checks = host_checks(host);
  std::ranges::move(program_checks(read_program(o.out.empty() ? results_home : std::filesystem::path(o.out))),
                    std::back_inserter(checks));
  if (o.as_json) {
    fmt::print("{}\n", doctor_json(checks, host).dump(2));
  } else {
    tell(doctor_text(checks));
  }
  const bool warned = std::ranges::find(checks, check_state::warn, &machine_check::state) != checks.end();
  return o.strict && warned ? exit_warned : exit_fine;
}

}  // namespace tally
