// What a run says of published findings: each check's figure, a ratio or a row's own, against its band, and a verdict.
//
//   reproduced         every check's interval meets its band, and none reaches to what refutes it
//   direction only     none is refuted, and one is not reproduced
//   refuted            a figure's whole interval is beyond what refutes the finding, and Holm's correction [Holm79] over all checks of
//                      the table leaves it there: of a hundred checks whose figure is at its bound, a 95 % interval would refute two or three
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
  // Two-sided, of its being what refutes the check, if it is beyond that; 1 if it is not. Nothing where there is no interval.
  std::optional<double> p = {};
};
struct judged_check {
  const finding_check* check = nullptr;
  std::optional<check_figure> here;
  finding_verdict verdict = finding_verdict::not_testable;
  std::string why;         // not testable: the reason
  bool corrected = false;  // its interval is beyond what refutes it, and that may be chance among so many checks
};
struct judged_finding {
  const finding* about = nullptr;
  std::vector<judged_check> checks;
  finding_verdict verdict = finding_verdict::not_testable;
  bool shaky = false;  // half of a row's windows are doubtful, or more
  // Rows of the checks that a narrower interval might decide, if the finding's verdict may hang on it: the interval is on both sides of
  // what refutes them, or beyond it and may be so by chance, or it reaches into the band that its figure is outside of. Nothing hangs on
  // them where another check refutes the finding. Where another one is outside of its band for sure, those alone count whose figure itself
  // is beyond what refutes them.
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
// Of one finding alone: nothing is corrected.
[[nodiscard]] judged_finding judge(const finding&, const finding_keys&, const std::vector<scene_group>&, const estimator&);
// Of those that are told together: refutations that the correction over all their checks does not leave are none.
void correct_refutations(std::vector<judged_finding>&);

// One line each: what was published, what came out here, the verdict.
[[nodiscard]] std::string findings_table(const std::vector<judged_finding>&);
// All of one: its source, the checks with their bands, its rows, and the command that measures each.
[[nodiscard]] std::string finding_in_full(const judged_finding&, const std::vector<scene_group>&, const finding_keys&);
[[nodiscard]] json findings_json(const std::vector<judged_finding>&);

}  // namespace tally
