// The steps of a sequence, and how often each comes up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tally::conform {

enum class kind : std::uint8_t {
  make,
  copy,
  drop,
  give,
  load,
  store,
  take,
  load_shared,
  store_shared,
  exchange,
  compare_exchange,
  downgrade,
  upgrade,
  copy_weak,
  drop_weak,
  give_weak,
  load_weak,
  store_weak,
  share,
  poll,
  quiesce,
  collect,
  block,
  borrow,
  leave,
  drop_all,
  give_all,
  load_root,
  store_root,
  make_immortal,
  release_immortal,
  make_in_vain,
  make_deferred,
  release_deferred
};

// Steps that whoever has no ref can't take.
constexpr bool needs_ref(kind k) {
  switch (k) {
    case kind::make:
    case kind::poll:
    case kind::quiesce:
    case kind::collect:
    case kind::block:
    case kind::leave: return false;
    case kind::load_root:
    case kind::make_in_vain: return false;
    case kind::upgrade:
    case kind::copy_weak:
    case kind::drop_weak:
    case kind::give_weak: return false;
    default: return true;
  }
}

namespace detail {
struct weight {
  kind what;
  std::size_t times;
};
inline constexpr std::array weights{weight{kind::make, 8},
                                    weight{kind::copy, 9},
                                    weight{kind::drop, 13},
                                    weight{kind::give, 13},
                                    weight{kind::load, 4},
                                    weight{kind::store, 6},
                                    weight{kind::take, 3},
                                    weight{kind::load_shared, 4},
                                    weight{kind::store_shared, 4},
                                    weight{kind::exchange, 3},
                                    weight{kind::compare_exchange, 3},
                                    weight{kind::downgrade, 4},
                                    weight{kind::upgrade, 6},
                                    weight{kind::copy_weak, 1},
                                    weight{kind::drop_weak, 3},
                                    weight{kind::give_weak, 2},
                                    weight{kind::load_weak, 2},
                                    weight{kind::store_weak, 2},
                                    weight{kind::share, 2},
                                    weight{kind::poll, 4},
                                    weight{kind::quiesce, 2},
                                    weight{kind::collect, 1},
                                    weight{kind::block, 3},
                                    weight{kind::borrow, 2},
                                    weight{kind::leave, 2},
                                    weight{kind::drop_all, 3},
                                    weight{kind::give_all, 4},
                                    weight{kind::load_root, 2},
                                    weight{kind::store_root, 3},
                                    weight{kind::make_immortal, 2},
                                    weight{kind::release_immortal, 2},
                                    weight{kind::make_in_vain, 1},
                                    weight{kind::make_deferred, 3},
                                    weight{kind::release_deferred, 2}};
constexpr std::size_t total() {
  std::size_t n = 0;
  for (const auto& w : weights) n += w.times;
  return n;
}
}  // namespace detail

inline constexpr auto step_by_weight = [] {
  std::array<std::uint8_t, detail::total()> all{};
  std::size_t at = 0;
  for (const auto& w : detail::weights) {
    for (std::size_t i = 0; i < w.times; ++i) all[at++] = static_cast<std::uint8_t>(w.what);
  }
  return all;
}();

}  // namespace tally::conform
