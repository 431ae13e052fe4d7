// The objects of an object program.
#pragma once

#include <cstdint>

namespace tally {

// plain, note, revive: containers, by what their finaliser does (plain has none). weak: a weak reference, which is an object, too.
enum class object_kind : std::uint8_t { plain, note, revive, leaf, weak };

// Has slots that statements reach.
[[nodiscard]] constexpr bool is_container(object_kind k) { return k < object_kind::leaf; }
[[nodiscard]] constexpr bool has_finalizer(object_kind k) { return k == object_kind::note || k == object_kind::revive; }

}  // namespace tally
