// A strategy for the registry of simulated pairs: bound to the simulated policy, or listed with the reason why it can't be.
//
// Every variant is built, unless the family has a list `simulated_variants`: those that differ in traffic (the interleaving
// is sequentially consistent here, so that memory orders make no difference).
#pragma once

#include "harness/engine/bind.hpp"
#include "harness/sim/cores/tasks_simulated.hpp"

namespace tally {

template <class Family, auto First, auto... Rest, class... W>
strategy_entry bind_simulated(variant_list<First, Rest...> all, workload_list<W...> workloads) {
  if constexpr (!instrumented<typename Family::template heap<native, First>>) {
    strategy_entry entry{
        std::string(Family::info.name), std::string(Family::info.summary), std::string(Family::info.source), {}, {}};
    variant_entry v;
    const auto add = [&](std::string_view workload) {
      cell c{};
      c.workload = workload;
      c.unmet = "wraps a library, whose accesses can't be seen";
      v.cells.push_back(c);
    };
    (add(W::info.name), ...);
    entry.variants.push_back(std::move(v));
    return entry;
  } else if constexpr (requires { typename Family::simulated_variants; }) {
    return bind_strategy<Family, simulated>(typename Family::simulated_variants{}, workloads);
  } else {
    return bind_strategy<Family, simulated>(all, workloads);
  }
}

}  // namespace tally
