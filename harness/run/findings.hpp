// Published findings about counting, as data: what was claimed, by whom and on what, the rows that ask the same question here, and
// what would refute it. Their files are harness/run/findings/SLUG.finding, in lines of KEY = VALUE [SOURCE] (harness/base/sourced.hpp);
// the first comment is the claim:
//
//   published    (any number) the figures
//   machine      (any number) the hardware that they were taken on, and the year
//   cores        how many this machine must have
//   row.NAME     STRATEGY WORKLOAD THREADS [MODE]: names as on the command line; no source
//   check.NAME   A / B METRIC in LOW .. HIGH, refuted above X, below Y: the ratio of two rows' figures; A METRIC in ...: the figure
//                of one, in the metric's unit. The band is the source's, set before anything was measured here
//   simulated    no: it asks what instructions cost, which a simulation does not model, as all do that need one core; no source
//   interpreters (one) ITEM, ITEM: what scripts/gil_vs_ft.py calls the items that ask real interpreters the same; no source
//   explained    why it comes out as it does here, where it does not as published; no source
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/sourced.hpp"
#include "harness/run/suites.hpp"

namespace tally {

struct finding_row {
  std::string name, strategy, workload;  // as typed
  int threads = 1;
  measure_mode mode = measure_mode::throughput;
  [[nodiscard]] suite_group group() const;
};

struct finding_check {
  std::string name, over, under, metric;  // rows' names; under: empty where the figure of one row is asked for
  double low = 0, high = 0;
  std::optional<double> refuted_above, refuted_below;
  std::string source;
  [[nodiscard]] std::string expected() const;  // "0.85 to 1.1; refuted above 1.25"
  [[nodiscard]] std::string subject() const;   // "two / one, ops_per_second"
};

struct finding {
  std::string slug, claim;
  std::vector<sourced_line> published, machines;
  int cores = 1;
  bool simulated = true;
  std::vector<finding_row> rows;
  std::vector<finding_check> checks;
  std::vector<std::string> interpreters;
  std::string explained;
  [[nodiscard]] const finding_row& row(std::string_view name) const;
  // Why a simulation does not answer for the row; empty: it does.
  [[nodiscard]] std::string not_simulated(const finding_row&) const;
};

// Throws usage_error with the label and the line.
[[nodiscard]] finding parse_finding(std::string_view text, const std::string& label);
[[nodiscard]] std::vector<std::string> finding_slugs();
// All that come with the program, by slug, or those named. Throws usage_error, with the nearest slug.
[[nodiscard]] std::vector<finding> choose_findings(const std::vector<std::string>& slugs);

// The suite of their rows: "findings" of all, "findings.SLUG+SLUG" of some; made once for each name.
inline constexpr std::string_view findings_suite_name = "findings";
[[nodiscard]] const suite_info& findings_suite(std::string_view name);
[[nodiscard]] std::string findings_suite_of(const std::vector<std::string>& slugs);

}  // namespace tally
