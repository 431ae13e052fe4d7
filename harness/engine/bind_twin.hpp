// A strategy's twin: variants of it on another policy than native, with the workloads that say something there.
#pragma once

#include <string_view>
#include <type_traits>

#include "harness/engine/bind.hpp"

namespace tally {

// `unmet` is why the workloads that are not among the Wanted have no such build.
template <class Family, class M, auto... O, class... W, class... Wanted>
strategy_entry bind_twin(variant_list<O...> variants, workload_list<W...>, workload_list<Wanted...>, std::string_view unmet) {
  strategy_entry entry = bind_strategy<Family, M>(variants, workload_list<>{});
  const auto add = [&]<class H, class One>(std::type_identity<H>, std::type_identity<One>, variant_entry& v) {
    if constexpr ((std::is_same_v<One, Wanted> || ...)) {
      v.cells.push_back(bind_cell<H, One>());
    } else {
      cell none;
      none.workload = One::info.name;
      none.unmet = unmet;
      v.cells.push_back(none);
    }
  };
  const auto add_all = [&]<class H>(std::type_identity<H> heap, variant_entry& v) {
    (add(heap, std::type_identity<W>{}, v), ...);
  };
  std::size_t at = 0;
  (add_all(std::type_identity<typename Family::template heap<M, O>>{}, entry.variants.at(at++)), ...);
  return entry;
}

}  // namespace tally
