#include "harness/report/run_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "harness/base/text.hpp"
#include "harness/measure/statistics.hpp"
#include "harness/report/listing.hpp"

namespace tally {
namespace {

// What a mode is judged by; less is better for all of them.
struct judged_by {
  const char* metric;
  const char* unit;
  double scale;
  const char* better;   // "{} times as fast as", for the winner
};
const judged_by& of_mode(const std::string& mode) {
  static const judged_by speed{"ns_per_op", "ns/op", 1, "{:.3g} times as fast as {}"};
  static const judged_by tail{"latency_p99", "ns p99", 1, "with a 99th percentile {:.3g} times shorter than {}'s"};
  static const judged_by peak{"live_bytes_peak", "MiB peak", 1.0 / 1048576, "with a peak {:.3g} times smaller than {}'s"};
  return mode == "latency" ? tail : mode == "memory" ? peak : speed;
}

struct row_results {
  std::string name;
  std::string strategy;
  bool baseline = false, again = false, floor = false, own_heap = false;
  replicated values;          // of the mode's metric; NaN where a window failed
  std::vector<double> cpu;    // ns an operation
  std::size_t windows = 0, doubtful = 0, errors = 0, exhausted = 0;
  std::string reason, serial;
  [[nodiscard]] std::vector<double> flat() const {
    std::vector<double> all;
    for (const auto& p : values) {
      for (const double v : p) {
        if (std::isfinite(v)) all.push_back(v);
      }
    }
    return all;
  }
};

// A strategy that counts objects of the block heap is the one that counts malloc's, on another allocator.
void on_block_heap(row_results& row) {
  for (const char* option : {",heap=block", "heap=block,", ":heap=block"}) {
    if (const auto at = row.strategy.find(option); at != std::string::npos) row.strategy.erase(at, std::strlen(option));
  }
  row.own_heap = false;
}

struct scene_results {
  std::string title, mode;
  std::vector<row_results> rows;   // in the plan's order
};

void put(replicated& values, std::size_t process, std::size_t block, double v) {
  if (values.size() <= process) values.resize(process + 1);
  if (values[process].size() <= block) values[process].resize(block + 1, NAN);
  values[process][block] = v;
}

std::vector<scene_results> gather(const std::vector<const json*>& records) {
  std::vector<scene_results> scenes;
  std::map<std::string, std::size_t> scene_at;
  std::map<std::string, std::size_t> row_at;
  for (const json* record : records) {
    const json& r = *record;
    if (r.at("status") == "skipped" || r.value("role", "") == "observed") continue;
    const std::string scene = r.at("scene"), key = r.at("row");
    const json& config = r.at("config");
    if (!scene_at.contains(scene)) {
      scene_at[scene] = scenes.size();
      const std::string mode = config.at("mode");
      std::string title = fmt::format("{}, {}", config.at("workload").at("label").get<std::string>(),
                                      counted(config.at("threads").get<std::size_t>(), "thread"));
      if (mode != "throughput") title += ", " + mode;
      if (config.at("oversubscribed").get<bool>()) title += " (more threads than processors)";
      scenes.push_back({title, mode, {}});
    }
    scene_results& s = scenes[scene_at[scene]];
    if (!row_at.contains(key)) {
      row_at[key] = s.rows.size();
      row_results row;
      row.name = key.substr(0, key.find('|'));
      row.strategy = config.at("strategy").at("label");
      row.own_heap = config.at("strategy").value("own_heap", false);
      if (config.at("strategy").value("options", json::object()).value("heap", "") == "block") on_block_heap(row);
      row.baseline = r.at("role") == "baseline";
      row.again = r.at("role") == "aa";
      s.rows.push_back(row);
    }
    row_results& row = s.rows[row_at[key]];
    ++row.windows;
    double value = NAN;
    if (r.at("status") == "error") {
      ++row.errors;
      row.reason = r.at("reason");
    } else {
      const json& metrics = r.at("metrics");
      const auto number = [&](const char* name) {
        return metrics.contains(name) ? metrics.at(name).at("value").get<double>() : NAN;
      };
      value = number(of_mode(s.mode).metric);
      if (const double cpu = number("cpu_ns_per_op"); std::isfinite(cpu)) row.cpu.push_back(cpu);
      if (r.at("quality").value("doubtful", false)) ++row.doubtful;
      if (r.at("quality").value("verdict", "") == "serial") row.serial = "serial";
      if (r.at("status") == "exhausted") ++row.exhausted;
      row.floor = r.at("oracle").at("class") == "never_frees";
    }
    put(row.values, r.at("process"), r.at("block"), value);
  }
  return scenes;
}

struct judged_row {
  const row_results* row = nullptr;
  double value = 0;
  std::optional<ratio_estimate> against;   // baseline over this row: above 1 is better than the baseline
  bool different = true;
};

std::string remarks(const judged_row& j, double noise) {
  std::vector<std::string> words;
  const row_results& r = *j.row;
  if (r.baseline) words.emplace_back("baseline");
  if (r.baseline && noise > 0) words.push_back(fmt::format("against itself within {:.1f} %", 100 * noise));
  if (!j.different && !r.baseline) words.emplace_back("no difference");
  if (r.floor) words.emplace_back("never frees: the floor");
  if (!r.serial.empty()) words.emplace_back("serial: no scaling claim");
  if (r.doubtful != 0) words.push_back(fmt::format("doubtful in {} of {} windows", r.doubtful, r.windows));
  if (r.exhausted != 0) words.push_back(fmt::format("arena full in {} of {} windows", r.exhausted, r.windows));
  if (r.errors != 0) words.push_back(fmt::format("{} of {} windows failed", r.errors, r.windows));
  return fmt::format("{}", fmt::join(words, "; "));
}

std::string ratio_text(const ratio_estimate& e) {
  std::string text = fmt::format("{:.2f}x", e.ratio);
  if (const auto& c = e.confidence) text += fmt::format(" [{:.2f}, {:.2f}]", c->low, c->high);
  return text;
}

bool differs(const ratio_estimate& e, double noise) {
  const bool more_than_noise = std::abs(std::log(e.ratio)) > std::log(1 + noise);
  const auto& c = e.confidence;
  return more_than_noise && (!c || c->low > 1 || c->high < 1);
}

struct compared_row {
  const row_results* row = nullptr;
  std::optional<ratio_estimate> gain;   // above 1: it is better than what it was compared with
};

// How much of what a heap of its own wins over counting is allocation: the same counting on the best other allocator of the scene
// (a malloc, or the block heap) says it. Told of the baseline if it is there on several, else of every strategy that is.
std::string allocation_text(const scene_results& s, double noise, std::uint64_t seed, int needed) {
  std::vector<std::vector<const row_results*>> counted;   // a strategy on each allocator, in the plan's order
  std::vector<const row_results*> own;
  for (const auto& r : s.rows) {
    if (r.again || r.floor || r.flat().empty()) continue;
    if (r.own_heap) {
      own.push_back(&r);
      continue;
    }
    const auto same = std::ranges::find_if(counted, [&](const auto& of) { return of.front()->strategy == r.strategy; });
    if (same == counted.end()) {
      counted.push_back({&r});
    } else {
      (*same).push_back(&r);
    }
  }
  std::erase_if(counted, [](const auto& of) { return of.size() < 2; });
  if (std::ranges::any_of(counted, [](const auto& of) { return of.front()->baseline; })) {
    std::erase_if(counted, [](const auto& of) { return !of.front()->baseline; });
  }
  const auto best_of = [&](const row_results& than, const std::vector<const row_results*>& rows) {
    compared_row best;
    for (const auto* r : rows) {
      if (auto gain = ratio_of(than.values, r->values, seed, needed); gain && (!best.gain || gain->ratio > best.gain->ratio)) {
        best = {r, std::move(gain)};
      }
    }
    return best;
  };
  std::string out;
  for (const auto& of : counted) {
    const row_results& first = *of.front();
    const compared_row malloced = best_of(first, {of.begin() + 1, of.end()});
    std::vector<std::string> told;   // of a strategy's heap sizes, the best
    for (const auto* one : own) {
      if (std::ranges::find(told, one->strategy) != told.end()) continue;
      told.push_back(one->strategy);
      std::vector<const row_results*> sizes;
      std::ranges::copy_if(own, std::back_inserter(sizes), [&](const auto* r) { return r->strategy == one->strategy; });
      const compared_row winner = best_of(first, sizes);
      if (!malloced.gain || !winner.gain || winner.gain->ratio < 1 || !differs(*winner.gain, noise)) continue;
      const auto rest = ratio_of(malloced.row->values, winner.row->values, seed, needed);
      if (!rest) continue;
      const std::string against = fmt::format("({} against {})", malloced.row->name, first.name);
      out += fmt::format("  {}'s {} over {}: ", winner.row->name, ratio_text(*winner.gain), first.name);
      if (!differs(*malloced.gain, noise)) {
        out += fmt::format("what is allocation is lost in the noise, {} {}\n", ratio_text(*malloced.gain), against);
      } else if (malloced.gain->ratio < 1) {
        out += fmt::format("none of it is allocation, {} {}\n", ratio_text(*malloced.gain), against);
      } else if (!differs(*rest, noise)) {
        out += fmt::format("{} of it is allocation {}, what remains is lost in the noise, {}\n", ratio_text(*malloced.gain),
                           against, ratio_text(*rest));
      } else if (rest->ratio < 1) {
        out += fmt::format("all of it is allocation, {} {}\n", ratio_text(*malloced.gain), against);
      } else {
        out += fmt::format("{} of it is allocation {}, {} remains\n", ratio_text(*malloced.gain), against, ratio_text(*rest));
      }
    }
  }
  return out;
}

std::string scene_text(const scene_results& s, const summary_options& options) {
  const judged_by& by = of_mode(s.mode);
  const row_results *base = nullptr, *again = nullptr;
  for (const auto& r : s.rows) {
    if (r.baseline && base == nullptr) base = &r;
    if (r.again && again == nullptr) again = &r;
  }
  const int needed = options.citable ? 2 : 1'000'000;
  // What the baseline differs from itself by, in the worst window: less than that is no difference.
  double noise = 0;
  if (base != nullptr && again != nullptr) {
    if (const auto same = ratio_of(base->values, again->values, options.seed, needed)) {
      noise = std::exp(std::max(std::log(same->spread.high), -std::log(same->spread.low))) - 1;
    }
  }
  std::vector<judged_row> rows;
  std::vector<const row_results*> failed;
  double floor_cpu = INFINITY;
  for (const auto& r : s.rows) {
    const auto values = r.flat();
    if (values.empty()) {
      failed.push_back(&r);
      continue;
    }
    if (!r.cpu.empty()) floor_cpu = std::min(floor_cpu, median(r.cpu));
    if (r.again) continue;
    judged_row j{&r, median(values), {}, true};
    if (base != nullptr) j.against = ratio_of(base->values, r.values, options.seed, needed);
    if (j.against) j.different = differs(*j.against, noise);
    rows.push_back(j);
  }
  std::ranges::stable_sort(rows, {}, &judged_row::value);

  const auto winner = std::ranges::find_if(rows, [](const judged_row& j) { return !j.row->floor; });
  std::string head = s.title + ": ";
  if (winner == rows.end()) {
    head += "no result";
  } else if (base == nullptr || !winner->against) {
    head += fmt::format("{} is first; {} is no baseline here", winner->row->name, options.baseline);
  } else if (winner->row->baseline || !winner->different) {
    head += fmt::format("nothing beats {}", base->name);
  } else {
    head += fmt::format("{} wins, {}", winner->row->name,
                        fmt::format(fmt::runtime(by.better), winner->against->ratio, base->name));
  }
  std::string out = head + "\n";
  std::size_t width = 0;
  for (const auto& j : rows) width = std::max(width, j.row->name.size());
  for (const auto& j : rows) {
    std::string against, cost;
    if (j.against) against = ratio_text(*j.against);
    if (s.mode == "throughput" && !j.row->cpu.empty()) cost = fmt::format("cpu {:.2f}x floor", median(j.row->cpu) / floor_cpu);
    std::string line = fmt::format("  {:{}}  {:>9.4g} {}  {:>{}}  {:>16}  {}", j.row->name, width, j.value * by.scale, by.unit,
                                   against, options.citable ? 22 : 8, cost, remarks(j, noise));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  if (s.mode == "throughput") out += allocation_text(s, noise, options.seed, needed);
  for (const auto* r : failed) out += fmt::format("  {}: failed: {}\n", r->name + (r->again ? " (again)" : ""), r->reason);
  return out;
}

}  // namespace

std::string summary_text(const std::vector<json>& records, const summary_options& options) {
  std::map<std::string, std::size_t> rank;
  for (const auto& key : options.order) rank.emplace(key, rank.size());
  std::vector<const json*> planned;
  for (const auto& r : records) planned.push_back(&r);
  std::ranges::stable_sort(planned, {}, [&](const json* r) {
    const auto found = rank.find(r->at("row").get<std::string>());
    return found == rank.end() ? rank.size() : found->second;
  });
  std::string out;
  for (const auto& s : gather(planned)) out += scene_text(s, options) + "\n";
  return out;
}

}  // namespace tally
