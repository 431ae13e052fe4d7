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

struct judged_by {
  std::string baseline = "atomic";
  std::uint64_t seed = 1;
};

// As the run was asked for; of results without a config.json that can be read, the usual.
judged_by judged_as(const fs::path& directory) {
  run_request request;
  try {
    read_request(read_config("report", directory).request, request);
  } catch (const usage_error&) {
    return {};
  }
  return {request.baseline.text(), request.seed};
}

json verdicts_in(const fs::path& directory) {
  const std::vector<result> results = load_results(directory / "rows.jsonl").results;
  const auto simulated = [](const result& r) { return r.simulated; };
  if (!results.empty() && std::ranges::all_of(results, simulated))
    return no_verdicts_json("the rows are simulated: predictions are not judged");
  std::set<int> processes;
  for (const result& r : results) processes.insert(r.process);
  const judged_by as = judged_as(directory);
  const summary_options options{as.baseline, processes.size() >= citable_processes};
  const estimator statistics(as.seed, options.citable);
  const std::vector<scene_group> scenes = group_scenes(results, {});
  const std::vector<estimate> estimates = statistics.judged(scenes);
  return verdicts_json(judge_all(scenes, estimates, statistics, options), statistics, options);
}

}  // namespace

std::string report_words(const fs::path& directory) {
  if (!fs::exists(directory / "rows.jsonl")) {
    throw usage_error(fmt::format("report {}: there is no rows.jsonl; name a results directory", directory.string()));
  }
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
