#include "harness/run/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/base/text.hpp"
#include "harness/measure/presence.hpp"
#include "harness/results/record.hpp"
#include "harness/run/child.hpp"

namespace tally {
namespace {

// The workers of one process of the plan.
class workers {
 public:
  child& of(const row_spec& row) {
    auto& worker = alive_[worker_name(row)];
    if (!worker) {
      worker = std::make_unique<child>(std::vector<std::string>{"worker"}, allocator_named(row.allocator).library);
    }
    return *worker;
  }
  void forget(const row_spec& row) { alive_.erase(worker_name(row)); }
  void finish() {
    for (auto& [key, worker] : alive_) worker->finish();
    alive_.clear();
  }

 private:
  std::map<std::string, std::unique_ptr<child>> alive_;
};

bool begun(const std::set<window_key>& done, int process) {
  return std::ranges::any_of(done, [&](const window_key& key) { return std::get<1>(key) == process; });
}

std::string processes_text(const std::vector<int>& processes) {
  return fmt::format("process{} {}", processes.size() == 1 ? "" : "es", fmt::join(processes, ", "));
}

}  // namespace

bool allocator_loads(const allocator_info& a) {
  if (*a.library == '\0') return true;
  child worker({"worker"}, a.library);
  worker.send(R"({"hello":1})");
  std::string line;
  static const volatile int never = 0;
  const bool answered = worker.receive(line, 20, never) == child::answer::line;
  const json answer = answered ? json::parse(line, nullptr, false) : json();
  return answer.is_object() && answer.value("allocator", "") == a.name;
}

run_outcome execute(const run_plan& plan, const std::set<window_key>& done, double timeout_s, results_file& file,
                    std::vector<result>& results, progress& shown, const process_question& another,
                    const volatile int& interrupt) {
  run_outcome outcome;
  const double start = now_s();
  session_presence here;
  if (const auto others = here.others(); !others.empty()) {
    shown.say(fmt::format("Another tally works on this machine ({}): the rows of both are doubtful", processes_text(others)));
  }
  const auto keep = [&](json record) {
    if (const auto others = here.others(); !others.empty()) {
      add_doubt(record, fmt::format("another tally worked on this machine meanwhile ({})", processes_text(others)));
    }
    file.append(record);
    result r = result_from(record);
    ++outcome.measured;
    if (r.status == row_status::error) {
      ++outcome.errors;
      shown.say(fmt::format("error: {} (process {}, block {}): {}", r.row, r.process, r.block, r.reason));
    }
    results.push_back(std::move(r));
    return results.back().status;
  };
  for (int process = 0; process < std::max(plan.processes, plan.stop.most) && !outcome.interrupted; ++process) {
    workers team;
    for (const run_item& item : plan.items(process)) {
      if (done.contains({item.row.key(), item.process, item.block})) continue;
      shown.show(outcome.measured, now_s() - start, item.row.key());
      child& worker = team.of(item.row);
      worker.send(to_json(item).dump());
      const double patience = timeout_s + 20e-9 * static_cast<double>(item.row.window_ns + item.row.ramp_ns);
      std::string line;
      switch (worker.receive(line, patience, interrupt)) {
        case child::answer::line: {
          json record = json::parse(line, nullptr, false);
          if (!record.is_object()) record = error_record(item, "the worker's answer can't be read");
          if (keep(std::move(record)) == row_status::error)
            team.forget(item.row);  // what it left behind is in no other row's memory
          break;
        }
        case child::answer::ended:
          if (interrupt != 0) {  // by what interrupts the run: no fault of the row's
            outcome.interrupted = true;
            break;
          }
          keep(error_record(item, "the worker was " + worker.epitaph()));
          team.forget(item.row);
          break;
        case child::answer::late:
          worker.kill();
          keep(error_record(item, fmt::format("no result after {}; the worker was stopped", spoken_duration(patience))));
          team.forget(item.row);
          break;
        case child::answer::interrupted:
          worker.kill();
          outcome.interrupted = true;
          break;
      }
      if (outcome.interrupted) break;
    }
    if (outcome.interrupted) break;
    team.finish();
    outcome.processes = process + 1;
    if (!begun(done, process + 1) && !another(process + 1, now_s() - start)) break;
  }
  shown.finish();
  outcome.seconds = now_s() - start;
  const std::size_t wanted = outcome.interrupted ? plan.windows() : plan.windows_of(outcome.processes);
  outcome.missing = wanted - std::min(wanted, done.size() + outcome.measured);
  return outcome;
}

}  // namespace tally
