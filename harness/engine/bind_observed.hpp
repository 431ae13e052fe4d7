// The observed twin of a strategy, for the rows that count line hand-offs: its default variant on the observed policy, with the
// workloads whose threads contend for words.
#pragma once

#include "harness/engine/bind.hpp"
#include "harness/memory/observed.hpp"

namespace tally {

template <class Family, auto Default, auto... O, class... W, class... Contended>
strategy_entry bind_observed(variant_list<Default, O...>, workload_list<W...>, workload_list<Contended...>) {
  using heap = typename Family::template heap<observed, Default>;
  static_assert(instrumented<heap> && !single_threaded<heap>, "OBSERVED is for strategies that count through the memory policy");
  strategy_entry entry = bind_strategy<Family, observed>(variant_list<Default>{}, workload_list<>{});
  const auto add = [&]<class One>(std::type_identity<One>) {
    if constexpr ((std::is_same_v<One, Contended> || ...)) {
      entry.variants.front().cells.push_back(bind_cell<heap, One>());
    } else {
      cell none;
      none.workload = One::info.name;
      none.unmet = "no observed build of this workload: its threads do not contend for words";
      entry.variants.front().cells.push_back(none);
    }
  };
  (add(std::type_identity<W>{}), ...);
  return entry;
}

}  // namespace tally
