// What the windows of a run say together: results grouped by scene and row, and for each row and metric one estimate, by one
// method (measure/statistics.hpp, docs/methodology.md). Summaries and plots read these; nobody else computes a median, a ratio
// or an interval of them. They are kept beside the rows, in estimates.jsonl.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/measure/statistics.hpp"
#include "harness/results/result.hpp"

namespace tally {

// The windows of a row.
struct row_group {
  std::string row, label, strategy;  // strategy: without its heap option
  bool baseline = false, again = false, own_heap = false;
  std::vector<const result*> windows;

  // By process and block; NaN where a window has no such figure.
  [[nodiscard]] replicated values(std::string_view metric) const;
  [[nodiscard]] bool has(std::string_view metric) const;  // in any window
  [[nodiscard]] std::size_t count(row_status) const;
  [[nodiscard]] std::size_t doubtful() const;
  [[nodiscard]] std::size_t saturated() const;
  [[nodiscard]] bool serial() const;
  [[nodiscard]] bool never_frees() const;
  [[nodiscard]] std::string failure() const;  // the last one's reason
};

// Rows that are compared with each other, in the plan's order.
struct scene_group {
  std::string scene, title, mode;
  std::vector<row_group> rows;
  [[nodiscard]] const row_group* baseline() const;
  [[nodiscard]] const row_group* again() const;  // the baseline, measured a second time
};

// `order`: keys of rows as planned; rows that are not in it come last. Skipped and observed rows are left out. The results must
// outlive what is returned.
[[nodiscard]] std::vector<scene_group> group_scenes(const std::vector<result>&, const std::vector<std::string>& order);

struct estimate {
  std::string scene, row, metric;
  std::string origin = {};  // of a merged directory's row (origin.hpp); "" elsewhere
  std::size_t processes = 0, windows = 0;
  double value = 0;                    // the mean over processes of the median over blocks
  std::optional<interval> confidence;  // of value, 95 %
  std::string baseline;                // key of the row that `against` compares with; empty: none in this scene
  std::optional<ratio_estimate>
      against;                  // baseline over this row, or this row over the baseline where more is better: above 1 is better
  std::optional<double> noise;  // what the baseline differs from itself by, in the worst window
  // Of what the row is compared by, window by window: its ratio to the baseline; of the baseline, to its second measurement; the
  // figures themselves where there is neither.
  std::optional<split_halves> halves = {};
  outlier_count outliers = {};
};

class estimator {
 public:
  // `citable`: intervals are given, of rows that have enough processes.
  explicit estimator(bool citable) : processes_needed_(citable ? citable_processes : never_citable) {}

  // Every metric of the catalogue that has a better side, for every row.
  [[nodiscard]] std::vector<estimate> all(const std::vector<scene_group>&) const;
  // Of these only what a row's mode is judged by.
  [[nodiscard]] std::vector<estimate> judged(const std::vector<scene_group>&) const;
  // Nothing where no window has the metric.
  [[nodiscard]] std::optional<estimate> one(const scene_group&, const row_group&, std::string_view metric) const;
  // a's figure over b's, window by window.
  [[nodiscard]] std::optional<ratio_estimate> ratio(const row_group& a, const row_group& b, std::string_view metric) const;
  [[nodiscard]] std::optional<double> noise(const scene_group&, std::string_view metric) const;

 private:
  [[nodiscard]] static replicated compared_logs(const scene_group&, const row_group&, std::string_view metric);
  struct wanted {
    const scene_group* scene;
    const row_group* row;
    std::string_view metric;
  };
  [[nodiscard]] std::vector<estimate> of(const std::vector<wanted>&) const;
  static constexpr int never_citable = 1'000'000;  // processes
  int processes_needed_;
};

// Of one row; null where there is none.
[[nodiscard]] const estimate* find_estimate(const std::vector<estimate>&, std::string_view row, std::string_view metric);

// estimates.jsonl in `directory`, whole. Throws results_error.
void write_estimates(const std::filesystem::path& directory, const std::vector<estimate>&);
// Before rows are added: what was said of fewer must not outlive a session that is killed before it says something of all.
void remove_estimates(const std::filesystem::path& directory);

}  // namespace tally
