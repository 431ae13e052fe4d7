// The stamped twin of a strategy, for the rows that tell how promptly objects are freed: on the stamped policy, with the workloads
// that say when an object's last reference is dropped. Its variants are the default, or those that the family names in
// stamped_variants, the default first: others free when it does.
#pragma once

#include "harness/engine/bind_twin.hpp"
#include "harness/memory/stamped.hpp"

namespace tally {

template <class Family, auto Default, auto... O>
constexpr auto stamped_variants_of(variant_list<Default, O...>) {
  if constexpr (requires { typename Family::stamped_variants; }) {
    return typename Family::stamped_variants{};
  } else {
    return variant_list<Default>{};
  }
}

template <class Family, class... W, class... Stamped>
strategy_entry bind_stamped(workload_list<W...> all, workload_list<Stamped...> stamped_ones) {
  return bind_twin<Family, stamped>(
      stamped_variants_of<Family>(typename Family::variants{}), all, stamped_ones,
      "no stamped build of this workload: it does not say when an object's last reference is dropped");
}

}  // namespace tally
