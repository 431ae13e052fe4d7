// Coherence protocols.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tally::sim {

enum class protocol : std::uint8_t { mesi, moesi };
inline constexpr std::array<std::string_view, 2> protocol_names{"mesi", "moesi"};
static_assert(protocol_names.size() == static_cast<std::size_t>(protocol::moesi) + 1);

}  // namespace tally::sim
