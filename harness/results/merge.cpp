#include "harness/results/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <sstream>
#include <tuple>

#include "harness/base/files.hpp"
#include "harness/base/text.hpp"
#include "harness/results/binary.hpp"
#include "harness/results/results_file.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

std::string dumped(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

json parsed_config(const fs::path& directory) {
  return json::parse(text_in(directory / "config.json").value_or(""), nullptr, false);
}

std::string text_of(const json& in, const char* key) {
  const auto found = in.find(key);
  return found != in.end() && found->is_string() ? found->get<std::string>() : "";
}

json fields_json(const std::vector<origin_field>& fields) {
  json all = json::object();
  for (const auto& f : fields) all[f.name.substr(f.name.find('.') + 1)] = f.value;
  return all;
}

json origin_json(const row_origin& o, std::size_t processes) {
  return {{"name", o.name()},
          {"git", o.git},
          {"dirty", o.dirty},
          {"executable", o.executable},
          {"processes", processes},
          {"binary", fields_json(o.build)},
          {"machine", fields_json(o.surround)},
          {"protocol", fields_json(o.protocol)}};
}

// As its run wrote it.
void unmerge(json& record, std::string& run) {
  const auto found = record.find("merged");
  if (found == record.end()) return;
  run = text_of(*found, "run");
  if (found->contains("process")) record["process"] = found->at("process");
  record.erase("merged");
}

}  // namespace

bool is_merge(const fs::path& directory) {
  const json config = parsed_config(directory);
  return config.is_object() && config.contains("merged");
}

void merger::add(const fs::path& directory) {
  const fs::path rows = directory / "rows.jsonl";
  if (!fs::exists(rows)) {
    complaints_.push_back(fmt::format("{}: there is no run (no rows.jsonl); it is left out", directory.string()));
    return;
  }
  run_.clear();
  read_config(directory);
  check_estimates(directory);
  std::string fallback;  // a run without a config.json is known by its first record
  try {
    auto damaged = each_record(rows, [&](json& record, result& r) {
      if (fallback.empty()) fallback = fmt::format("{:016x}", text_hash(dumped(record)));
      keep(record, r, fallback);
    });
    std::ranges::move(damaged, std::back_inserter(complaints_));
  } catch (const results_error& e) {
    complaints_.push_back(fmt::format("{}; it is left out", e.what()));
  }
}

void merger::read_config(const fs::path& directory) {
  const json config = parsed_config(directory);
  if (!config.is_object()) {
    complaints_.push_back(
        fmt::format("{}: is damaged or missing; the rows are taken without it", (directory / "config.json").string()));
    return;
  }
  const auto merged = config.find("merged");
  if (merged == config.end()) {
    run_ = fmt::format("{:016x}", text_hash(dumped(config)));
    runs_[run_] = {config, text_of(config, "started")};
  } else if (merged->is_object() && merged->contains("runs") && merged->at("runs").is_array()) {
    for (const auto& run : merged->at("runs")) {
      if (!run.is_object()) continue;
      const json of = run.contains("config") ? run.at("config") : json();
      runs_[text_of(run, "run")] = {of, of.is_object() ? text_of(of, "started") : ""};
    }
  }
}

// Estimates are computed anew, so that nothing of them is needed; what is damaged is named all the same.
void merger::check_estimates(const fs::path& directory) {
  const fs::path path = directory / "estimates.jsonl";
  const auto text = text_in(path);
  if (!text) return;
  std::istringstream lines(*text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const json estimate = json::parse(line, nullptr, false);
    if (!estimate.is_object() || !estimate.contains("row") || !estimate.contains("metric") || !estimate.contains("value")) {
      complaints_.push_back(fmt::format("{}: line {} is not an estimate; all are computed anew", path.string(), number));
    }
  }
}

void merger::keep(json& record, const result& r, const std::string& fallback) {
  std::string run = run_.empty() ? fallback : run_;
  const std::size_t origin = origins_.place(record, r.origin);
  unmerge(record, run);
  runs_.try_emplace(run);
  const int process =
      record.contains("process") && record.at("process").is_number_integer() ? record.at("process").get<int>() : 0;
  const bool skipped = r.status == row_status::skipped;
  // Measured windows differ in what was seen of the machine; failures and skipped rows may be alike in two runs.
  const std::string window =
      skipped ? fmt::format("{}|{}|{}", origin, r.row, r.reason) : fmt::format("{}|{}|{}|{}", run, r.row, process, r.block);
  const bool known = r.has_metrics() && contents_.contains(text_hash(dumped(record)));
  if (known || windows_.contains(window)) {
    repeated_ += skipped ? 0 : 1;
    return;
  }
  if (r.has_metrics()) contents_.insert(text_hash(dumped(record)));
  windows_.insert(window);
  records_.push_back({std::move(record), origin, run, process, r.block, skipped});
}

std::vector<std::string> merger::runs_in_order() const {
  std::vector<std::string> ids;
  for (const auto& [id, run] : runs_) ids.push_back(id);
  std::ranges::stable_sort(ids, {}, [&](const std::string& id) { return std::tie(runs_.at(id).started, id); });
  return ids;
}

// The rows of all plans, each where the first plan that has it has it.
std::vector<std::string> merger::planned_in(const std::vector<std::string>& runs) const {
  std::vector<std::string> order;
  std::set<std::string> there;
  for (const auto& id : runs) {
    const json& config = runs_.at(id).config;
    if (!config.is_object() || !config.contains("rows")) continue;
    for (const auto& row : config.at("rows")) {
      if (row.is_string() && there.insert(row.get<std::string>()).second) order.push_back(row);
    }
  }
  return order;
}

merged_files merger::files() const {
  merged_files out;
  const std::vector<std::string> ids = runs_in_order();
  out.order = planned_in(ids);
  std::map<std::string, std::size_t> rank;
  for (std::size_t i = 0; i < ids.size(); ++i) rank[ids[i]] = i;
  std::vector<std::size_t> by_name(origins_.origins().size());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  std::ranges::sort(by_name, {}, [&](std::size_t i) { return origins_.origins()[i].name(); });
  std::vector<std::size_t> processes(by_name.size());
  std::set<std::size_t> used;
  for (const std::size_t origin : by_name) {
    std::vector<const kept_record*> here;
    for (const auto& k : records_) {
      if (k.origin == origin) here.push_back(&k);
    }
    // A row that was skipped comes first, as in a run; within a process its own order, which the runs' files have.
    std::ranges::stable_sort(here, {}, [&](const kept_record* k) {
      return std::tuple(!k->skipped, k->skipped ? std::size_t{0} : rank.at(k->run), k->process);
    });
    std::map<std::pair<std::size_t, int>, int> numbers;
    for (const auto* k : here) {
      if (!k->skipped) numbers.emplace(std::pair(rank.at(k->run), k->process), static_cast<int>(numbers.size()));
    }
    processes[origin] = numbers.size();
    const std::string name = origins_.origins()[origin].name();
    origin_results of{origins_.origins()[origin], {}};
    for (const auto* k : here) {
      json record = k->record;
      used.insert(rank.at(k->run));
      if (!k->skipped) record["process"] = numbers.at({rank.at(k->run), k->process});
      record["merged"] = {{"origin", name}, {"run", k->run}, {"process", k->process}};
      out.rows += dumped(record) + "\n";
      of.results.push_back(result_from(record));
      out.windows += k->skipped ? 0 : 1;
    }
    out.origins.push_back(std::move(of));
  }
  out.runs = used.size();
  out.config = config_json(out, processes).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  return out;
}

json merger::config_json(const merged_files& files, const std::vector<std::size_t>& processes) const {
  json origins = json::array(), runs = json::array();
  std::size_t most = 0;
  for (const auto& of : files.origins) {
    const auto found = std::ranges::find(origins_.origins(), of.origin.name(), &row_origin::name);
    const std::size_t n = processes[static_cast<std::size_t>(found - origins_.origins().begin())];
    most = std::max(most, n);
    origins.push_back(origin_json(of.origin, n));
  }
  for (const auto& id : runs_in_order()) runs.push_back({{"run", id}, {"config", runs_.at(id).config}});
  const std::string started = runs.empty() ? "" : runs_.at(text_of(runs.front(), "run")).started;
  return {{"schema", schema_number}, {"started", started},
          {"suite", "merged"},       {"rows", files.order},
          {"processes", most},       {"merged", {{"origins", std::move(origins)}, {"runs", std::move(runs)}}}};
}

}  // namespace tally
