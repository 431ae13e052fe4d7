#include "harness/report/verdicts_json.hpp"

#include <array>
#include <string_view>

#include "harness/report/run_summary.hpp"
#include "harness/results/metrics.hpp"

namespace tally {
namespace {

constexpr std::array<std::string_view, 6> outcome_names{"nothing", "unclear", "smoke", "baseline", "alike", "wins"};
static_assert(outcome_names.size() == static_cast<std::size_t>(scene_outcome::wins) + 1);

json figure_json(double value, const std::optional<interval>& around) {
  json j{{"value", value}, {"low", nullptr}, {"high", nullptr}};
  if (around) {
    j["low"] = around->low;
    j["high"] = around->high;
  }
  return j;
}

json ratio_json(const std::optional<ratio_estimate>& e) { return e ? figure_json(e->ratio, e->confidence) : json(nullptr); }

json row_json(const judged_row& j) {
  json row{{"row", j.row->row}, {"label", j.row->label}, {"strategy", j.row->strategy}};
  row.update(figure_json(j.value->value, j.value->confidence));
  row.update({{"ratio", ratio_json(j.against)},
              {"behind", ratio_json(j.behind)},
              {"apart", j.apart},
              {"never_frees", j.row->never_frees()},
              {"remarks", remarks(j)}});
  return row;
}

json scene_json(const scene_verdict& v, const estimator& statistics) {
  const metric_info& metric = judged_metric(v.scene->mode);
  json rows = json::array(), failed = json::array();
  for (const auto& j : v.rows) rows.push_back(row_json(j));
  for (const auto* r : v.failed) failed.push_back({{"row", r->row}, {"label", r->label}, {"reason", why_without(*v.scene, *r)}});
  return {{"scene", v.scene->scene},
          {"title", v.scene->title},
          {"mode", v.scene->mode},
          {"metric", metric.name},
          {"unit", metric.unit},
          {"outcome", outcome_names.at(static_cast<std::size_t>(v.outcome))},
          {"first", v.first != nullptr ? json(v.first->row) : json(nullptr)},
          {"headline", v.headline},
          {"smallest", v.smallest ? json(*v.smallest) : json(nullptr)},
          {"doubt", v.smallest_text()},
          {"allocation", allocation_text(v, statistics)},
          {"rows", std::move(rows)},
          {"failed", std::move(failed)}};
}

}  // namespace

json verdicts_json(const std::vector<scene_verdict>& all, const estimator& statistics, const summary_options& options) {
  json scenes = json::array();
  for (const auto& v : all) scenes.push_back(scene_json(v, statistics));
  return {{"citable", options.citable},
          {"baseline", options.baseline},
          {"overview", overview(all, options)},
          {"scenes", std::move(scenes)}};
}

json no_verdicts_json(std::string_view why) { return {{"missing", why}}; }

}  // namespace tally
