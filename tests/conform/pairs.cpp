// Every strategy variant with every workload, in a window too short to mean anything: no timing, only the oracle. What must be
// `ok` and what may be skipped, and why, is the table tests/conform/pairs.txt: a pair can't fall out of the suite unnoticed.
//
//   pairs            checks the built pairs against the table
//   pairs --write    prints the table as the binary would have it (read the change before you commit it)
#include <fmt/core.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/engine/engine.hpp"
#include "harness/engine/registry.hpp"
#include "tests/support/pair_table.hpp"

namespace {

using namespace tally;

// What the binary says of a pair before running it.
std::string stated(const variant_entry& v, const cell& c, const workload_info& w) {
  if (!c.unmet.empty()) return "skip " + std::string(c.unmet);
  if (const std::string why = c.unmet_for(parameters(w)); !why.empty()) return "skip " + why;
  if (v.can.single_threaded && w.min_lanes > 1) return "skip not thread-safe";
  return "ok";
}

// What runs besides a workload's defaults, which must be met: recordings that say what refers to what, for tracing heaps, too.
std::vector<parameters> others(const workload_info& w) {
  std::vector<parameters> all;
  if (w.name != "trace") return all;
  for (const char* file : {"ast_parents", "dom_edit", "lru_links"}) {
    for (const char* mode : {"single", "copies"}) {
      all.emplace_back(w, std::map<std::string, std::string>{{"file", file}, {"mode", mode}});
    }
  }
  return all;
}

// Runs it with this many lanes; "" or what went wrong.
std::string run(const cell& c, const parameters& params, int lanes, measure_mode mode) {
  body_spec body;
  body.params = params;
  body.lanes = lanes;
  body.seed = static_cast<std::uint64_t>(lanes) * 77 + 1;
  window_spec window;
  window.lanes = lanes;
  window.mode = mode;
  window.ramp_ns = 1'000'000;
  window.window_ns = 5'000'000;
  const auto made = c.make(body);
  const auto result = run_window(*made, window);
  if (!result.failure.empty()) return result.failure;
  if (!result.oracle.ok) return result.oracle.message;
  return "";
}

// BDWGC stops threads by signals and scans their stacks, which neither sanitizer lets it do.
bool unsanitizable([[maybe_unused]] const std::string& strategy) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  return strategy == "bdwgc";
#else
  return false;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  park_sentinel();
  const bool write = argc > 1 && std::string_view(argv[1]) == "--write";
  const std::string only = argc > 1 && !write ? argv[1] : "";
  auto table = testing::pair_table();
  int wrong = 0, ran = 0, skipped = 0, left_out = 0;
  const auto complain = [&](const std::string& pair, const std::string& what) {
    fmt::print("FAILED {}: {}\n", pair, what);
    ++wrong;
  };
  for (const auto& s : built_in().strategies) {
    for (const auto& v : s.variants) {
      for (std::size_t i = 0; i < v.cells.size(); ++i) {
        const auto& w = built_in().workloads[i];
        const std::string pair = variant_name(s, v) + " " + std::string(w.name);
        if (!only.empty() && pair.find(only) == std::string::npos) continue;
        const std::string now = stated(v, v.cells[i], w);
        if (write) {
          fmt::print("{:32} {:16} {}\n", variant_name(s, v), w.name, now);
          continue;
        }
        if (v.cells[i].unmet == defaults_only_reason) {
          table.erase(pair);
          ++left_out;
          continue;
        }
        const auto row = table.find(pair);
        if (row == table.end()) {
          complain(pair, "is not in tests/conform/pairs.txt");
          continue;
        }
        if (row->second != now) complain(pair, "the table says '" + row->second + "', the binary '" + now + "'");
        table.erase(row);
        if (!v.cells[i].unmet.empty() || unsanitizable(s.name)) {
          ++skipped;
          continue;
        }
        const auto run_with = [&](const parameters& params) {
          for (int lanes = w.min_lanes; lanes <= (v.can.single_threaded ? w.min_lanes : 3); ++lanes) {
            if (!v.cells[i].unmet_lanes(params, lanes).empty()) continue;
            for (const auto mode : {measure_mode::throughput, measure_mode::latency}) {
              if (const auto error = run(v.cells[i], params, lanes, mode); !error.empty()) {
                complain(pair + " with " + std::to_string(lanes) + " lanes", error);
              }
              ++ran;
            }
          }
        };
        if (now == "ok") {
          run_with(parameters(w));
        } else {
          ++skipped;
        }
        for (const parameters& params : others(w)) run_with(params);
      }
    }
  }
  if (write) return 0;
  if (only.empty()) {
    for (const auto& [pair, verdict] : table) complain(pair, "is in the table, but was not built");
  }
  if (!only.empty() && ran + skipped + left_out + wrong == 0) complain(only, "no pair is called so");
  if (left_out != 0) fmt::print("{} pairs of a variant are left out of this build\n", left_out);
  fmt::print("{} runs, {} pairs skipped with their reason, {} wrong\n", ran, skipped, wrong);
  return wrong == 0 ? 0 : 1;
}
