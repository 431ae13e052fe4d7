// A registry that is made by hand: what plans and listings do with one, without building a strategy.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/engine/registry.hpp"
#include "harness/measure/topology.hpp"

namespace tally::testing {

inline constexpr std::array<parameter_info, 2> spin_parameters{{
    word("sharing", {"private", "shared"}, "private or shared"),
    whole("size", 10, 1, 100, "how many"),
}};
inline constexpr std::array<parameter_info, 1> pair_parameters{{whole("share", 5, 0, 100, "per cent")}};

// Refuses one value; never run.
struct fake_body : run_body {
  explicit fake_body(const parameters& p) : params(p) {}
  void prepare() override {
    if (params.contains("size") && params.integer("size") == 99) throw usage_error("--set size=99: unlucky");
  }
  oracle_verdict run(const std::function<void()>&) override { throw std::logic_error("a plan runs nothing"); }
  void lane(int, lane_control&) override {}
  [[nodiscard]] std::int64_t live() const override { return 0; }
  [[nodiscard]] std::int64_t live_bytes() const override { return 0; }
  void report(metric_list&) const override {}
  parameters params;
};

inline cell fake_cell(std::string_view workload, std::string_view unmet, bool states_payload) {
  cell c;
  c.workload = workload;
  c.unmet = unmet;
  c.make = [](const body_spec& b) -> std::unique_ptr<run_body> { return std::make_unique<fake_body>(b.params); };
  if (states_payload) c.payload_bytes = [](const body_spec&) { return std::optional<std::size_t>(1'000'000); };
  return c;
}

// spin: any number of threads, states its payload; pair: at least two threads, does not.
inline registry fake_registry() {
  registry all;
  all.workloads = {{"spin", "turns round", "one turn", spin_parameters},
                   {"pair", "two at a time", "one exchange", pair_parameters, 2}};
  const auto variant = [](std::vector<std::string> options, std::string label, capabilities can,
                          std::string_view unmet_pair = "") {
    variant_entry v{std::move(options), std::move(label), 16, can, {}};
    v.cells = {fake_cell("spin", "", true), fake_cell("pair", unmet_pair, false)};
    return v;
  };
  capabilities threads;
  capabilities one = threads;
  one.single_threaded = true;
  capabilities tracing = threads;
  tracing.limits_heap = true;
  tracing.own_heap = true;
  const tunable_entry order{"order", "memory order", "everybody's", {"relaxed", "seq_cst"}, "relaxed", 0, 0};
  const tunable_entry interval{"interval", "switch interval", "CPython", {}, "50", 1, 1000, true};
  all.strategies = {
      {"plain", "a plain count", "-", {}, {variant({}, "", one)}},
      {"atomic",
       "an atomic count",
       "[Boehm04]",
       {order},
       {variant({"relaxed"}, "", threads), variant({"seq_cst"}, "order=seq_cst", threads)}},
      {"gil", "a lock", "CPython", {interval}, {variant({}, "", threads)}},
      {"sweep", "a tracing collector", "-", {}, {variant({}, "", tracing, "needs weak refs")}},
  };
  return all;
}

inline topology fake_machine(int cores, int siblings = 1) {
  topology t;
  for (int s = 0; s < siblings; ++s) {
    for (int c = 0; c < cores; ++c) t.cpus.push_back({s * cores + c, 0, 0, c, s});
  }
  return t;
}

}  // namespace tally::testing
