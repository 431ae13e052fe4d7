#include "harness/results/estimates.hpp"

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <system_error>

#include "harness/base/files.hpp"
#include "harness/results/metrics.hpp"

namespace tally {
namespace {

constexpr const char* estimates_file = "estimates.jsonl";

bool any_finite(const replicated& values) {
  return std::ranges::any_of(
      values, [](const auto& process) { return std::ranges::any_of(process, [](double v) { return std::isfinite(v); }); });
}

// A strategy that counts objects of the block heap is the one that counts malloc's, on another allocator.
std::string without_heap_option(std::string strategy) {
  for (const char* option : {",heap=block", "heap=block,", ":heap=block"}) {
    if (const auto at = strategy.find(option); at != std::string::npos) strategy.erase(at, std::strlen(option));
  }
  return strategy;
}

row_group group_of(const result& r) {
  return {r.row,
          r.label(),
          r.on_block_heap ? without_heap_option(r.strategy) : r.strategy,
          r.role == row_role::baseline,
          r.role == row_role::again,
          r.own_heap && !r.on_block_heap,
          {}};
}

scene_group scene_of(const result& r) {
  std::string title = r.title();
  if (r.mode != name_of(measure_mode::throughput)) title += ", " + r.measured;
  if (r.oversubscribed) title += " (more threads than processors)";
  return {r.scene, std::move(title), r.mode, {}};
}

json or_null(const std::optional<double>& v) { return v ? json(*v) : json(nullptr); }
template <class Interval>
json bound(const std::optional<Interval>& i, double Interval::* side) {
  return i ? json((*i).*side) : json(nullptr);
}

json to_json(const estimate& e) {
  json ratio = nullptr;
  if (e.against) {
    ratio = {{"to", e.baseline},
             {"value", e.against->ratio},
             {"low", bound(e.against->confidence, &interval::low)},
             {"high", bound(e.against->confidence, &interval::high)}};
  }
  json line{{"schema", schema_number},
            {"scene", e.scene},
            {"row", e.row},
            {"metric", e.metric},
            {"processes", e.processes},
            {"windows", e.windows},
            {"value", e.value},
            {"low", bound(e.confidence, &interval::low)},
            {"high", bound(e.confidence, &interval::high)},
            {"confidence", 0.95},
            {"ratio", std::move(ratio)},
            {"noise", or_null(e.noise)},
            {"halves", nullptr},
            {"outliers", {{"mild", e.outliers.mild}, {"severe", e.outliers.severe}}}};
  if (const auto& h = e.halves) line["halves"] = {{"ratio", h->ratio}, {"p", h->p}, {"unstable", h->unstable()}};
  if (!e.origin.empty()) line["origin"] = e.origin;
  return line;
}

// Without the windows and processes that have no figure.
replicated finite(const replicated& values) {
  replicated kept;
  for (const auto& process : values) {
    std::vector<double> one;
    std::ranges::copy_if(process, std::back_inserter(one), [](double v) { return std::isfinite(v); });
    if (!one.empty()) kept.push_back(std::move(one));
  }
  return kept;
}

}  // namespace

replicated row_group::values(std::string_view metric) const {
  replicated all;
  for (const result* r : windows) {
    const auto process = static_cast<std::size_t>(r->process), block = static_cast<std::size_t>(r->block);
    if (all.size() <= process) all.resize(process + 1);
    if (all[process].size() <= block) all[process].resize(block + 1, NAN);
    all[process][block] = r->number(metric);
  }
  return all;
}

bool row_group::has(std::string_view metric) const { return any_finite(values(metric)); }

std::size_t row_group::count(row_status s) const {
  return static_cast<std::size_t>(std::ranges::count(windows, s, [](const result* r) { return r->status; }));
}
std::size_t row_group::doubtful() const {
  return static_cast<std::size_t>(std::ranges::count_if(windows, [](const result* r) { return r->doubtful; }));
}
std::size_t row_group::saturated() const {
  return static_cast<std::size_t>(std::ranges::count_if(windows, [](const result* r) { return r->saturated; }));
}
bool row_group::serial() const {
  return std::ranges::any_of(windows, [](const result* r) { return r->verdict == "serial"; });
}
bool row_group::never_frees() const {
  return std::ranges::any_of(windows, [](const result* r) { return r->never_frees; });
}
std::string row_group::failure() const {
  std::string reason;
  for (const result* r : windows) {
    if (r->status == row_status::error) reason = r->reason;
  }
  return reason;
}

const row_group* scene_group::baseline() const {
  const auto found = std::ranges::find_if(rows, &row_group::baseline);
  return found == rows.end() ? nullptr : &*found;
}
const row_group* scene_group::again() const {
  const auto found = std::ranges::find_if(rows, &row_group::again);
  return found == rows.end() ? nullptr : &*found;
}

std::vector<scene_group> group_scenes(const std::vector<result>& results, const std::vector<std::string>& order) {
  std::vector<scene_group> scenes;
  std::map<std::string, std::size_t> scene_at;
  std::map<std::string, std::size_t> row_at;
  for (const result* r : in_order(results, order)) {
    if (r->status == row_status::skipped || r->role == row_role::observed) continue;
    const auto [scene, new_scene] = scene_at.emplace(r->scene, scenes.size());
    if (new_scene) scenes.push_back(scene_of(*r));
    auto& rows = scenes[scene->second].rows;
    const auto [row, new_row] = row_at.emplace(r->row, rows.size());
    if (new_row) rows.push_back(group_of(*r));
    rows[row->second].windows.push_back(r);
  }
  return scenes;
}

std::optional<ratio_estimate> estimator::ratio(const row_group& a, const row_group& b, std::string_view metric) const {
  return ratio_of(a.values(metric), b.values(metric), processes_needed_);
}

std::optional<double> estimator::noise(const scene_group& s, std::string_view metric) const {
  if (s.baseline() == nullptr || s.again() == nullptr) return std::nullopt;
  const auto same = ratio_of(s.baseline()->values(metric), s.again()->values(metric), never_citable);
  if (!same) return std::nullopt;
  return std::exp(std::max(std::log(same->spread.high), -std::log(same->spread.low))) - 1;
}

replicated estimator::compared_logs(const scene_group& s, const row_group& r, std::string_view metric) {
  const row_group* to = r.baseline ? s.again() : s.baseline();
  replicated logs = to != nullptr ? paired_logs(r.values(metric), to->values(metric)) : replicated();
  return logs.empty() ? logs_of(r.values(metric)) : logs;
}

std::optional<estimate> estimator::one(const scene_group& s, const row_group& r, std::string_view metric) const {
  const replicated values = finite(r.values(metric));
  if (values.empty()) return std::nullopt;
  estimate e{s.scene, r.row, std::string(metric), "", values.size(), 0, centre(values), {}, "", {}, {}};
  for (const auto& process : values) e.windows += process.size();
  if (static_cast<int>(values.size()) >= processes_needed_) e.confidence = interval_of(values);
  if (const row_group* base = s.baseline(); base != nullptr) {
    const metric_info* info = measured_metric(metric);
    const bool more = info != nullptr && info->which == better::more;
    e.against = more ? ratio(r, *base, metric) : ratio(*base, r, metric);
    if (e.against) e.baseline = base->row;
    e.noise = noise(s, metric);
  }
  const replicated compared = compared_logs(s, r, metric);
  e.halves = halves_of(compared);
  e.outliers = outliers_of(compared);
  return e;
}

std::vector<estimate> estimator::all(const std::vector<scene_group>& scenes) const {
  std::vector<wanted> work;
  for (const auto& s : scenes) {
    for (const auto& r : s.rows) {
      for (const auto& m : measured_metrics()) {
        if (m.which != better::neither && m.name != "header_bytes") work.push_back({&s, &r, m.name});
      }
    }
  }
  return of(work);
}

std::vector<estimate> estimator::judged(const std::vector<scene_group>& scenes) const {
  std::vector<wanted> work;
  for (const auto& s : scenes) {
    for (const auto& r : s.rows) work.push_back({&s, &r, judged_metric(s.mode).name});
  }
  return of(work);
}

std::vector<estimate> estimator::of(const std::vector<wanted>& work) const {
  std::vector<std::optional<estimate>> found(work.size());
  oneapi::tbb::parallel_for(std::size_t{0}, work.size(),
                            [&](std::size_t i) { found[i] = one(*work[i].scene, *work[i].row, work[i].metric); });
  std::vector<estimate> estimates;
  for (auto& e : found) {
    if (e) estimates.push_back(std::move(*e));
  }
  return estimates;
}

const estimate* find_estimate(const std::vector<estimate>& all, std::string_view row, std::string_view metric) {
  const auto found = std::ranges::find_if(all, [&](const estimate& e) { return e.row == row && e.metric == metric; });
  return found == all.end() ? nullptr : &*found;
}

void write_estimates(const std::filesystem::path& directory, const std::vector<estimate>& all) {
  std::string text;
  for (const auto& e : all) text += to_json(e).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  write_whole(directory / estimates_file, text);
}

void remove_estimates(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / estimates_file;
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) refused(path, error.value());
}

}  // namespace tally
