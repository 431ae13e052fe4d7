// The size classes of the block heap, and the arithmetic from an address to a cell.
//
// A block holds cells of one class. Classes go up in steps of 8 bytes to 128 (an object is a word of header and a few words of
// payload: a step of 16 would waste a quarter of the common ones), then eight to a doubling, so that at most an eighth of a
// cell is lost. The greatest is half a block; what is larger gets blocks of its own.
//
// An interior address is turned into its cell's number by a multiplication with a rounded-up reciprocal, which is exact for
// every offset in a block (checked for all of them in tests/unit/block_heap.cpp).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tally::block_heap_sizes {

inline constexpr std::size_t block_bytes = std::size_t{1} << 15;
inline constexpr std::size_t least_cell = 16;
inline constexpr std::size_t greatest_cell = block_bytes / 2;
inline constexpr std::size_t most_cells = block_bytes / least_cell;
inline constexpr std::size_t bitmap_words = most_cells / 64;

// For 1 <= bytes <= greatest_cell.
[[nodiscard]] constexpr std::size_t class_of(std::size_t bytes) {
  if (bytes <= least_cell) return 0;
  if (bytes <= 128) return (bytes + 7) / 8 - 2;
  const std::size_t b = bytes - 1;
  const auto e = static_cast<std::size_t>(std::bit_width(b)) - 1;  // 128 << (e - 7) <= b
  return 15 + (e - 7) * 8 + ((b >> (e - 3)) & 7);
}

inline constexpr std::size_t class_count = class_of(greatest_cell) + 1;

[[nodiscard]] constexpr std::size_t cell_bytes_of(std::size_t c) {
  if (c < 15) return (c + 2) * 8;
  return (9 + (c - 15) % 8) << ((c - 15) / 8 + 4);
}

inline constexpr std::array<std::uint32_t, class_count> cell_bytes = [] {
  std::array<std::uint32_t, class_count> all{};
  for (std::size_t c = 0; c < class_count; ++c) all[c] = static_cast<std::uint32_t>(cell_bytes_of(c));
  return all;
}();

[[nodiscard]] constexpr std::uint32_t cells_in_block(std::size_t c) {
  return static_cast<std::uint32_t>(block_bytes / cell_bytes[c]);
}

[[nodiscard]] constexpr std::uint32_t reciprocal_of(std::size_t cell) {
  return static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + cell - 1) / cell);
}

// The cell that holds byte `offset` of a block; at or above cells_in_block() for the waste at its end. A reciprocal of 0, which
// blocks of large objects have, makes every offset cell 0.
[[nodiscard]] constexpr std::size_t cell_at(std::size_t offset, std::uint32_t reciprocal) {
  return static_cast<std::size_t>((std::uint64_t{offset} * reciprocal) >> 32);
}

}  // namespace tally::block_heap_sizes
