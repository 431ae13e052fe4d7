// What a run says of published findings: each check's figure, a ratio or a row's own, against its band, and a verdict.
//
//   reproduced         every check's interval meets its band, and none reaches to what refutes it
//   direction only     none is refuted, and one is not reproduced
//   refuted            a figure's whole interval is beyond what refutes the finding
//   not testable here  a row can't be measured on this machine or is not in this build
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/results/estimates.hpp"
#include "harness/results/json.hpp"
#include "harness/run/findings.hpp"

namespace tally {

enum class finding_verdict { reproduced, direction_only, refuted, not_testable };
[[nodiscard]] std::string_view name_of(finding_verdict);

// What a check asks for, as it came out.
struct check_figure {
  double value = 0;
  interval around;  // 95 %, or with too few processes the least and the greatest window
};
struct judged_check {
  const finding_check* check = nullptr;
  std::optional<check_figure> here;
  finding_verdict verdict = finding_verdict::not_testable;
  std::string why;  // not testable: the reason
};
struct judged_finding {
  const finding* about = nullptr;
  std::vector<judged_check> checks;
  finding_verdict verdict = finding_verdict::not_testable;
  bool shaky = false;  // half of a row's windows are doubtful, or more
  // Rows of the checks whose interval is on both sides of what refutes them, if the finding's verdict may hang on it: narrower, it might
  // be on one. Nothing hangs on them where another check refutes the finding. Where another one is outside of its band for sure, those
  // alone count whose figure itself is beyond what refutes them.
  [[nodiscard]] std::set<std::string> open_rows() const;
};

inline constexpr std::string_view simulated_mode = "simulated";

// What a row is called in results, or why it is in none.
struct finding_key {
  std::string strategy, workload;  // labels
  std::size_t threads = 1;
  std::string mode, reason;
  [[nodiscard]] bool names(const result&) const;
  [[nodiscard]] std::string text() const;
};
using finding_keys = std::map<std::string, finding_key>;  // by the row's name

[[nodiscard]] finding_verdict verdict_of(const finding_check&, const check_figure&);
[[nodiscard]] judged_finding judge(const finding&, const finding_keys&, const std::vector<scene_group>&, const estimator&);

// One line each: what was published, what came out here, the verdict.
[[nodiscard]] std::string findings_table(const std::vector<judged_finding>&);
// All of one: its source, the checks with their bands, its rows, and the command that measures each.
[[nodiscard]] std::string finding_in_full(const judged_finding&, const std::vector<scene_group>&, const finding_keys&);
[[nodiscard]] json findings_json(const std::vector<judged_finding>&);

}  // namespace tally
