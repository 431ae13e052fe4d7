#include "harness/session/report_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/base/errors.hpp"
#include "harness/report/verdicts_json.hpp"
#include "harness/results/results_file.hpp"
#include "harness/run/suites.hpp"
#include "harness/session/config_file.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

// What the run was asked to compare with; of results without a config.json that can be read, the usual.
std::string baseline_of(const fs::path& directory) {
  run_request request;
  try {
    read_request(read_config("report", directory).request, request);
  } catch (const usage_error&) {
    return "atomic";
  }
  return request.baseline.text();
}

json verdicts_in(const fs::path& directory) {
  const std::vector<result> results = load_results(directory / "rows.jsonl").results;
  const auto simulated = [](const result& r) { return r.simulated; };
  if (!results.empty() && std::ranges::all_of(results, simulated))
    return no_verdicts_json("the rows are simulated: predictions are not judged");
  std::set<int> processes;
  for (const result& r : results) processes.insert(r.process);
  const summary_options options{baseline_of(directory), processes.size() >= citable_processes};
  const estimator statistics(options.citable);
  const std::vector<scene_group> scenes = group_scenes(results, {});
  const std::vector<estimate> estimates = statistics.judged(scenes);
  return verdicts_json(judge_all(scenes, estimates, statistics, options), statistics, options);
}

}  // namespace

void require_rows(const fs::path& directory) {
  if (!fs::exists(directory / "rows.jsonl")) {
    throw usage_error(fmt::format("report {}: there is no rows.jsonl; name a results directory", directory.string()));
  }
}

std::string report_words(const fs::path& directory) {
  json words;
  try {
    words = verdicts_in(directory);
  } catch (const results_error& e) {
    words = no_verdicts_json(e.what());
  } catch (const usage_error& e) {  // of another schema
    words = no_verdicts_json(e.what());
  }
  return words.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tally
