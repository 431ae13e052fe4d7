// The observed twin of a strategy, for the rows that count line hand-offs: its default variant on the observed policy, with the
// workloads whose threads contend for words.
#pragma once

#include "harness/engine/bind_twin.hpp"
#include "harness/memory/observed.hpp"

namespace tally {

template <class Family, auto Default, auto... O, class... W, class... Contended>
strategy_entry bind_observed(variant_list<Default, O...>, workload_list<W...> all, workload_list<Contended...> contended) {
  using heap = typename Family::template heap<observed, Default>;
  static_assert(instrumented<heap> && !single_threaded<heap>, "OBSERVED is for strategies that count through the memory policy");
  return bind_twin<Family, observed>(variant_list<Default>{}, all, contended,
                                     "no observed build of this workload: its threads do not contend for words");
}

}  // namespace tally
